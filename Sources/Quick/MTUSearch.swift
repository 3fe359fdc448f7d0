import Glibc
import LinuxNet
import Wire

/// Finds the MTU that a tunnel can have. Quick §up 6.
enum MTUSearch {
    /// What the tunnel adds to a packet, with an outer IPv6 header: bytes.
    static let overhead = 80
    /// Where nothing is known of the way.
    static let usualPath = 1500

    /// The smallest MTU of the ways to the endpoints, or that of the default route, less the overhead. Bytes.
    ///
    /// - Parameters:
    ///   - mark: of the tunnel's own datagrams, when it is up; 0 for none.
    ///   - interface: the tunnel's own, when it is up, whose MTU says nothing.
    static func find(
        _ endpoints: [Endpoint], mark: UInt32 = 0, notBy interface: UInt32? = nil, _ netlink: inout Netlink
    ) throws(SystemError) -> Int {
        var mtu = try smallest(endpoints, mark: mark, notBy: interface, &netlink)
        if mtu == nil { mtu = try defaultRouteMTU(&netlink) }
        return max((mtu ?? usualPath) - overhead, 68)
    }

    private static func smallest(
        _ endpoints: [Endpoint], mark: UInt32, notBy interface: UInt32?, _ netlink: inout Netlink
    ) throws(SystemError) -> Int? {
        var smallest: Int?
        var known: [IPAddress: Int?] = [:]
        // A link-local address says nothing without its scope, and is on this link anyway.
        for endpoint in endpoints where endpoint.scope == 0 && known[endpoint.address] == nil {
            let mtu = try pathMTU(endpoint.address, mark: mark, notBy: interface, &netlink)
            known[endpoint.address] = .some(mtu)
            if let mtu { smallest = min(smallest ?? mtu, mtu) }
        }
        return smallest
    }

    private static func pathMTU(
        _ address: IPAddress, mark: UInt32, notBy interface: UInt32?, _ netlink: inout Netlink
    ) throws(SystemError) -> Int? {
        guard let answer = try netlink.route(to: address, mark: mark), answer.interface != interface else { return nil }
        if let mtu = answer.mtu { return Int(mtu) }
        return try interfaceMTU(answer.interface, &netlink)
    }

    private static func defaultRouteMTU(_ netlink: inout Netlink) throws(SystemError) -> Int? {
        let routes = try netlink.routes(isIPv6: false, table: Route.mainTable)
        guard let route = routes.first(where: { $0.destination.length == 0 }) else { return nil }
        if let mtu = route.mtu { return Int(mtu) }
        return try route.interface.flatMap { index throws(SystemError) in try interfaceMTU(index, &netlink) }
    }

    private static func interfaceMTU(_ index: UInt32, _ netlink: inout Netlink) throws(SystemError) -> Int? {
        do throws(SystemError) {
            let mtu = try netlink.link(index: index).mtu
            return mtu > 0 ? mtu : nil
        } catch {
            if error.code == ENODEV { return nil }
            throw error
        }
    }
}
