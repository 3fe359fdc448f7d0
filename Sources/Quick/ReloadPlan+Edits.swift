import Control
import Glibc
import LinuxNet
import Tunnel
import Wire

/// Doing and undoing.
extension ReloadPlan {
    /// Makes all changes, and notes in the journal what is then to be taken back by `down`.
    mutating func perform(_ transition: Transition) throws {
        for edit in edits {
            try transition.checkpoint()
            begun += 1
            try perform(edit, transition)
        }
        goal.entries.sort { $0.rank < $1.rank }
        let former = transition.journal
        transition.journal = goal
        do {
            try transition.store.save(goal)
        } catch {
            transition.journal = former
            throw error
        }
    }

    /// Takes back what has been begun, the last first. Returns a sentence for each failure.
    mutating func takeBack(_ transition: Transition) -> [String] {
        var failures: [String] = []
        for edit in edits[..<begun].reversed() {
            do {
                try takeBack(edit, transition)
            } catch {
                failures.append("\(error)")
            }
        }
        return failures
    }

    private mutating func perform(_ edit: Edit, _ transition: Transition) throws {
        let console = transition.console
        switch edit {
        case .killSwitch(let former, let wanted):
            guard let tool = former == nil ? tool : transition.journal.killSwitch else { throw FirewallTool.missing }
            if wanted != nil, former == nil { try transition.make([.killSwitch(tool)]) {} }
            try set(wanted, tool, transition)
            set(.killSwitch(tool), wanted != nil)
        case .device(let change, _):
            console.echo("wg syncconf \(transition.interface) /dev/fd/63")
            try transition.device().apply(change)
        case .annotations(let peers, _):
            guard try transition.device().annotate(peers) else {
                throw QuickError("\(transition.interface): names and limits of peers are refused by the daemon")
            }
        case .mtu(let mtu, _):
            console.echo("ip link set mtu \(mtu) dev \(transition.interface)")
            try transition.netlink.setMTU(mtu, index: try transition.interfaceIndex())
        case .network(let changes):
            console.echo(changes.map { $0.command(interface: transition.interface) })
            do throws(SystemError) {
                try transition.netlink.make(changes, tolerating: [EEXIST, ENOENT, ESRCH, EADDRNOTAVAIL])
            } catch {
                throw IPv6State.explained(error, interface: transition.interface)
            }
        case .sourceMark(isNeeded: true):
            let former = try SharedSetting.sourceMark.former { transition.store.others(than: transition.interface) }
            try transition.make([.sourceMark(former: former)]) { try SharedSetting.sourceMark.set(console) }
            goal.entries.append(.sourceMark(former: former))
        case .sourceMark(isNeeded: false):
            try restoreSourceMark(transition)
            goal.entries.removeAll { if case .sourceMark = $0 { true } else { false } }
        case .firewall(let former, let wanted):
            guard let tool = former == nil ? tool : transition.journal.firewall else { throw FirewallTool.missing }
            if former == nil { try transition.make([.firewall(tool)]) {} }
            try set(former, wanted, tool, transition)
            set(.firewall(tool), wanted != nil)
        case .dns(let former, let wanted):
            try setNameServers(former, wanted, transition)
        case .forwarding(let former, let wanted):
            try setForwarding(former, wanted, transition)
        }
    }

    private mutating func takeBack(_ edit: Edit, _ transition: Transition) throws {
        switch edit {
        case .killSwitch(let former, _):
            guard let tool = transition.journal.killSwitch ?? tool else { return }
            try set(former, tool, transition)
        case .device(_, let former):
            let device = try transition.device()
            var change = ConfigurationFile(former).difference(from: try device.status()) { name in
                name.numeric ?? Endpoint(.v4(IPv4Address(0)), port: 0)
            }
            change.listenPort = former.listenPort
            change.firewallMark = former.firewallMark
            try device.apply(change)
        case .annotations(_, let former):
            _ = try transition.device().annotate(former)
        case .mtu(_, let former):
            try transition.netlink.setMTU(former, index: try transition.interfaceIndex())
        case .network(let changes):
            try transition.netlink.make(
                changes.reversed().map(\.inverse), tolerating: [EEXIST, ENOENT, ESRCH, EADDRNOTAVAIL])
        case .sourceMark(isNeeded: true):
            try restoreSourceMark(transition)
        case .sourceMark(isNeeded: false):
            try SharedSetting.sourceMark.set(transition.console)
        case .firewall(let former, let wanted):
            guard let tool = transition.journal.firewall ?? tool else { return }
            try set(wanted, former, tool, transition)
        case .dns(let former, _):
            if let dnsRecord { _ = try transition.dns.restore(dnsRecord) }
            if let former { _ = try transition.dns.apply(try transition.dns.plan(former.setting)) }
        case .forwarding(let former, _):
            try transition.endForwarding(transition.journal)
            guard let former, let tool = transition.journal.forwarding else { return }
            try transition.setForwarding(former, tool: tool)
        }
    }

