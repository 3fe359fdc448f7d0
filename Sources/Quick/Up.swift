import Control
import Glibc
import LinuxNet
import Tunnel
import Wire

/// Brings an interface up as its file says. Quick §up.
///
/// What can be checked is checked before anything is changed. Each change is noted in the journal before it is made; when
/// one fails, or the program is asked to end, all are taken back, the last first.
struct Up {
    let surroundings: Surroundings
    private let prefersKernel: Bool

    init(_ surroundings: Surroundings, prefersKernel: Bool = false) {
        self.surroundings = surroundings
        self.prefersKernel = prefersKernel
    }

    var console: Console { surroundings.console }

    /// Under a service manager it stays until the interface is gone, unless there is a daemon that can stand for it.
    ///
    /// - Parameter argument: an interface's name or a file.
    func run(_ argument: String) throws {
        guard let index = try establish(argument) else { return }
        try InterfaceEnd.wait(index: index)
    }

    /// Returns the interface to wait for, if there is one. The lock is free again.
    private func establish(_ argument: String) throws -> UInt32? {
        let source = try QuickFile(argument, surroundings)
        let engine = try TunnelEngine(surroundings, prefersKernel: prefersKernel)
        try clearAwayRemains(source)
        var plan = try checked(source, engine)
        let transition = try Transition(source.interface, file: source.path, surroundings)
        let formerKillSwitch = try takeOver(transition)
        if formerKillSwitch != nil, plan.killSwitch == nil { plan.endsFormerKillSwitch = true }
        try transition.holdSignals()
        do {
            try climb(transition, plan)
        } catch {
            giveUp(transition, plan.configuration, keepsKillSwitch: formerKillSwitch != nil)
            throw error
        }
        return report(transition)
    }

    /// Takes everything back, what the file's commands have done included.
    ///
    /// - Parameter keepsKillSwitch: whether the kill switch stood before, after a crash. Then it stands until a tunnel
    ///   is up or the user takes it down.
    private func giveUp(_ transition: Transition, _ configuration: ConfigurationFile, keepsKillSwitch: Bool) {
        let failures = Down.clearAway(transition, configuration) { entry in
            if case .killSwitch = entry { keepsKillSwitch } else { false }
        }
        let remedy = "'nightjar down \(transition.interface)'"
        for failure in failures { console.note("not taken back: \(failure)") }
        if !failures.isEmpty { console.note("\(remedy) tries that again") }
        if keepsKillSwitch { console.note("the kill switch of \(transition.interface) stays; \(remedy) removes it") }
    }
}

/// What `up` has found out before it changes anything.
struct UpPlan {
    let configuration: ConfigurationFile
    let engine: TunnelEngine
    /// The addresses of endpoints given by name.
    let endpoints: [EndpointName: Endpoint]
    /// Set when the configuration may need a firewall.
    let firewallTool: FirewallTool?
    /// Whether the kill switch lets the local network pass; nil without a kill switch.
    var killSwitch: Bool?
    let forwarding: ForwardingRules?
    let metricsListen: MetricsAddress?
    let annotations: PeerAnnotations
    /// Whether a kill switch that a crash has left is to go once the tunnel is up.
    var endsFormerKillSwitch = false
}

// MARK: - Before the first change

extension Up {
    /// Clears away what a dead process has left of the interface, but for a kill switch that the file has as well.
    private func clearAwayRemains(_ source: QuickFile) throws {
        let interface = source.interface
        let store = JournalStore(directory: surroundings.directory)
        guard try store.load(interface) != nil else {
            guard if_nametoindex(interface) == 0, !ConfigurationSocketFile.isServed(interface) else {
                throw Self.existsAlready(interface)
            }
            return
        }
        let transition = try Transition(interface, file: source.path, surroundings)
        guard let journal = try store.load(interface) else { return }
        if journal.namespace != Journal.currentNamespace {
            throw QuickError(
                "\(interface) was brought up in another network namespace; use another name, or take it down first")
        }
        let link = try transition.netlink.link(named: interface)
        if journal.phase == .isUp, let link, link.index == journal.interfaceIndex {
            throw Self.existsAlready(interface)
        }
        transition.journal = journal
        let keepsKillSwitch = source.configuration.interface.killSwitch != .off
        if journal.entries == journal.killSwitch.map({ [.killSwitch($0)] }), keepsKillSwitch { return }
        console.note("\(interface) was left half-way, or what served it has ended; the rest is taken back first")
        try transition.holdSignals()
        let failures = Down.clearAway(transition, source.configuration) { entry in
            if case .killSwitch = entry { keepsKillSwitch } else { false }
        }
        if let failure = failures.first { throw QuickError("\(interface): not taken back: \(failure)") }
        try transition.checkpoint()
    }

