import Control
import Glibc
import LinuxNet

/// One interface on its way up or down, or to another configuration: under its lock, with its journal.
final class Transition {
    let interface: String
    let surroundings: Surroundings
    let store: JournalStore
    let hooks: Hooks
    var netlink: Netlink
    /// Set once signals are held back, which they are from the first change on.
    private(set) var interruption: Interruption?
    /// What has been changed; saved whenever it grows.
    var journal: Journal
    private let lock: InterfaceLock

    var console: Console { surroundings.console }

    /// - Parameter file: the configuration file, for a journal that is begun.
    init(_ interface: String, file: String, _ surroundings: Surroundings) throws {
        self.interface = interface
        self.surroundings = surroundings
        store = JournalStore(directory: surroundings.directory)
        hooks = Hooks(interface: interface, surroundings: surroundings)
        lock = try InterfaceLock(interface, in: store)
        netlink = try Netlink()
        journal = Journal(interface: interface, file: file)
    }

    /// Holds signals back from now on. They are answered between steps.
    func holdSignals() throws {
        if interruption == nil { interruption = try Interruption() }
    }

    /// Throws when the program was asked to end meanwhile.
    func checkpoint() throws {
        try interruption?.check()
    }

    /// Notes changes, then makes them.
    func make<Result>(_ entries: [Journal.Entry], _ change: () throws -> Result) throws -> Result {
        try checkpoint()
        journal.entries += entries
        try store.save(journal)
        return try change()
    }

    /// The index of the interface.
    ///
    /// - Throws: when it has gone.
    func interfaceIndex() throws -> UInt32 {
        guard let link = try netlink.link(named: interface) else {
            throw QuickError(
                "\(interface) has gone: another program has deleted it, or the one that served it has ended")
        }
        return link.index
    }

    func device() throws -> any DeviceAccess {
        try WireGuardDevices.open(interface, in: surroundings.devicePlaces)
    }

    /// The firewall by way of a tool.
    func firewall(_ tool: FirewallTool) -> Firewall {
        Firewall(surroundings: surroundings, tool: tool)
    }

    var dns: DNS { DNS(DNSSystem(environment: surroundings.childEnvironment)) }
}

// MARK: - Taking back

extension Transition {
    /// How often a change is tried to be taken back.
    private static let undoAttempts = 3

    /// Takes everything in the journal back, the last first. What fails is tried again, and stays in the journal when
    /// that fails as well.
    ///
    /// - Parameter isKept: tells entries that stay as they are.
    /// - Returns: a sentence for each failure. The journal stays, until ``endJournal()``.
    func rollBack(keeping isKept: (Journal.Entry) -> Bool = { _ in false }) -> [String] {
        var failures: [String] = []
        var left: [Journal.Entry] = []
        while let entry = journal.entries.popLast() {
            if isKept(entry) {
                left.insert(entry, at: 0)
                continue
            }
            if let failure = undo(entry) {
                failures.append(failure)
                left.insert(entry, at: 0)
            }
            // A journal that names too much does no harm: everything can be undone twice.
            try? save(with: left)
        }
        journal.entries = left
        return failures
    }

    /// Removes the journal, unless there still is something in it.
    ///
    /// - Returns: a sentence for each failure.
    func endJournal() -> [String] {
        do {
            try attempt {
                if journal.entries.isEmpty {
                    try store.remove(interface)
                } else {
                    try store.save(journal)
                }
            }
            return []
        } catch {
            return ["\(error)"]
        }
    }

    private func save(with left: [Journal.Entry]) throws {
        var journal = journal
        journal.entries += left
        try store.save(journal)
    }

    /// Returns why it couldn't be undone.
    private func undo(_ entry: Journal.Entry) -> String? {
        do {
            try attempt { try undoOnce(entry) }
            return nil
        } catch {
            return "\(error)"
        }
    }

    private func attempt(_ body: () throws -> Void) throws {
        for number in 1... {
            do {
                return try body()
            } catch {
                if number == Self.undoAttempts { throw error }
                usleep(20_000)
            }
        }
    }

    private func undoOnce(_ entry: Journal.Entry) throws {
        switch entry {
        case .killSwitch(let tool):
            try firewall(tool).removeKillSwitch(interface)
        case .interface(let engine):
            try engine.stop(interface, index: journal.interfaceIndex, console, &netlink)
        case .dns(let record):
            for sentence in try dns.restore(record) { console.note(sentence) }
        case .rule(let rule):
            console.echo(rule.command("delete"))
            try netlink.make([.removeRule(rule.rule)], tolerating: [ENOENT, EAFNOSUPPORT, EOPNOTSUPP])
        case .sourceMark(let former):
            try SharedSetting.sourceMark.restore(former, others: store.others(than: interface), console)
        case .firewall(let tool):
            try firewall(tool).removeTunnelRules(interface)
        case .forwarding(let tool):
            try firewall(tool).removeForwarding(interface)
        case .setting(let path, let former, let needed):
            try SharedSetting(path: path, needed: needed).restore(
                former, others: store.others(than: interface), console)
        }
    }
}
