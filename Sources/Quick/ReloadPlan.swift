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
        /// What is told of peers beyond the protocol.
        case annotations([AnnotatedPeer], former: [AnnotatedPeer])
        case mtu(Int, former: Int)
        case network([NetworkChange])
        case sourceMark(isNeeded: Bool)
        case firewall(from: TunnelFirewall?, to: TunnelFirewall?)
        case dns(from: DNSRecord?, to: DNSSetting?)
        case forwarding(from: ForwardingRules?, to: ForwardingRules?)
    }

    typealias AnnotatedPeer = (key: PublicKey, annotation: PeerAnnotation)

    private(set) var edits: [Edit] = []
    /// What the journal says once all is done.
    var goal: Journal
    let tool: FirewallTool?
    /// How many edits have been begun.
    var begun = 0
    /// What was done about DNS, to be taken back.
    var dnsRecord: DNSRecord?

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
        let formerFirewall = goal.firewall.map { _ in
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
        try addAnnotations(source.annotations, transition)
        addNetwork(addedAddresses.map { .addAddress(AssignedAddress($0, interface: index)) })
        var search = MTUSearch(configuration, endpoints, mark: mark, interface: index)
        if endpoints.isEmpty { search = search.with(endpointsOf: status) }
        try addMTU(settings, search, index, transition)
        let rules = try planRoutes(routes, applied, mark, index, transition)
        if routes.defaults.contains(false), !applied.defaults.contains(false) {
            edits.append(.sourceMark(isNeeded: true))
        }
        if firewall != formerFirewall, firewall != nil { edits.append(.firewall(from: formerFirewall, to: firewall)) }
        addNameServers(settings, source.interface, index)
        let forwarding = ForwardingRules(
            source.forwarding, interface: source.interface, addresses: settings.addresses)
        if forwarding != applied.forwarding {
            edits.append(.forwarding(from: applied.forwarding, to: forwarding))
        }
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
            table: routes.table, defaults: routes.defaults, killSwitch: settings.killSwitch.rawValue,
            forwarding: forwarding)
    }
}

// MARK: - Planning

extension ReloadPlan {
    private mutating func addNetwork(_ changes: [NetworkChange]) {
        if !changes.isEmpty { edits.append(.network(changes)) }
    }

    /// What the daemon has been told otherwise, or not at all.
    private mutating func addAnnotations(_ annotations: PeerAnnotations, _ transition: Transition) throws {
        guard let report = try (transition.device() as? UserspaceDevice)?.report() else { return }
        let present = Dictionary(report.peers.map { ($0.publicKey, $0.annotation) }) { $1 }
        let wanted = Dictionary(annotations.peers.map { ($0.key, $0.annotation) }) { $1 }
        var told: [AnnotatedPeer] = annotations.peers.filter { present[$0.key] != wanted[$0.key] }
        for peer in report.peers where wanted[peer.publicKey] == nil && peer.annotation != PeerAnnotation() {
            told.append((peer.publicKey, PeerAnnotation()))
        }
        guard !told.isEmpty else { return }
        edits.append(.annotations(told, former: told.map { ($0.key, present[$0.key] ?? PeerAnnotation()) }))
    }

    private mutating func addMTU(
        _ settings: InterfaceSection, _ search: MTUSearch, _ index: UInt32, _ transition: Transition
    ) throws {
        let former = try transition.netlink.link(index: index).mtu
        let mtu = try settings.mtu ?? search.find(&transition.netlink)
        for warning in try search.warnings(mtu: mtu, isGiven: settings.mtu != nil, &transition.netlink) {
            transition.console.warn(warning)
        }
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
        privateKey == nil && listenPort == nil && firewallMark == nil && obfuscation == nil && !replacesPeers
            && peers.isEmpty
    }
}
