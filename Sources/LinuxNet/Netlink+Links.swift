import CLinux
import Glibc

extension Netlink {
    /// Every interface, in the kernel's order.
    package mutating func links() throws(SystemError) -> [LinkState] {
        var request = NetlinkRequest(RTM_GETLINK, flags: 0, ifinfomsg())
        request.add(Int(IFLA_EXT_MASK), UInt32(RTEXT_FILTER_SKIP_STATS))
        return try socket.dump(&request, "list the interfaces") { LinkState(parsing: $0) }
    }

    /// - Throws: ``SystemError``, `ENODEV` when there is no such interface.
    package mutating func link(index: UInt32) throws(SystemError) -> LinkState {
        let attempt = "read the state of interface \(index)"
        var request = NetlinkRequest(RTM_GETLINK, flags: 0, Self.linkHeader(index))
        guard let state = try socket.request(&request, attempt, { LinkState(parsing: $0) }) else {
            throw SystemError(EBADMSG, attempt)
        }
        return state
    }

    /// Nil when there is no interface of this name.
    package mutating func link(named name: String) throws(SystemError) -> LinkState? {
        guard LinkState.canBeName(name) else { return nil }
        var request = NetlinkRequest(RTM_GETLINK, flags: 0, ifinfomsg())
        request.add(Int(IFLA_IFNAME), text: name)
        do throws(SystemError) {
            return try socket.request(&request, "read the state of the interface \(name)") { LinkState(parsing: $0) }
        } catch {
            if error.code == ENODEV { return nil }
            throw error
        }
    }

    /// Creates an interface.
    ///
    /// - Parameter kind: as `wireguard`.
    /// - Throws: ``SystemError``; `EEXIST` when the name is taken, `EOPNOTSUPP` when the kernel doesn't know the kind.
    package mutating func createLink(named name: String, kind: String) throws(SystemError) {
        let attempt = "create the interface \(name) of kind \(kind)"
        guard LinkState.canBeName(name) else { throw SystemError(EINVAL, attempt) }
        var request = NetlinkRequest(RTM_NEWLINK, flags: NLM_F_CREATE | NLM_F_EXCL, ifinfomsg())
        request.add(Int(IFLA_IFNAME), text: name)
        request.nest(Int(IFLA_LINKINFO)) { $0.add(Int(IFLA_INFO_KIND), text: kind) }
        try order(request, attempt)
    }

    /// Deletes an interface, and with it its addresses and routes.
    package mutating func deleteLink(index: UInt32) throws(SystemError) {
        try order(NetlinkRequest(RTM_DELLINK, flags: 0, Self.linkHeader(index)), "delete interface \(index)")
    }

    /// Sets the MTU in bytes.
    package mutating func setMTU(_ mtu: Int, index: UInt32) throws(SystemError) {
        try change(index, "set the MTU of interface \(index) to \(mtu)") {
            $0.add(Int(IFLA_MTU), UInt32(clamping: mtu))
        }
    }

    /// Limits the super-packets that the kernel hands to the interface, of both address families.
    ///
    /// - Parameters:
    ///   - bytes: at most 65 536, the IP header included. Kernels before 6.3 have one limit for both families, and
    ///     ignore the one for IPv4.
    ///   - segments: the packets that one may become.
    package mutating func limitSegmentation(bytes: Int, segments: Int, index: UInt32) throws(SystemError) {
        try change(index, "limit super-packets on interface \(index) to \(bytes) bytes, \(segments) segments") {
            $0.add(Int(IFLA_GSO_MAX_SEGS), UInt32(clamping: segments))
            $0.add(Int(IFLA_GSO_MAX_SIZE), UInt32(clamping: bytes))
            $0.add(Int(CLINUX_IFLA_GSO_IPV4_MAX_SIZE), UInt32(clamping: bytes))
        }
    }

