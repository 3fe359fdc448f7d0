import Control
import Glibc
import LinuxNet
import Tunnel
import Wire

/// Takes an interface down, and all that came with it. Quick §down.
///
/// With a journal everything that it names is taken back, also after a crash. Without one, as for an interface that
/// `wg-quick` has made, what `wg-quick` would remove is removed.
struct Down {
    private let surroundings: Surroundings

    init(_ surroundings: Surroundings) {
        self.surroundings = surroundings
    }

    private var console: Console { surroundings.console }

    func run(_ argument: String) throws {
        let (interface, source) = try find(argument)
        let transition = try Transition(interface, file: source?.path ?? "", surroundings)
        guard let journal = try transition.store.load(interface) else {
            guard let source else { throw QuickError("`\(interface)' is not a WireGuard interface") }
            return try takeDownUnknown(transition, source)
        }
        guard journal.namespace == Journal.currentNamespace else {
            return try clearForeign(transition, journal)
        }
        transition.journal = journal
        let configuration = source?.configuration ?? ConfigurationFile()
        let isWhole = try isWhole(transition)
        if isWhole {
            try transition.hooks.run(configuration.interface.preDown, .preDown)
            if let source, configuration.interface.saveConfig {
                try Save(surroundings).save(source)
            }
        } else {
            console.note("\(interface) isn't whole, so all that is left of it is removed")
        }
        try transition.holdSignals()
        let failures: [String]
        if isWhole {
            transition.journal.phase = .goingDown
            try transition.store.save(transition.journal)
            failures = transition.rollBack()
        } else {
            failures = Self.clearAway(transition, configuration)
        }
        guard failures.isEmpty else {
            for failure in failures { console.note("not taken back: \(failure)") }
            throw QuickError("\(interface) is not down completely; try again with: nightjar down \(interface)")
        }
        if isWhole { try finish(transition, configuration) }
    }

    /// Runs the last commands. The journal goes once they have been started, whatever their outcome.
    private func finish(_ transition: Transition, _ configuration: ConfigurationFile) throws {
        var outcome: QuickError?
        do {
            try transition.hooks.run(
                configuration.interface.postDown, .postDown, interruption: transition.interruption)
        } catch let error as QuickError {
            outcome = error
        }
        if let failure = transition.endJournal().first { throw QuickError(failure) }
        if let outcome { throw outcome }
    }

    /// Takes back what the journal of an interface that isn't whole names, and runs the commands that undo those that
    /// may have run, whatever becomes of them.
    static func clearAway(
        _ transition: Transition, _ configuration: ConfigurationFile,
        keeping isKept: (Journal.Entry) -> Bool = { _ in false }
    ) -> [String] {
        let journal = transition.journal
        let wasUp = journal.phase != .goingUp
        // An interrupted `down` has run these.
        if wasUp || journal.hooks.contains(.postUp), journal.phase != .goingDown {
            transition.hooks.runAll(
                configuration.interface.preDown, .preDown, interruption: transition.interruption)
        }
        let failures = transition.rollBack(keeping: isKept)
        if wasUp || !journal.hooks.isEmpty {
            transition.hooks.runAll(
                configuration.interface.postDown, .postDown, interruption: transition.interruption)
        }
        // What is left, a kill switch or what couldn't be undone, has nothing to do with the commands any more.
        transition.journal.phase = .goingUp
        transition.journal.hooks = []
        return failures + transition.endJournal()
    }

    /// The interface and its file. The file may be missing or broken when there is a journal: a tunnel that is up can
    /// be taken down.
    private func find(_ argument: String) throws -> (String, QuickFile?) {
        do {
            let source = try QuickFile(argument, surroundings)
            return (source.interface, source)
        } catch  where error is ConfigurationError || error is ConfigurationFile.FindingError {
            let location = try? QuickFile.locate(argument, surroundings)
            let name = location?.interface ?? argument
            guard ConfigurationFile.isInterfaceName(name),
                try JournalStore(directory: surroundings.directory).load(name) != nil
            else { throw error }
            console.warn("\(error); the interface is taken down without the file's commands")
            return (name, nil)
        }
    }

