import CLinux
import Glibc
package import Wire

extension Netlink {
    /// The way that packets to `destination` take; nil when there is none. As `ip route get`.
    ///
    /// - Parameters:
    ///   - source: the address they would have; for IPv4 there is no route from one that isn't local.
    ///   - mark: their firewall mark; 0 for none.
    package mutating func route(
        to destination: IPAddress, from source: IPAddress? = nil, mark: UInt32 = 0
    ) throws(SystemError) -> RouteAnswer? {
        var header = rtmsg()
        header.rtm_family = destination.netlinkFamily
        header.rtm_dst_len = UInt8(truncatingIfNeeded: destination.bitCount)
        header.rtm_src_len = UInt8(truncatingIfNeeded: source?.bitCount ?? 0)
        // IPv6 always tells the table, and refuses to be asked for it.
        if !destination.isIPv6 { header.rtm_flags = UInt32(RTM_F_LOOKUP_TABLE) }
        var request = NetlinkRequest(RTM_GETROUTE, flags: 0, header)
        request.add(Int(RTA_DST.rawValue), destination)
        if let source { request.add(Int(RTA_SRC.rawValue), source) }
        if mark != 0 { request.add(Int(RTA_MARK.rawValue), mark) }
        do throws(SystemError) {
            return try socket.request(&request, "look up the route to \(destination)") { RouteAnswer(parsing: $0) }
        } catch {
            switch error.code {
            case ENETUNREACH, EHOSTUNREACH, EINVAL, EACCES, ENODEV, EADDRNOTAVAIL: return nil
            default: throw error
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
        try route(to: destination, from: source, mark: mark)?.interface
    }
}

/// The way that a packet takes.
package struct RouteAnswer: Equatable, Sendable {
    /// The index of the interface that it leaves by.
    package let interface: UInt32
    /// The neighbour that it is handed to; nil when that is its destination.
    package let gateway: IPAddress?
    package let table: UInt32
    /// The source address that it gets if its sender chooses none.
    package let preferredSource: IPAddress?
    /// Bytes, when the route or what is known of the path limits them below the interface's MTU.
    package let mtu: UInt32?

    init?(parsing message: NetlinkMessages.Message) {
        guard Int(message.type) == RTM_NEWROUTE, message.payload.count >= MemoryLayout<rtmsg>.size else { return nil }
        let header = message.payload.loadUnaligned(as: rtmsg.self)
        let attributes = RouteAttributes(message.payload)
        guard let interface = attributes.interface else { return nil }
        self.interface = interface
        gateway = attributes.gateway
        table = attributes.table ?? UInt32(header.rtm_table)
        preferredSource = attributes.preferredSource
        mtu = attributes.mtu
    }
}
