import Control
import Glibc
import LinuxNet
import Tunnel
import Wire

/// The changes that lead from how an interface is to how its file wants it, in an order in which nothing leaks and
/// nothing is without its route.
struct ReloadPlan {
    /// One change, with all that is needed to take it back.
    enum Edit {
        /// Nil is none.
        case killSwitch(from: KillSwitchFirewall?, to: KillSwitchFirewall?)
        case device(DeviceChange, former: DeviceStatus)
        case mtu(Int, former: Int)
        case network([NetworkChange])
        case sourceMark(isNeeded: Bool)
        case firewall(from: TunnelFirewall?, to: TunnelFirewall?)
        case dns(from: DNSRecord?, to: DNSSetting?)
    }

    private(set) var edits: [Edit] = []
    /// What the journal says once all is done.
    private var goal: Journal
    private let tool: FirewallTool?
    /// How many edits have been begun.
    private var begun = 0
    /// What was done about DNS, to be taken back.
    private var dnsRecord: DNSRecord?

    init(
        _ source: QuickFile, _ endpoints: [EndpointName: Endpoint], _ tool: FirewallTool?, _ transition: Transition
    ) throws {
        self.tool = tool
        goal = transition.journal
        let index = try transition.interfaceIndex()
        let configuration = source.configuration
        let settings = configuration.interface
        let status = try transition.device().status()
        let applied = goal.applied ?? Journal.Applied()
        let assigned = try transition.netlink.addresses(ofInterface: index).map(\.address)

        goal.endpoints = [:]
        for (name, endpoint) in endpoints where name.numeric == nil {
            goal.endpoints["\(name)"] = "\(endpoint.address)"
        }
        var change = try configuration.difference(from: status) { name throws(QuickError) in
            guard let endpoint = endpoints[name] else { throw QuickError("\(name) has no address") }
            return endpoint
        }
        let allowedIPs = Self.allowedIPs(status, after: change)
        let present = try Self.foreignRoutes(applied, transition.presentRoutes(index: index), assigned, settings)
        let routes = RoutePlan(allowedIPs: allowedIPs, table: settings.table, present: present)

        // A mark that was chosen, not given, stays as long as something needs one.
        var mark = change.firewallMark ?? status.firewallMark
        if mark == 0, settings.killSwitch != .off || !routes.defaults.isEmpty {
            mark = try transition.store.whileChoosing {
                let state = PolicyRoutingState(journals: transition.store.others(than: source.interface))
                return try state.freeTable(&transition.netlink)
            }
            change.firewallMark = mark
        }
        goal.mark = mark == 0 ? nil : mark

        let addedAddresses = settings.addresses.filter { !assigned.contains($0) }
        let own = Set(applied.addresses)
        let removedAddresses = assigned.filter { own.contains("\($0)") && !settings.addresses.contains($0) }
        let addresses = assigned.filter { !removedAddresses.contains($0) } + addedAddresses

        let formerKillSwitch = Self.killSwitch(goal, applied, status.firewallMark)
        let killSwitch =
            settings.killSwitch == .off
            ? nil : KillSwitchFirewall(interface: source.interface, mark: mark, allowsLAN: settings.killSwitch == .lan)
        let formerFirewall = goal.firewallTool.map { _ in
            TunnelFirewall(
                interface: source.interface, mark: status.firewallMark, hasIPv4: applied.defaults.contains(false),
                hasIPv6: applied.defaults.contains(true), addresses: assigned.map(\.address))
        }
        let firewall =
            routes.defaults.isEmpty
            ? nil
            : TunnelFirewall(
                interface: source.interface, mark: mark, hasIPv4: routes.defaults.contains(false),
                hasIPv6: routes.defaults.contains(true), addresses: addresses.map(\.address))

        if killSwitch != nil { edits.append(.killSwitch(from: formerKillSwitch, to: killSwitch)) }
        if !change.isEmpty { edits.append(.device(change, former: status)) }
        addNetwork(addedAddresses.map { .addAddress(AssignedAddress($0, interface: index)) })
        let peers = endpoints.isEmpty ? status.peers.compactMap(\.endpoint) : Array(endpoints.values)
        try addMTU(settings, peers, mark, index, transition)
        let rules = try planRoutes(routes, applied, mark, index, transition)
        if routes.defaults.contains(false), !applied.defaults.contains(false) {
            edits.append(.sourceMark(isNeeded: true))
        }
        if firewall != formerFirewall, firewall != nil { edits.append(.firewall(from: formerFirewall, to: firewall)) }
        addNameServers(settings, source.interface, index)
        addNetwork(rules)
        if firewall == nil, formerFirewall != nil { edits.append(.firewall(from: formerFirewall, to: nil)) }
        if !routes.defaults.contains(false), applied.defaults.contains(false) {
            edits.append(.sourceMark(isNeeded: false))
        }
        addNetwork(removedAddresses.map { .removeAddress(AssignedAddress($0, interface: index)) })
        if killSwitch == nil, formerKillSwitch != nil {
            edits.append(.killSwitch(from: formerKillSwitch, to: nil))
        }
        goal.applied = Journal.Applied(
            addresses: settings.addresses.map(\.description), routes: routes.routes.map(\.description),
            table: routes.table, defaults: routes.defaults, killSwitch: settings.killSwitch.rawValue)
    }
}

