import CLinux
import Glibc
package import Wire

extension Netlink {
    /// The routes of one family, in the kernel's order.
    ///
    /// - Parameters:
    ///   - table: nil for all tables.
    ///   - interface: nil for all interfaces, and for routes that have none.
    package mutating func routes(
        isIPv6: Bool, table: UInt32? = nil, interface: UInt32? = nil
    ) throws(SystemError) -> [Route] {
        var header = rtmsg()
        header.rtm_family = UInt8(truncatingIfNeeded: isIPv6 ? AF_INET6 : AF_INET)
        var request = NetlinkRequest(RTM_GETROUTE, flags: 0, header)
        if let table { request.add(Int(RTA_TABLE.rawValue), table) }
        if let interface { request.add(Int(RTA_OIF.rawValue), interface) }
        do throws(SystemError) {
            return try socket.dump(&request, "list the routes") { message in
                Route(parsing: message).flatMap { route in
                    let isWanted =
                        (table == nil || route.table == table) && (interface == nil || route.interface == interface)
                    return isWanted ? route : nil
                }
            }
        } catch {
            switch error.code {
            // No such table, no such interface, no IPv6.
            case ENOENT, ENODEV, EOPNOTSUPP, EAFNOSUPPORT: return []
            default: throw error
            }
        }
    }

    /// As `ip route add`.
    ///
    /// - Throws: ``SystemError``, `EEXIST` when there is such a route.
    package mutating func addRoute(_ route: Route) throws(SystemError) {
        try make([.addRoute(route)])
    }

    /// - Throws: ``SystemError``, `ESRCH` when there is no such route.
    package mutating func removeRoute(_ route: Route) throws(SystemError) {
        try make([.removeRoute(route)])
    }
}

/// A route. Two are equal when they are the same to the kernel, as far as is modelled here.
package struct Route: Hashable, Sendable, CustomStringConvertible {
    package var destination: Prefix
    /// The index of the interface that packets leave by; nil for routes that lead nowhere or to several.
    package var interface: UInt32?
    package var gateway: IPAddress?
    package var table: UInt32
    /// The lower it is the more a route is preferred. IPv6 knows no 0.
    package var metric: UInt32
    package var kind: Kind
    /// Who made it; `RTPROT_…`.
    package var origin: UInt8
    /// How far the destination is; `RT_SCOPE_…`. Without meaning in IPv6.
    package var scope: UInt8
    /// The source address of packets whose sender chose none.
    package var preferredSource: IPAddress?
    /// Bytes, when the route limits them.
    package var mtu: UInt32?

    /// `RTN_…`.
    package struct Kind: RawRepresentable, Hashable, Sendable {
        package let rawValue: UInt8

        package init(rawValue: UInt8) {
            self.rawValue = rawValue
        }

        package static let unicast = Kind(rawValue: UInt8(RTN_UNICAST))
        /// Addresses of this machine.
        package static let local = Kind(rawValue: UInt8(RTN_LOCAL))
        /// Drops packets silently.
        package static let blackhole = Kind(rawValue: UInt8(RTN_BLACKHOLE))
        /// Answers packets by an ICMP error.
        package static let unreachable = Kind(rawValue: UInt8(RTN_UNREACHABLE))
    }

    package static let mainTable = UInt32(RT_TABLE_MAIN.rawValue)

    /// A route as `ip route add` makes it: of protocol "boot", and of scope "link" without a gateway.
    package init(
        _ destination: Prefix, interface: UInt32?, gateway: IPAddress? = nil, table: UInt32 = mainTable,
        metric: UInt32? = nil, kind: Kind = .unicast
    ) {
        let isIPv6 = destination.address.isIPv6
        let scope = isIPv6 || gateway != nil || kind != .unicast ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK
        self.destination = destination
        self.interface = interface
        self.gateway = gateway
        self.table = table
        self.metric = metric ?? (isIPv6 ? Self.usualIPv6Metric : 0)
        self.kind = kind
        self.origin = UInt8(RTPROT_BOOT)
        self.scope = UInt8(kind == .local ? RT_SCOPE_HOST.rawValue : scope.rawValue)
    }

    package var description: String {
        var text = "\(destination)"
        if kind != .unicast { text += " of kind \(kind.rawValue)" }
        if let gateway { text += " via \(gateway)" }
        if let interface { text += " on interface \(interface)" }
        if table != Self.mainTable { text += " in table \(table)" }
        return text
    }

    /// What the kernel takes for none given.
    private static let usualIPv6Metric: UInt32 = 1024
}