    private func set(_ killSwitch: KillSwitchFirewall?, _ tool: FirewallTool, _ transition: Transition) throws {
        let firewall = transition.firewall(tool)
        if let killSwitch {
            try firewall.apply(killSwitch)
        } else {
            try firewall.removeKillSwitch(transition.interface)
        }
    }

    private func set(
        _ former: TunnelFirewall?, _ rules: TunnelFirewall?, _ tool: FirewallTool, _ transition: Transition
    ) throws {
        let firewall = transition.firewall(tool)
        guard let rules else { return try firewall.removeTunnelRules(transition.interface) }
        // A family that has rules no more would keep them.
        let loses = former.map { $0.hasIPv4 && !rules.hasIPv4 || $0.hasIPv6 && !rules.hasIPv6 } ?? false
        if loses { try firewall.removeTunnelRules(transition.interface) }
        try firewall.apply(rules)
    }

    private mutating func setNameServers(
        _ former: DNSRecord?, _ wanted: DNSSetting?, _ transition: Transition
    ) throws {
        if let former {
            for sentence in try transition.dns.restore(former) { transition.console.note(sentence) }
            goal.entries.removeAll { if case .dns = $0 { true } else { false } }
        }
        guard let wanted else { return }
        let plan = try transition.dns.plan(wanted)
        dnsRecord = plan.record
        let applied = try transition.make([.dns(plan.record)]) { try transition.dns.apply(plan) }
        transition.console.note(applied.sentence)
        goal.entries.append(.dns(applied.record))
    }

    private mutating func setForwarding(
        _ former: ForwardingRules?, _ wanted: ForwardingRules?, _ transition: Transition
    ) throws {
        if let wanted {
            guard let tool = transition.journal.forwarding ?? tool else { throw FirewallTool.missing }
            try transition.setForwarding(wanted, tool: tool)
        } else if former != nil {
            try transition.endForwarding(transition.journal)
        }
        goal.entries.removeAll(where: \.isForwarding)
        guard wanted != nil else { return }
        goal.entries += transition.journal.entries.filter(\.isForwarding)
    }

    private func restoreSourceMark(_ transition: Transition) throws {
        let others = transition.store.others(than: transition.interface)
        for case .sourceMark(let former) in transition.journal.entries {
            try SharedSetting.sourceMark.restore(former, others: others, transition.console)
        }
    }

    private mutating func set(_ entry: Journal.Entry, _ isThere: Bool) {
        goal.entries.removeAll { $0 == entry }
        if isThere { goal.entries.append(entry) }
    }
}

extension Journal.Entry {
    /// The order in which `up` makes them.
    fileprivate var rank: Int {
        switch self {
        case .killSwitch: 0
        case .interface: 1
        case .dns: 2
        case .rule: 3
        case .sourceMark: 4
        case .firewall: 5
        case .forwarding: 6
        case .setting: 7
        }
    }

    fileprivate var isForwarding: Bool {
        switch self {
        case .forwarding, .setting: true
        default: false
        }
    }
}

extension NetworkChange {
    var inverse: NetworkChange {
        switch self {
        case .addAddress(let address): .removeAddress(address)
        case .removeAddress(let address): .addAddress(address)
        case .addRoute(let route): .removeRoute(route)
        case .removeRoute(let route): .addRoute(route)
        case .addRule(let rule): .removeRule(rule)
        case .removeRule(let rule): .addRule(rule)
        }
    }

    /// As a command of iproute2.
    func command(interface: String) -> String {
        switch self {
        case .addAddress(let address): Self.command("address add", address, interface)
        case .removeAddress(let address): Self.command("address delete", address, interface)
        case .addRoute(let route):
            RoutePlan.command("add", route.destination, interface: interface, table: route.explicitTable)
        case .removeRoute(let route):
            RoutePlan.command("delete", route.destination, interface: interface, table: route.explicitTable)
        case .addRule(let rule): "ip \(rule.isIPv6 ? "-6" : "-4") rule add \(rule)"
        case .removeRule(let rule): "ip \(rule.isIPv6 ? "-6" : "-4") rule delete \(rule)"
        }
    }

    private static func command(_ verb: String, _ address: AssignedAddress, _ interface: String) -> String {
        "ip \(address.address.address.isIPv6 ? "-6" : "-4") \(verb) \(address.address) dev \(interface)"
    }
}

extension Route {
    fileprivate var explicitTable: UInt32? { table == Self.mainTable ? nil : table }
}
