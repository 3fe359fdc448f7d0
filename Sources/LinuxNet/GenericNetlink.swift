import CLinux
import Glibc

/// A conversation with one family of the kernel's generic netlink, in the network namespace of the thread that creates
/// it. Each request waits for its answer.
package struct GenericNetlink: ~Copyable {
    private var socket: NetlinkSocket
    private let family: Int

    /// - Throws: ``SystemError``, `ENOENT` when the kernel has no family of this name, nor a module that brings it.
    package init(family name: String) throws(SystemError) {
        try self.init(family: name, over: NetlinkSocket(family: NETLINK_GENERIC))
    }

    init(family name: String, over socket: consuming NetlinkSocket) throws(SystemError) {
        let attempt = "find the kernel's netlink family \(name)"
        var socket = socket
        let header = genlmsghdr(cmd: UInt8(CTRL_CMD_GETFAMILY), version: 1, reserved: 0)
        var request = NetlinkRequest(Int(GENL_ID_CTRL), flags: 0, header)
        request.add(Int(CTRL_ATTR_FAMILY_NAME), text: name)
        let number: UInt16? = try socket.request(&request, attempt) { message in
            Self.attributes(message).first { $0.type == Int(CTRL_ATTR_FAMILY_ID) }?.integer()
        }
        guard let number else { throw SystemError(EBADMSG, attempt) }
        self.socket = socket
        family = Int(number)
    }

    /// A request to which attributes can be added.
    ///
    /// - Parameter capacity: bytes to reserve; see ``NetlinkRequest/init(_:flags:_:capacity:)``.
    package func request(_ command: UInt8, version: UInt8, capacity: Int = 0) -> NetlinkRequest {
        let header = genlmsghdr(cmd: command, version: version, reserved: 0)
        return NetlinkRequest(family, flags: 0, header, capacity: capacity)
    }

    /// Asks for a list, and once more if it changes meanwhile.
    ///
    /// - Parameter parse: what a message with these attributes holds; nil to pass over it.
    package mutating func dump<Item>(
        _ request: inout NetlinkRequest, _ attempt: String, _ parse: (NetlinkAttributes) -> Item?
    ) throws(SystemError) -> [Item] {
        let family = family
        return try socket.dump(&request, attempt) { message in
            Int(message.type) == family ? parse(Self.attributes(message)) : nil
        }
    }

    /// Sends a request that the kernel only acknowledges.
    package mutating func order(_ request: inout NetlinkRequest, _ attempt: String) throws(SystemError) {
        request.finish(sequence: 0, flags: NLM_F_ACK)
        _ = try socket.request(&request, attempt) { _ in () }
    }

    private static func attributes(_ message: NetlinkMessages.Message) -> NetlinkAttributes {
        NetlinkAttributes(message.payload, after: MemoryLayout<genlmsghdr>.size)
    }
}
