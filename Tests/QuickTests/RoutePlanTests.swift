import Control
import LinuxNet
import Testing
import Wire

@testable import Quick

@Suite struct RoutePlanTests {
    private func prefixes(_ texts: String...) throws -> [Prefix] {
        try texts.map { try #require(Prefix($0)) }
    }

    @Test func longestFirst() throws {
        let plan = RoutePlan(
            allowedIPs: try prefixes("10.0.0.0/8", "fd00::/64", "10.1.0.0/16", "10.1.2.3/32", "fd00::1/128"),
            table: .auto, present: [])
        #expect(
            plan.routes.map(\.description) == ["fd00::1/128", "fd00::/64", "10.1.2.3/32", "10.1.0.0/16", "10.0.0.0/8"])
        #expect(plan.defaults == [])
        #expect(plan.table == nil)
    }

    @Test func oneRouteForAPrefixOfTwoPeers() throws {
        let plan = RoutePlan(allowedIPs: try prefixes("10.0.0.0/8", "10.0.0.0/8"), table: .auto, present: [])
        #expect(plan.routes.count == 1)
    }

    @Test func whatAConnectedRouteCoversIsLeftOut() throws {
        let plan = RoutePlan(
            allowedIPs: try prefixes("10.200.100.0/25", "10.200.0.0/16", "10.200.100.0/24", "fd77::2/128"),
            table: .auto,
            present: try prefixes("10.200.100.0/24", "fd77::/64"))
        #expect(plan.routes.map(\.description) == ["10.200.0.0/16"])
    }

    @Test func defaultRoutes() throws {
        let both = try prefixes("0.0.0.0/0", "::/0", "192.0.2.0/24")
        let auto = RoutePlan(allowedIPs: both, table: .auto, present: [])
        #expect(auto.defaults == [false, true])
        #expect(auto.routes.map(\.description) == ["192.0.2.0/24"])
        let numbered = RoutePlan(allowedIPs: both, table: .table(1234), present: try prefixes("192.0.0.0/16"))
        #expect(numbered.defaults == [])
        #expect(numbered.table == 1234)
        #expect(Set(numbered.routes.map(\.description)) == ["192.0.2.0/24", "0.0.0.0/0", "::/0"])
        let off = RoutePlan(allowedIPs: both, table: .off, present: [])
        #expect(off.routes.isEmpty && off.defaults.isEmpty)
    }

    @Test func commands() throws {
        let plan = RoutePlan(allowedIPs: try prefixes("10.0.0.0/8", "fd00::/64"), table: .table(7), present: [])
        #expect(
            plan.commands(interface: "wg0") == [
                "ip -6 route add fd00::/64 dev wg0 table 7", "ip -4 route add 10.0.0.0/8 dev wg0 table 7",
            ])
    }
}

@Suite struct PolicyRoutingTests {
    private func state(_ priorities: [UInt32], journals: [Journal] = []) -> PolicyRoutingState {
        var state = PolicyRoutingState(journals: journals)
        state.priorities = (priorities, priorities)
        return state
    }

    @Test func prioritiesAreThoseThatTheKernelWouldChoose() {
        let rules = state([0, 32766, 32767]).rules(isIPv6: false, table: 51820)
        #expect(
            rules == [
                TunnelRule(isIPv6: false, priority: 32764, purpose: .mainFirst),
                TunnelRule(isIPv6: false, priority: 32765, purpose: .intoTunnel(table: 51820)),
            ])
    }

    @Test func aSecondTunnelComesBefore() {
        let rules = state([0, 32764, 32765, 32766, 32767]).rules(isIPv6: true, table: 51821)
        #expect(rules.map(\.priority) == [32762, 32763])
        #expect(rules.allSatisfy { $0.isIPv6 })
    }

    @Test func prioritiesThatAJournalNamesAreLeftOut() {
        var journal = Journal(interface: "wg1", file: "/etc/wireguard/wg1.conf")
        journal.entries = [.rule(TunnelRule(isIPv6: false, priority: 32765, purpose: .mainFirst))]
        #expect(
            state([0, 32766, 32767], journals: [journal]).rules(isIPv6: false, table: 1).map(\.priority) == [
                32763, 32764,
            ])
    }

    @Test func oddTablesOfRules() {
        #expect(state([]).rules(isIPv6: false, table: 1).map(\.priority) == [32764, 32765])
        #expect(state([0]).rules(isIPv6: false, table: 1).map(\.priority) == [32764, 32765])
        #expect(state([0, 1]).rules(isIPv6: false, table: 1).map(\.priority) == [0, 0])
    }

    @Test func rulesAsTheKernelSeesThem() {
        let into = TunnelRule(isIPv6: false, priority: 5, purpose: .intoTunnel(table: 51820)).rule
        #expect(into.isInverted && into.mark == 51820 && into.table == 51820 && into.priority == 5)
        let main = TunnelRule(isIPv6: true, priority: 4, purpose: .mainFirst).rule
        #expect(main.table == 254 && main.suppressedPrefixLength == 0 && main.isIPv6 && main.mark == nil)
    }
}