    /// Whether the interface came up, and is there now.
    private func isWhole(_ transition: Transition) throws -> Bool {
        guard transition.journal.phase == .isUp, let link = try transition.netlink.link(named: transition.interface),
            link.index == transition.journal.interfaceIndex
        else { return false }
        return (try? transition.device().status()) != nil
    }

    /// The network namespace of the journal may be gone, and all that was in it. What was outside of it isn't.
    private func clearForeign(_ transition: Transition, _ journal: Journal) throws {
        guard case .nightjar(let process?) = journal.engine, !process.isRunning else {
            throw QuickError(
                "\(transition.interface) was brought up in another network namespace; take it down there")
        }
        try transition.holdSignals()
        transition.journal = journal
        transition.journal.entries = journal.entries.filter { entry in
            switch entry {
            case .dns, .interface: true
            case .killSwitch, .rule, .sourceMark, .firewall, .forwarding, .setting: false
            }
        }
        // No interface here can be the one that was meant.
        transition.journal.interfaceIndex = 0
        let failures = transition.rollBack() + transition.endJournal()
        if let failure = failures.first { throw QuickError("\(transition.interface): not taken back: \(failure)") }
    }
}

// MARK: - Without a journal

extension Down {
    private func takeDownUnknown(_ transition: Transition, _ source: QuickFile) throws {
        let interface = transition.interface
        let settings = source.configuration.interface
        guard let device = try? transition.device(), let status = try? device.status(),
            let link = try transition.netlink.link(named: interface)
        else { throw QuickError("`\(interface)' is not a WireGuard interface") }
        try transition.hooks.run(settings.preDown, .preDown)
        if settings.saveConfig { try Save(surroundings).save(source) }
        try transition.holdSignals()
        let hasDefaultRoute = status.peers.contains { $0.allowedIPs.contains { $0.length == 0 } }
        if settings.table == .auto, status.firewallMark != 0, hasDefaultRoute {
            try removeRules(transition, table: status.firewallMark)
        }
        try TunnelEngine.program("").stop(interface, index: link.index, console, &transition.netlink)
        // As in wg-quick, what fails from here on doesn't keep the rest from being done.
        var failures: [String] = []
        func attempt(_ body: () throws -> Void) {
            do { try body() } catch { failures.append("\(error)") }
        }
        if !settings.dns.isEmpty {
            attempt {
                let setting = DNSSetting(
                    interface: interface, interfaceIndex: link.index, servers: settings.dns,
                    searchDomains: settings.searchDomains)
                for sentence in try transition.dns.restore(transition.dns.plan(setting).record) {
                    console.note(sentence)
                }
            }
        }
        for tool in [FirewallTool.nft, .iptables] where isPresent(tool) {
            let firewall = transition.firewall(tool)
            attempt { try firewall.removeTunnelRules(interface) }
            attempt { try firewall.removeKillSwitch(interface) }
        }
        for failure in failures { console.note(failure) }
        try transition.hooks.run(settings.postDown, .postDown, interruption: transition.interruption)
    }

    private func isPresent(_ tool: FirewallTool) -> Bool {
        surroundings.program(tool == .nft ? "nft" : "iptables-restore") != nil
    }

    /// Removes the rules that look into the tunnel's table, and with each the one for the main table that came with it,
    /// which `wg-quick` adds right after it and the kernel puts right before it. Those of other tunnels stay.
    private func removeRules(_ transition: Transition, table: UInt32) throws {
        for isIPv6 in [false, true] {
            let rules = try transition.netlink.rules(isIPv6: isIPv6)
            var removed: [PolicyRule] = rules.filter { $0.table == table }
            for rule in removed {
                let companions = rules.filter {
                    $0.table == Route.mainTable && $0.suppressedPrefixLength == 0 && $0.mark == nil
                        && $0.source == nil && $0.destination == nil && !removed.contains($0)
                }
                let nearest = companions.last { $0.priority ?? 0 < rule.priority ?? 0 } ?? companions.first
                if let nearest { removed.append(nearest) }
            }
            for rule in removed {
                console.echo("ip \(isIPv6 ? "-6" : "-4") rule delete \(rule)")
                try transition.netlink.make([.removeRule(rule)], tolerating: [ENOENT])
            }
        }
    }
}
