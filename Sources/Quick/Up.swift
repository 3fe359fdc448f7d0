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
    private let surroundings: Surroundings
    private let prefersKernel: Bool

    init(_ surroundings: Surroundings, prefersKernel: Bool = false) {
        self.surroundings = surroundings
        self.prefersKernel = prefersKernel
    }

    private var console: Console { surroundings.console }

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
        let tool = try Self.check(source, surroundings)
        let dns = DNS(DNSSystem(environment: surroundings.childEnvironment))
        for sentence in dns.recover(isAlive: { if_nametoindex($0) != 0 }) { console.note(sentence) }
        let known = try JournalStore(directory: surroundings.directory).load(source.interface)?.endpoints ?? [:]
        return UpPlan(
            configuration: configuration, engine: engine,
            endpoints: try Self.resolve(configuration, known: known, surroundings), firewallTool: tool,
            killSwitch: configuration.interface.killSwitch == .off
                ? nil : configuration.interface.killSwitch == .lan)
    }

    /// Warns about and refuses what can be told from the file alone. Returns the firewall's tool, where there is one.
    static func check(_ source: QuickFile, _ surroundings: Surroundings) throws -> FirewallTool? {
        let console = surroundings.console
        let configuration = source.configuration
        let settings = configuration.interface
        for warning in configuration.warnings { console.write(warning) }
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
            settings.killSwitch != .off || settings.table == .auto && allowedIPs.contains { $0.length == 0 }
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

// MARK: - The steps

extension Up {
    private func climb(_ transition: Transition, _ plan: UpPlan) throws {
        let interface = transition.interface
        let settings = plan.configuration.interface
        for (name, endpoint) in plan.endpoints where name.numeric == nil {
            transition.journal.endpoints["\(name)"] = "\(endpoint.address)"
        }
        if plan.killSwitch != nil { try closeKillSwitch(transition, plan) }
        try createInterface(transition, plan)
        try runHooks(settings.preUp, .preUp, transition)
        try configureDevice(transition, plan)
        try addAddresses(transition, settings.addresses)
        try bringUp(transition, plan)
        try setNameServers(transition, settings)
        try addRoutes(transition, plan)
        try runHooks(settings.postUp, .postUp, transition)
        try transition.checkpoint()
        if plan.endsFormerKillSwitch, let tool = transition.journal.killSwitch {
            try transition.firewall(tool).removeKillSwitch(interface)
            transition.journal.entries.removeAll { if case .killSwitch = $0 { true } else { false } }
        }
        transition.journal.phase = .isUp
        try transition.store.save(transition.journal)
    }

    private func runHooks(_ commands: [String], _ moment: Hooks.Moment, _ transition: Transition) throws {
        guard !commands.isEmpty else { return }
        transition.journal.hooks.insert(moment)
        try transition.store.save(transition.journal)
        do {
            try transition.hooks.run(commands, moment, interruption: transition.interruption)
        } catch {
            // A command that has got a signal as well has failed for no reason of its own.
            try transition.checkpoint()
            throw error
        }
    }

    /// Nothing leaves outside of the tunnel from here on.
    private func closeKillSwitch(_ transition: Transition, _ plan: UpPlan) throws {
        guard let allowsLAN = plan.killSwitch, let tool = plan.firewallTool else { return }
        if transition.journal.mark == nil {
            transition.journal.mark = try chooseMark(transition, plan.configuration)
        }
        let rules = KillSwitchFirewall(
            interface: transition.interface, mark: transition.journal.mark ?? 0, allowsLAN: allowsLAN)
        let isNoted = transition.journal.killSwitch == tool
        try transition.make(isNoted ? [] : [.killSwitch(tool)]) {
            try transition.firewall(tool).apply(rules)
        }
    }

    /// The mark of the file, or a free one, which is then reserved.
    private func chooseMark(_ transition: Transition, _ configuration: ConfigurationFile) throws -> UInt32 {
        if let mark = configuration.interface.firewallMark, mark != 0 { return mark }
        return try transition.store.whileChoosing {
            let state = PolicyRoutingState(journals: transition.store.others(than: transition.interface))
            let mark = try state.freeTable(&transition.netlink)
            transition.journal.mark = mark
            try transition.store.save(transition.journal)
            return mark
        }
    }

    private func createInterface(_ transition: Transition, _ plan: UpPlan) throws {
        try transition.make([.interface(plan.engine)]) {
            let engine = try plan.engine.start(transition.interface, surroundings, &transition.netlink)
            let place = transition.journal.entries.count - 1
            transition.journal.entries[place] = .interface(engine)
            transition.journal.interfaceIndex = try transition.interfaceIndex()
            try transition.store.save(transition.journal)
        }
        if case .program = plan.engine, let index = transition.journal.interfaceIndex {
            // Kernel interfaces have no link-local address; those of other programs shouldn't get one by chance. It
            // fails where IPv6 is off, and then there is none to prevent.
            try? transition.netlink.disableAddressGeneration(index: index)
        }
    }

    private func configureDevice(_ transition: Transition, _ plan: UpPlan) throws {
        try transition.checkpoint()
        var change = try plan.configuration.addition { name throws(QuickError) in
            guard let endpoint = plan.endpoints[name] else { throw QuickError("\(name) has no address") }
            return endpoint
        }
        if let mark = transition.journal.mark, change.firewallMark ?? 0 == 0 { change.firewallMark = mark }
        console.echo("wg addconf \(transition.interface) /dev/fd/63")
        try transition.device().apply(change)
    }

    private func addAddresses(_ transition: Transition, _ addresses: [InterfaceAddress]) throws {
        try transition.checkpoint()
        guard !addresses.isEmpty else { return }
        let index = try transition.interfaceIndex()
        console.echo(
            addresses.map {
                "ip \($0.address.isIPv6 ? "-6" : "-4") address add \($0) dev \(transition.interface)"
            })
        do throws(SystemError) {
            try transition.netlink.make(
                addresses.map { .addAddress(AssignedAddress($0, interface: index)) })
        } catch {
            throw IPv6State.explained(error, interface: transition.interface)
        }
        try noteApplied(transition) { $0.addresses = addresses.map(\.description) }
    }

    /// Sets the MTU, brings the interface up and makes sure that its port could be had.
    private func bringUp(_ transition: Transition, _ plan: UpPlan) throws {
        try transition.checkpoint()
        let index = try transition.interfaceIndex()
        let mtu = try plan.configuration.interface.mtu ?? foundMTU(transition)
        console.echo("ip link set mtu \(mtu) up dev \(transition.interface)")
        try transition.netlink.setMTU(mtu, index: index)
        try transition.netlink.setUp(true, index: index)
        guard let port = plan.configuration.interface.listenPort, port != 0 else { return }
        // A device opens its socket when it comes up, and only says that it failed when the port is set again.
        var change = DeviceChange()
        change.listenPort = port
        do {
            try transition.device().apply(change)
        } catch let error as SystemError where error.code == EADDRINUSE {
            throw QuickError(
                "\(transition.interface): UDP port \(port) is used by another program; choose another ListenPort, "
                    + "or find that program with: ss -lunp sport = :\(port)")
        }
    }

    private func foundMTU(_ transition: Transition) throws -> Int {
        let endpoints = try transition.device().status().peers.compactMap(\.endpoint)
        return try MTUSearch.find(endpoints, &transition.netlink)
    }

    private func setNameServers(_ transition: Transition, _ settings: InterfaceSection) throws {
        try transition.checkpoint()
        guard !settings.dns.isEmpty else { return }
        let setting = DNSSetting(
            interface: transition.interface, interfaceIndex: try transition.interfaceIndex(),
            servers: settings.dns, searchDomains: settings.searchDomains)
        let plan = try transition.dns.plan(setting)
        try transition.make([.dns(plan.record)]) {
            let applied = try transition.dns.apply(plan)
            transition.journal.entries[transition.journal.entries.count - 1] = .dns(applied.record)
            console.note(applied.sentence)
        }
    }

    /// Adds the routes of the allowed IPs that the device has now, whoever has set them. Quick §up 8.
    private func addRoutes(_ transition: Transition, _ plan: UpPlan) throws {
        try transition.checkpoint()
        let table = plan.configuration.interface.table
        guard table != .off else { return }
        let index = try transition.interfaceIndex()
        let status = try transition.device().status()
        let routes = RoutePlan(
            allowedIPs: status.peers.flatMap(\.allowedIPs), table: table,
            present: try transition.presentRoutes(index: index))
        console.echo(routes.commands(interface: transition.interface))
        do throws(SystemError) {
            try transition.netlink.make(
                routes.routes.map { .addRoute(Route($0, interface: index, table: routes.table ?? Route.mainTable)) })
        } catch {
            throw IPv6State.explained(error, interface: transition.interface)
        }
        if !routes.defaults.isEmpty {
            guard let tool = plan.firewallTool ?? FirewallTool.find(surroundings) else { throw FirewallTool.missing }
            try transition.addDefaultRoutes(routes.defaults, mark: status.firewallMark, tool: tool)
        }
        try noteApplied(transition) { applied in
            applied.routes = routes.routes.map(\.description)
            applied.table = routes.table
            applied.defaults = routes.defaults
        }
    }

    private func noteApplied(_ transition: Transition, _ note: (inout Journal.Applied) -> Void) throws {
        var applied = transition.journal.applied ?? Journal.Applied()
        note(&applied)
        transition.journal.applied = applied
    }

    /// Tells the service manager, where one waits. Returns the interface whose end is the service's, if that isn't the
    /// end of a daemon.
    private func report(_ transition: Transition) -> UInt32? {
        guard let notification = ServiceNotification(environment: surroundings.environment) else { return nil }
        var process: Int32?
        if case .nightjar(let identity?)? = transition.journal.engine { process = identity.identifier }
        do throws(SystemError) {
            try notification.ready(mainProcess: process, status: "\(transition.interface) is up")
        } catch {
            console.warn("\(error)")
        }
        return process == nil ? transition.journal.interfaceIndex : nil
    }
}

/// Whether IPv6 is the reason of a failure.
enum IPv6State {
    /// The same error, with what to do if IPv6 is switched off.
    static func explained(_ error: SystemError, interface: String) -> any Error {
        for name in [interface, "all"] {
            let setting = try? KernelSetting.read("net/ipv6/conf/\(name)/disable_ipv6")
            guard setting == "1", error.attempt.contains(":") else { continue }
            return QuickError(
                "\(interface): IPv6 is switched off on this machine (net.ipv6.conf.\(name).disable_ipv6 = 1), "
                    + "but the file has IPv6 in Address or AllowedIPs: take it out there, or switch IPv6 on (\(error))")
        }
        return error
    }
}