// MARK: - Planning

extension ReloadPlan {
    private mutating func addNetwork(_ changes: [NetworkChange]) {
        if !changes.isEmpty { edits.append(.network(changes)) }
    }

    private mutating func addMTU(
        _ settings: InterfaceSection, _ endpoints: [Endpoint], _ mark: UInt32, _ index: UInt32,
        _ transition: Transition
    ) throws {
        let former = try transition.netlink.link(index: index).mtu
        let found = try MTUSearch.find(endpoints, mark: mark, notBy: index, &transition.netlink)
        let mtu = settings.mtu ?? found
        if mtu != former { edits.append(.mtu(mtu, former: former)) }
    }

    /// Plans routes and rules: adds those that are missing now, and returns what removes those that are too many, for
    /// later. Puts the rules into the goal.
    private mutating func planRoutes(
        _ routes: RoutePlan, _ applied: Journal.Applied, _ mark: UInt32, _ index: UInt32, _ transition: Transition
    ) throws -> [NetworkChange] {
        func route(_ prefix: Prefix, _ table: UInt32?) -> Route {
            Route(prefix, interface: index, table: table ?? Route.mainTable)
        }
        let former = Set(applied.routes.compactMap { Prefix($0) }.map { route($0, applied.table) })
        let wanted = routes.routes.map { route($0, routes.table) }
        var added: [NetworkChange] = wanted.filter { !former.contains($0) }.map { .addRoute($0) }
        var removed: [NetworkChange] = former.subtracting(wanted).map { .removeRoute($0) }

        let formerMark = transition.journal.mark ?? 0
        let hasMoved = formerMark != mark
        let formerRules = transition.journal.rules
        let gone = applied.defaults.filter { hasMoved || !routes.defaults.contains($0) }
        let new = routes.defaults.filter { hasMoved || !applied.defaults.contains($0) }
        for isIPv6 in gone {
            removed += formerRules.filter { $0.isIPv6 == isIPv6 }.map { .removeRule($0.rule) }
            if let prefix = Prefix(.unspecified(isIPv6: isIPv6), length: 0) {
                removed.append(.removeRoute(route(prefix, formerMark)))
            }
        }
        var rules: [TunnelRule] = []
        if !new.isEmpty {
            rules = try transition.store.whileChoosing {
                let journals = transition.store.others(than: transition.interface) + [transition.journal]
                let state = try PolicyRoutingState(journals: journals, &transition.netlink)
                let rules = new.flatMap { state.rules(isIPv6: $0, table: mark) }
                transition.journal.entries += rules.map { .rule($0) }
                try transition.store.save(transition.journal)
                return rules
            }
        }
        for isIPv6 in new {
            if let prefix = Prefix(.unspecified(isIPv6: isIPv6), length: 0) {
                added.append(.addRoute(route(prefix, mark)))
            }
            added += rules.filter { $0.isIPv6 == isIPv6 }.map { .addRule($0.rule) }
        }
        addNetwork(added)
        goal.entries.removeAll { entry in
            if case .rule(let rule) = entry { gone.contains(rule.isIPv6) } else { false }
        }
        goal.entries += rules.map { .rule($0) }
        return removed
    }

    private mutating func addNameServers(_ settings: InterfaceSection, _ interface: String, _ index: UInt32) {
        let former = goal.dns
        let wanted =
            settings.dns.isEmpty
            ? nil
            : DNSSetting(
                interface: interface, interfaceIndex: index, servers: settings.dns,
                searchDomains: settings.searchDomains)
        if former?.setting != wanted { edits.append(.dns(from: former, to: wanted)) }
    }

