import Control
import Glibc
import LinuxNet
import Tunnel
import Wire

/// The steps, in their order. Quick §up 2–9.
extension Up {
    func climb(_ transition: Transition, _ plan: UpPlan) throws {
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
        try setForwarding(transition, plan)
        try runHooks(settings.postUp, .postUp, transition)
        try transition.checkpoint()
        if plan.endsFormerKillSwitch, let tool = transition.journal.killSwitch {
            try transition.firewall(tool).removeKillSwitch(interface)
            transition.journal.entries.removeAll { if case .killSwitch = $0 { true } else { false } }
        }
        noteApplied(transition) { $0.killSwitch = settings.killSwitch.rawValue }
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
            let engine = try plan.engine.start(
                transition.interface, metricsListen: plan.metricsListen, surroundings, &transition.netlink)
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
        let device = try transition.device()
        try device.apply(change)
        // What serves it may know no limits; the rest is names, which are for those who can use them.
        if !device.annotate(plan.annotations.peers), plan.annotations.areLimited {
            console.warn(
                "what serves \(transition.interface) knows no limits, so no peer's Expires or Quota counts; Nightjar's own engine "
                    + "knows them")
        }
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
        noteApplied(transition) { $0.addresses = addresses.map(\.description) }
    }

    /// Sets the MTU, brings the interface up and makes sure that its port could be had.
    private func bringUp(_ transition: Transition, _ plan: UpPlan) throws {
        try transition.checkpoint()
        let index = try transition.interfaceIndex()
        let search = MTUSearch(try transition.device().status())
        let given = plan.configuration.interface.mtu
        let mtu = try given ?? search.find(&transition.netlink)
        for warning in try search.warnings(mtu: mtu, isGiven: given != nil, &transition.netlink) {
            console.warn(warning)
        }
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
        noteApplied(transition) { applied in
            applied.routes = routes.routes.map(\.description)
            applied.table = routes.table
            applied.defaults = routes.defaults
        }
    }

    /// Begins to pass packets on between the peers and other networks.
    private func setForwarding(_ transition: Transition, _ plan: UpPlan) throws {
        try transition.checkpoint()
        guard let rules = plan.forwarding else { return }
        guard let tool = plan.firewallTool else { throw FirewallTool.missing }
        try transition.setForwarding(rules, tool: tool)
        noteApplied(transition) { $0.forwarding = rules }
    }

    private func noteApplied(_ transition: Transition, _ note: (inout Journal.Applied) -> Void) {
        var applied = transition.journal.applied ?? Journal.Applied()
        note(&applied)
        transition.journal.applied = applied
    }

    /// Tells the service manager, where one waits. Returns the interface whose end is the service's, if that isn't the
    /// end of a daemon.
    func report(_ transition: Transition) -> UInt32? {
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
