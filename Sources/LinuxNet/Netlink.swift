import CLinux
import Glibc
package import Wire

/// Questions and orders to the kernel about interfaces and routes, in the network namespace of the thread that creates
/// it. For set-up and control: each waits for its answer.
package struct Netlink: ~Copyable {
    private var socket: NetlinkSocket

    package init() throws(SystemError) {
        socket = try NetlinkSocket()
    }

    /// - Throws: ``SystemError``, `ENODEV` when there is no such interface.
    package mutating func link(index: UInt32) throws(SystemError) -> LinkState {
        let attempt = "read the state of interface \(index)"
        let request = NetlinkRequest(RTM_GETLINK, flags: 0, Self.linkHeader(index))
        guard let state = try socket.request(request, attempt, { LinkState(parsing: $0.payload) }) else {
            throw SystemError(EBADMSG, attempt)
        }
        return state
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
        try change(header, "set interface \(index) \(isUp ? "up" : "down")") { _ in }
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

    /// The index of the interface that packets to `destination` leave through; nil when there is no route. Protocol §11.
    ///
    /// - Parameters:
    ///   - source: the address they would have; for IPv4 there is no route from one that isn't local.
    ///   - mark: their firewall mark; 0 for none.
    package mutating func routeInterface(
        to destination: IPAddress, from source: IPAddress? = nil, mark: UInt32 = 0
    ) throws(SystemError) -> UInt32? {
        var header = rtmsg()
        header.rtm_family = UInt8(truncatingIfNeeded: destination.isIPv6 ? AF_INET6 : AF_INET)
        header.rtm_dst_len = UInt8(truncatingIfNeeded: destination.bitCount)
        header.rtm_src_len = UInt8(truncatingIfNeeded: source?.bitCount ?? 0)
        var request = NetlinkRequest(RTM_GETROUTE, flags: 0, header)
        request.add(Int(RTA_DST.rawValue), destination)
        if let source { request.add(Int(RTA_SRC.rawValue), source) }
        if mark != 0 { request.add(Int(RTA_MARK.rawValue), mark) }
        do throws(SystemError) {
            return try socket.request(request, "look up the route to \(destination)") { message in
                NetlinkAttributes(message.payload, after: MemoryLayout<rtmsg>.size)
                    .first { $0.type == Int(RTA_OIF.rawValue) }?.number
            }
        } catch {
            switch error.code {
            case ENETUNREACH, EHOSTUNREACH, EINVAL, EACCES, ENODEV, EADDRNOTAVAIL: return nil
            default: throw error
            }
        }
    }

    private mutating func change(
        _ index: UInt32, _ attempt: String, _ body: (inout NetlinkRequest) -> Void
    ) throws(SystemError) {
        try change(Self.linkHeader(index), attempt, body)
    }

    private mutating func change(
        _ header: ifinfomsg, _ attempt: String, _ body: (inout NetlinkRequest) -> Void
    ) throws(SystemError) {
        var request = NetlinkRequest(RTM_NEWLINK, flags: NLM_F_ACK, header)
        body(&request)
        _ = try socket.request(request, attempt) { _ in () }
    }

    private static func linkHeader(_ index: UInt32) -> ifinfomsg {
        var header = ifinfomsg()
        header.ifi_index = Int32(bitPattern: index)
        return header
    }
}

extension NetlinkRequest {
    fileprivate mutating func add(_ type: Int, _ address: IPAddress) {
        switch address {
        case .v4(let address):
            add(type, address.value.bigEndian)
        case .v6(let address):
            add(type, (address.high.bigEndian, address.low.bigEndian))
        }
    }
}