    /// The routes that others have made, and those that come with the addresses that there will be.
    private static func foreignRoutes(
        _ applied: Journal.Applied, _ present: [Prefix], _ assigned: [InterfaceAddress], _ settings: InterfaceSection
    ) -> [Prefix] {
        let own = Set(applied.table == nil ? applied.routes : [])
        let leaving = Set(
            assigned.filter { address in
                applied.addresses.contains("\(address)") && !settings.addresses.contains(address)
            }.compactMap(\.network))
        let networks = settings.addresses.compactMap(\.network).filter { $0.length < $0.address.bitCount }
        return present.filter { !own.contains("\($0)") && !leaving.contains($0) } + networks
    }

    private static func killSwitch(
        _ journal: Journal, _ applied: Journal.Applied, _ mark: UInt32
    ) -> KillSwitchFirewall? {
        guard journal.killSwitch != nil else { return nil }
        return KillSwitchFirewall(
            interface: journal.interface, mark: mark, allowsLAN: applied.killSwitch == KillSwitch.lan.rawValue)
    }

    /// The allowed IPs of all peers once a change has taken effect.
    private static func allowedIPs(_ status: DeviceStatus, after change: DeviceChange) -> [Prefix] {
        var lists = Dictionary(status.peers.map { ($0.publicKey, $0.allowedIPs) }) { $1 }
        for peer in change.peers {
            if peer.removes {
                lists[peer.publicKey] = nil
                continue
            }
            var list = peer.replacesAllowedIPs ? [] : lists[peer.publicKey] ?? []
            for allowedIP in peer.allowedIPs {
                switch allowedIP {
                case .add(let prefix): list.append(prefix)
                case .remove(let prefix): list.removeAll { $0 == prefix }
                }
            }
            lists[peer.publicKey] = list
        }
        return lists.values.flatMap { $0 }
    }
}

extension DeviceChange {
    fileprivate var isEmpty: Bool {
        privateKey == nil && listenPort == nil && firewallMark == nil && !replacesPeers && peers.isEmpty
    }
}

// MARK: - Doing and undoing

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
            let former = try SourceMark.former { transition.store.others(than: transition.interface) }
            try transition.make([.sourceMark(former: former)]) { try SourceMark.set(console) }
            goal.entries.append(.sourceMark(former: former))
        case .sourceMark(isNeeded: false):
            try restoreSourceMark(transition)
            goal.entries.removeAll { if case .sourceMark = $0 { true } else { false } }
        case .firewall(let former, let wanted):
            guard let tool = former == nil ? tool : transition.journal.firewallTool else { throw FirewallTool.missing }
            if former == nil { try transition.make([.firewall(tool)]) {} }
            try set(former, wanted, tool, transition)
            set(.firewall(tool), wanted != nil)
        case .dns(let former, let wanted):
            try setNameServers(former, wanted, transition)
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
        case .mtu(_, let former):
            try transition.netlink.setMTU(former, index: try transition.interfaceIndex())
        case .network(let changes):
            try transition.netlink.make(
                changes.reversed().map(\.inverse), tolerating: [EEXIST, ENOENT, ESRCH, EADDRNOTAVAIL])
        case .sourceMark(isNeeded: true):
            try restoreSourceMark(transition)
        case .sourceMark(isNeeded: false):
            try SourceMark.set(transition.console)
        case .firewall(let former, let wanted):
            guard let tool = transition.journal.firewallTool ?? tool else { return }
            try set(wanted, former, tool, transition)
        case .dns(let former, _):
            if let dnsRecord { _ = try transition.dns.restore(dnsRecord) }
            if let former { _ = try transition.dns.apply(try transition.dns.plan(former.setting)) }
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

    private func restoreSourceMark(_ transition: Transition) throws {
        let others = transition.store.others(than: transition.interface)
        for case .sourceMark(let former) in transition.journal.entries {
            try SourceMark.restore(former, others: others, transition.console)
        }
    }

    private mutating func set(_ entry: Journal.Entry, _ isThere: Bool) {
        goal.entries.removeAll { $0 == entry }
        if isThere { goal.entries.append(entry) }
    }
}

extension Journal {
    fileprivate var rules: [TunnelRule] {
        entries.compactMap { if case .rule(let rule) = $0 { rule } else { nil } }
    }

    fileprivate var firewallTool: FirewallTool? {
        for case .firewall(let tool) in entries { return tool }
        return nil
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
