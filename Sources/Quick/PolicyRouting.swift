import LinuxNet
import Wire

/// A policy rule of a tunnel with a default route, with the priority that makes it this one and no other. Quick
/// §add_default 2–3.
struct TunnelRule: Codable, Hashable {
    /// What the rule is for.
    enum Purpose: Codable, Hashable {
        /// All but the tunnel's own datagrams look into the tunnel's table, whose number is their mark as well.
        case intoTunnel(table: UInt32)
        /// The main table is asked first, but for its default route.
        case mainFirst
    }

    var isIPv6: Bool
    var priority: UInt32
    var purpose: Purpose

    var rule: PolicyRule {
        switch purpose {
        case .intoTunnel(let table):
            var rule = PolicyRule(isIPv6: isIPv6, table: table, priority: priority)
            rule.mark = table
            rule.isInverted = true
            return rule
        case .mainFirst:
            var rule = PolicyRule(isIPv6: isIPv6, table: Route.mainTable, priority: priority)
            rule.suppressedPrefixLength = 0
            return rule
        }
    }

    /// As a command of iproute2.
    func command(_ verb: String) -> String {
        let family = isIPv6 ? "-6" : "-4"
        switch purpose {
        case .intoTunnel(let table): return "ip \(family) rule \(verb) not fwmark \(table) table \(table)"
        case .mainFirst: return "ip \(family) rule \(verb) table main suppress_prefixlength 0"
        }
    }
}

/// What other tunnels and the system have taken already, for choosing what is free.
struct PolicyRoutingState {
    /// Numbers that tunnels have noted as table and mark, whether or not they have come to use them.
    var reservedTables: Set<UInt32> = []
    /// Priorities that tunnels have noted for rules, whether or not these are there yet, by family.
    var reservedPriorities: (ipv4: Set<UInt32>, ipv6: Set<UInt32>) = ([], [])
    /// The priorities of all rules, in the kernel's order, by family.
    var priorities: (ipv4: [UInt32], ipv6: [UInt32]) = ([], [])

    init(journals: [Journal]) {
        for journal in journals {
            if let mark = journal.mark { reservedTables.insert(mark) }
            for case .rule(let rule) in journal.entries {
                if rule.isIPv6 {
                    reservedPriorities.ipv6.insert(rule.priority)
                } else {
                    reservedPriorities.ipv4.insert(rule.priority)
                }
            }
        }
    }

    /// The same with the rules of this network namespace.
    init(journals: [Journal], _ netlink: inout Netlink) throws(SystemError) {
        self.init(journals: journals)
        priorities.ipv4 = try netlink.rules(isIPv6: false).map { $0.priority ?? 0 }
        priorities.ipv6 = try netlink.rules(isIPv6: true).map { $0.priority ?? 0 }
    }

    /// The first number from 51820 on that no tunnel has taken and whose table is empty in both families.
    func freeTable(_ netlink: inout Netlink) throws(SystemError) -> UInt32 {
        var number: UInt32 = 51820
        while true {
            if !reservedTables.contains(number), try netlink.routes(isIPv6: false, table: number).isEmpty,
                try netlink.routes(isIPv6: true, table: number).isEmpty
            {
                return number
            }
            number += 1
        }
    }

    /// The two rules of a family, of the priorities that `ip rule add` would give them: each one below that of the
    /// second rule there is. The rule for the main table is looked at first, and is to be added first: then there is no
    /// moment in which packets for the local network go into the tunnel.
    func rules(isIPv6: Bool, table: UInt32) -> [TunnelRule] {
        let present = isIPv6 ? priorities.ipv6 : priorities.ipv4
        let reserved = isIPv6 ? reservedPriorities.ipv6 : reservedPriorities.ipv4
        var next: UInt32 = present.count > 1 ? present[1] : 32766
        func take() -> UInt32 {
            repeat { next = next > 1 ? next - 1 : 0 } while next > 0 && reserved.contains(next)
            return next
        }
        let intoTunnel = TunnelRule(isIPv6: isIPv6, priority: take(), purpose: .intoTunnel(table: table))
        let mainFirst = TunnelRule(isIPv6: isIPv6, priority: take(), purpose: .mainFirst)
        return [mainFirst, intoTunnel]
    }
}
