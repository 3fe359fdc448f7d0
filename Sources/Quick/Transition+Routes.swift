import Control
import Glibc
import LinuxNet
import Tunnel
import Wire

extension Transition {
    /// The prefixes of the interface's routes in the main table.
    func presentRoutes(index: UInt32) throws -> [Prefix] {
        var present: [Prefix] = []
        for isIPv6 in [false, true] {
            present += try netlink.routes(isIPv6: isIPv6, table: Route.mainTable, interface: index).map(\.destination)
        }
        return present
    }

    /// Makes the tunnel the way of everything that has no better one. Quick §add_default.
    ///
    /// - Parameters:
    ///   - families: whether each is IPv6.
    ///   - mark: the device's firewall mark, 0 when it has none.
    func addDefaultRoutes(_ families: [Bool], mark: UInt32, tool: FirewallTool) throws {
        let index = try interfaceIndex()
        var rules: [TunnelRule] = []
        var table = mark
        try checkpoint()
        try store.whileChoosing {
            let state = try PolicyRoutingState(journals: store.others(than: interface), &netlink)
            if table == 0 { table = try state.freeTable(&netlink) }
            journal.mark = table
            rules = families.flatMap { state.rules(isIPv6: $0, table: table) }
            journal.entries += rules.map { .rule($0) }
            try store.save(journal)
        }
        if mark == 0 {
            console.echo("wg set \(interface) fwmark \(table)")
            var change = DeviceChange()
            change.firewallMark = table
            try device().apply(change)
        }
        for isIPv6 in families {
            try checkpoint()
            guard let prefix = Prefix(.unspecified(isIPv6: isIPv6), length: 0) else { continue }
            let own = rules.filter { $0.isIPv6 == isIPv6 }
            console.echo(
                [RoutePlan.command("add", prefix, interface: interface, table: table)] + own.map { $0.command("add") })
            do throws(SystemError) {
                try netlink.make([.addRoute(Route(prefix, interface: index, table: table))])
                try netlink.make(own.map { .addRule($0.rule) })
            } catch {
                throw IPv6State.explained(error, interface: interface)
            }
        }
        if families.contains(false) {
            let former = try SharedSetting.sourceMark.former { store.others(than: interface) }
            try make([.sourceMark(former: former)]) { try SharedSetting.sourceMark.set(console) }
        }
        let rulesOfFirewall = TunnelFirewall(
            interface: interface, mark: table, hasIPv4: families.contains(false), hasIPv6: families.contains(true),
            addresses: try netlink.addresses(ofInterface: index).map(\.address.address))
        try make([.firewall(tool)]) { try firewall(tool).apply(rulesOfFirewall) }
    }
}

extension IPAddress {
    /// 0.0.0.0 or ::.
    static func unspecified(isIPv6: Bool) -> IPAddress {
        isIPv6 ? .v6(IPv6Address(high: 0, low: 0)) : .v4(IPv4Address(0))
    }
}
