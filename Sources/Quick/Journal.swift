import Glibc

/// What `up` has changed, or is about to: enough to take it all back, also after a crash. It holds no secrets.
struct Journal: Codable, Equatable {
    enum Phase: String, Codable {
        case goingUp
        case isUp
        case goingDown
    }

    /// A change to the system that outlives the interface, or the interface itself. Noted before it is made.
    enum Entry: Codable, Hashable {
        case killSwitch(FirewallTool)
        case interface(TunnelEngine)
        case dns(DNSRecord)
        case rule(TunnelRule)
        /// `net.ipv4.conf.all.src_valid_mark`, with the value it had.
        case sourceMark(former: String)
        case firewall(FirewallTool)
        case forwarding(FirewallTool)
        /// A setting of the kernel's that is shared with other tunnels, with the value it had.
        case setting(path: String, former: String, needed: String)
    }

    /// What `up` or `reload` has made of the file last, for `reload` to tell its own from what others have added.
    struct Applied: Codable, Equatable {
        var addresses: [String] = []
        /// Routes outside of tables for default routes.
        var routes: [String] = []
        /// The table of the routes; nil for the main one.
        var table: UInt32?
        /// The families that have a default route by way of policy rules: whether each is IPv6.
        var defaults: [Bool] = []
        var killSwitch = "off"
        var forwarding: ForwardingRules?
    }

    /// The form of this file.
    var version = 1
    let interface: String
    /// The configuration file.
    let file: String
    /// The network namespace that all of it is in, by its inode.
    let namespace: UInt64
    var phase = Phase.goingUp
    /// Which commands of the file may have run, so that those that undo them are due.
    var hooks: Set<Hooks.Moment> = []
    var interfaceIndex: UInt32?
    /// The mark of the tunnel's datagrams, which is also the number of the table of its default routes.
    var mark: UInt32?
    /// The address that each endpoint given by name had, both with their port.
    var endpoints: [String: String] = [:]
    /// In the order in which they were begun.
    var entries: [Entry] = []
    var applied: Applied?

    init(interface: String, file: String) {
        self.interface = interface
        self.file = file
        namespace = Self.currentNamespace
    }

    /// The network namespace of the calling thread.
    static var currentNamespace: UInt64 {
        var status = stat()
        return stat("/proc/thread-self/ns/net", &status) == 0 ? UInt64(status.st_ino) : 0
    }

    var killSwitch: FirewallTool? {
        for case .killSwitch(let tool) in entries { return tool }
        return nil
    }

    var engine: TunnelEngine? {
        for case .interface(let engine) in entries { return engine }
        return nil
    }

    var rules: [TunnelRule] {
        entries.compactMap { if case .rule(let rule) = $0 { rule } else { nil } }
    }

    var firewall: FirewallTool? {
        for case .firewall(let tool) in entries { return tool }
        return nil
    }

    var forwarding: FirewallTool? {
        for case .forwarding(let tool) in entries { return tool }
        return nil
    }

    var settings: [(setting: SharedSetting, former: String)] {
        entries.compactMap {
            if case .setting(let path, let former, let needed) = $0 {
                (SharedSetting(path: path, needed: needed), former)
            } else {
                nil
            }
        }
    }

    var dns: DNSRecord? {
        for case .dns(let record) in entries { return record }
        return nil
    }
}