extension Route {
    /// Reads an `RTM_NEWROUTE`; nil for another message, and for what the kernel only remembers of a path.
    init?(parsing message: NetlinkMessages.Message) {
        guard Int(message.type) == RTM_NEWROUTE, message.payload.count >= MemoryLayout<rtmsg>.size else { return nil }
        let header = message.payload.loadUnaligned(as: rtmsg.self)
        guard header.rtm_flags & UInt32(RTM_F_CLONED) == 0 else { return nil }
        guard Int32(header.rtm_family) == AF_INET || Int32(header.rtm_family) == AF_INET6 else { return nil }
        let isIPv6 = Int32(header.rtm_family) == AF_INET6
        let attributes = RouteAttributes(message.payload)
        let address = attributes.destination ?? .unspecified(isIPv6: isIPv6)
        guard address.isIPv6 == isIPv6, let prefix = Prefix(address, length: Int(header.rtm_dst_len)) else {
            return nil
        }
        self.init(
            prefix, interface: attributes.interface, gateway: attributes.gateway,
            table: attributes.table ?? UInt32(header.rtm_table), metric: attributes.metric ?? 0,
            kind: Kind(rawValue: header.rtm_type))
        origin = header.rtm_protocol
        scope = header.rtm_scope
        preferredSource = attributes.preferredSource
        mtu = attributes.mtu
    }

    func request(_ type: Int, flags: Int32) -> NetlinkRequest {
        var header = rtmsg()
        header.rtm_family = destination.address.netlinkFamily
        header.rtm_dst_len = UInt8(clamping: destination.length)
        header.rtm_table = UInt8(exactly: table) ?? UInt8(RT_TABLE_UNSPEC.rawValue)
        header.rtm_protocol = origin
        header.rtm_scope = scope
        header.rtm_type = kind.rawValue
        var request = NetlinkRequest(type, flags: flags, header)
        if destination.length > 0 { request.add(Int(RTA_DST.rawValue), destination.address) }
        if header.rtm_table == 0 { request.add(Int(RTA_TABLE.rawValue), table) }
        if let interface { request.add(Int(RTA_OIF.rawValue), interface) }
        if metric != 0 { request.add(Int(RTA_PRIORITY.rawValue), metric) }
        if let preferredSource { request.add(Int(RTA_PREFSRC.rawValue), preferredSource) }
        if let gateway, gateway.isIPv6 == destination.address.isIPv6 {
            request.add(Int(RTA_GATEWAY.rawValue), gateway)
        } else if case .v6(let gateway)? = gateway {
            // An IPv4 route by way of an IPv6 neighbour: `struct rtvia`.
            withUnsafeTemporaryAllocation(byteCount: 18, alignment: 1) { via in
                via.storeBytes(of: UInt16(AF_INET6), as: UInt16.self)
                // Safe: 16 bytes follow the family.
                gateway.store(to: via.baseAddress.unsafelyUnwrapped + 2)
                request.add(Int(RTA_VIA.rawValue), bytes: UnsafeRawBufferPointer(via))
            }
        }
        if let mtu { request.nest(Int(RTA_METRICS.rawValue)) { $0.add(Int(RTAX_MTU), mtu) } }
        return request
    }
}

/// What the attributes of a route message say.
struct RouteAttributes {
    private(set) var destination: IPAddress?
    private(set) var interface: UInt32?
    private(set) var gateway: IPAddress?
    private(set) var table: UInt32?
    private(set) var metric: UInt32?
    private(set) var preferredSource: IPAddress?
    private(set) var mtu: UInt32?

    init(_ payload: UnsafeRawBufferPointer) {
        for attribute in NetlinkAttributes(payload, after: MemoryLayout<rtmsg>.size) {
            switch attribute.type {
            case Int(RTA_DST.rawValue): destination = attribute.address
            case Int(RTA_OIF.rawValue): interface = attribute.number
            case Int(RTA_GATEWAY.rawValue): gateway = attribute.address
            case Int(RTA_VIA.rawValue): gateway = Self.via(attribute.value)
            case Int(RTA_TABLE.rawValue): table = attribute.number
            case Int(RTA_PRIORITY.rawValue): metric = attribute.number
            case Int(RTA_PREFSRC.rawValue): preferredSource = attribute.address
            case Int(RTA_METRICS.rawValue): mtu = attribute.nested.first { $0.type == Int(RTAX_MTU) }?.number
            default: break
            }
        }
    }

    /// Reads `struct rtvia`: the family in the machine's order, then the address.
    private static func via(_ value: UnsafeRawBufferPointer) -> IPAddress? {
        guard value.count == 18, let start = value.baseAddress, start.loadUnaligned(as: UInt16.self) == UInt16(AF_INET6)
        else { return nil }
        return .v6(IPv6Address(loading: start + 2))
    }
}