    private static func existsAlready(_ interface: String) -> QuickError {
        QuickError("`\(interface)' already exists; take it down first with: nightjar down \(interface)")
    }

    /// Makes sure, under the lock, that there still is no such interface. Returns the tool of a kill switch that a crash
    /// has left, which is then in the journal.
    private func takeOver(_ transition: Transition) throws -> FirewallTool? {
        guard try transition.netlink.link(named: transition.interface) == nil else {
            throw Self.existsAlready(transition.interface)
        }
        guard let former = try transition.store.load(transition.interface) else { return nil }
        guard let tool = former.killSwitch, former.entries.count == 1 else {
            throw Self.existsAlready(transition.interface)
        }
        transition.journal.entries = former.entries
        return tool
    }

    private func checked(_ source: QuickFile, _ engine: TunnelEngine) throws -> UpPlan {
        let configuration = source.configuration
        try engine.check()
        if source.metricsListen != nil || surroundings.environment[MetricsAddress.variable] != nil,
            !engine.answersForMetrics
        {
            console.note(
                "\(source.interface): metrics come from Nightjar's own daemon, so nothing listens for them here; "
                    + "'nightjar metrics' prints those of every interface")
        }
        let tool = try Self.check(source, surroundings)
        let dns = DNS(DNSSystem(environment: surroundings.childEnvironment))
        for sentence in dns.recover(isAlive: { if_nametoindex($0) != 0 }) { console.note(sentence) }
        let known = try JournalStore(directory: surroundings.directory).load(source.interface)?.endpoints ?? [:]
        return UpPlan(
            configuration: configuration, engine: engine,
            endpoints: try Self.resolve(configuration, known: known, surroundings), firewallTool: tool,
            killSwitch: configuration.interface.killSwitch == .off
                ? nil : configuration.interface.killSwitch == .lan,
            forwarding: ForwardingRules(
                source.forwarding, interface: source.interface, addresses: configuration.interface.addresses),
            metricsListen: source.metricsListen,
            annotations: source.annotations)
    }

    /// Warns about and refuses what can be told from the file alone. Returns the firewall's tool, where there is one.
    static func check(_ source: QuickFile, _ surroundings: Surroundings) throws -> FirewallTool? {
        let console = surroundings.console
        let configuration = source.configuration
        let settings = configuration.interface
        for warning in configuration.warnings { console.write(warning) }
        for warning in source.annotations.warnings { console.warn(warning) }
        let allowedIPs = configuration.peers.flatMap(\.prefixes)
        let hasRoutes = settings.table != .off
        if !Firewall.hasIPv6 {
            let isAddress = settings.addresses.contains { $0.address.isIPv6 }
            if isAddress || hasRoutes && allowedIPs.contains(where: { $0.address.isIPv6 }) {
                throw QuickError(
                    "\(source.path): this kernel has no IPv6; "
                        + "take the IPv6 addresses out of \(isAddress ? "Address" : "AllowedIPs"), or boot with IPv6")
            }
        }
        if !settings.dns.isEmpty, let warning = DNSReach.warning(settings.dns, allowedIPs: allowedIPs) {
            console.warn(warning)
        }
        let tool = FirewallTool.find(surroundings)
        let needsFirewall =
            settings.killSwitch != .off || source.forwarding != .off
            || settings.table == .auto && allowedIPs.contains { $0.length == 0 }
        if needsFirewall, tool == nil { throw FirewallTool.missing }
        return tool
    }

    /// Finds the addresses of all endpoints, as a kill switch or the tunnel's DNS would keep them from being found later.
    ///
    /// - Parameter known: those from before a crash, which a kill switch may have outlived.
    static func resolve(
        _ configuration: ConfigurationFile, known: [String: String], _ surroundings: Surroundings
    ) throws -> [EndpointName: Endpoint] {
        let retries = try ResolutionRetries(environment: surroundings.environment)
        var endpoints: [EndpointName: Endpoint] = [:]
        for case let name? in configuration.peers.map(\.endpoint) where endpoints[name] == nil {
            if let numeric = name.numeric {
                endpoints[name] = numeric
            } else if let text = known["\(name)"], let address = IPAddress(text) {
                endpoints[name] = Endpoint(address, port: name.port)
            } else {
                endpoints[name] = try name.resolve(retries) { surroundings.console.write($0) }
            }
        }
        return endpoints
    }
}