    /// Sets the interface up or down.
    package mutating func setUp(_ isUp: Bool, index: UInt32) throws(SystemError) {
        var header = Self.linkHeader(index)
        header.ifi_change = UInt32(IFF_UP)
        header.ifi_flags = isUp ? UInt32(IFF_UP) : 0
        try order(
            NetlinkRequest(RTM_NEWLINK, flags: 0, header), "set interface \(index) \(isUp ? "up" : "down")")
    }

    /// Keeps the kernel from giving the interface a link-local IPv6 address of its own.
    ///
    /// - Throws: ``SystemError``, `EAFNOSUPPORT` among others on a machine without IPv6.
    package mutating func disableAddressGeneration(index: UInt32) throws(SystemError) {
        try change(index, "turn IPv6 address generation off on interface \(index)") { request in
            request.nest(Int(IFLA_AF_SPEC)) { families in
                families.nest(Int(AF_INET6)) {
                    $0.add(Int(IFLA_INET6_ADDR_GEN_MODE), UInt8(truncatingIfNeeded: IN6_ADDR_GEN_MODE_NONE.rawValue))
                }
            }
        }
    }

    private mutating func change(
        _ index: UInt32, _ attempt: String, _ body: (inout NetlinkRequest) -> Void
    ) throws(SystemError) {
        var request = NetlinkRequest(RTM_NEWLINK, flags: 0, Self.linkHeader(index))
        body(&request)
        try order(request, attempt)
    }

    private static func linkHeader(_ index: UInt32) -> ifinfomsg {
        var header = ifinfomsg()
        header.ifi_index = Int32(bitPattern: index)
        return header
    }
}

/// A network interface at one moment.
package struct LinkState: Equatable, Sendable {
    package let index: UInt32
    package let name: String
    /// Whether the administrator has set it up (`IFF_UP`). That is what starts and stops a kernel WireGuard interface;
    /// `IFF_RUNNING` follows later, and says no more for a TUN device that a program holds.
    package let isUp: Bool
    /// Bytes.
    package let mtu: Int
    /// What `ip -details link` calls it: `wireguard`, `tun`, `veth`. Nil for hardware and the loopback.
    package let kind: String?

    /// Whether the kernel would take `name`: 1 to 15 bytes.
    static func canBeName(_ name: String) -> Bool {
        (1..<Int(IFNAMSIZ)).contains(name.utf8.count) && !name.utf8.contains(0)
    }
}

extension LinkState {
    /// Reads an `RTM_NEWLINK`; nil for another message and for one that doesn't describe the interface itself.
    init?(parsing message: NetlinkMessages.Message) {
        guard Int(message.type) == RTM_NEWLINK, let header = ifinfomsg(ofInterfaceIn: message.payload) else {
            return nil
        }
        var name: String?
        var mtu: UInt32?
        var kind: String?
        for attribute in NetlinkAttributes(message.payload, after: MemoryLayout<ifinfomsg>.size) {
            switch attribute.type {
            case Int(IFLA_IFNAME): name = attribute.text
            case Int(IFLA_MTU): mtu = attribute.number
            case Int(IFLA_LINKINFO): kind = attribute.nested.first { $0.type == Int(IFLA_INFO_KIND) }?.text
            default: break
            }
        }
        guard let name, let mtu else { return nil }
        self.init(
            index: UInt32(bitPattern: header.ifi_index), name: name, isUp: header.ifi_flags & UInt32(IFF_UP) != 0,
            mtu: Int(mtu), kind: kind)
    }
}

extension ifinfomsg {
    /// Nil when the payload is too short, or speaks of the interface as a port of a bridge.
    init?(ofInterfaceIn payload: UnsafeRawBufferPointer) {
        guard payload.count >= MemoryLayout<ifinfomsg>.size else { return nil }
        self = payload.loadUnaligned(as: ifinfomsg.self)
        guard ifi_family == UInt8(AF_UNSPEC) else { return nil }
    }
}
