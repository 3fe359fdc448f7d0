import Control
import Glibc
import LinuxNet
import Wire

/// How an interface passes packets on between its peers and other networks: the kernel's settings and the firewall's rules.
///
/// The rules change the sender's address of what comes from the interface's networks and leaves by another one. They
/// also let these packets pass a firewall of iptables that refuses to forward unless told, as Docker and ufw leave it;
/// a chain of nft's own couldn't do that.
struct ForwardingRules: Codable, Equatable {
    var interface: String
    /// Whether packets leave under this machine's own address.
    var hidesSenders: Bool
    /// The networks of the interface's addresses, of both families.
    var networks: [String]

    /// Nil when nothing is to be passed on.
    init?(_ forwarding: Forwarding, interface: String, addresses: [InterfaceAddress]) {
        guard forwarding != .off else { return nil }
        self.interface = interface
        hidesSenders = forwarding == .nat
        var networks: [String] = []
        for case let network? in addresses.map(\.network) where !networks.contains("\(network)") {
            networks.append("\(network)")
        }
        self.networks = networks
    }

    private func networks(isIPv6: Bool) -> [String] { networks.filter { $0.contains(":") == isIPv6 } }

    /// What has to be set, in this order.
    ///
    /// - Parameter advertised: the interfaces with a default route that a router has advertised. The kernel takes no more
    ///   advertisements once it forwards, unless it is told to.
    func settings(advertised: [String]) -> [SharedSetting] {
        var settings: [SharedSetting] = []
        if !networks(isIPv6: false).isEmpty {
            settings.append(SharedSetting(path: "net/ipv4/ip_forward", needed: "1"))
        }
        if !networks(isIPv6: true).isEmpty {
            settings += advertised.map { SharedSetting(path: "net/ipv6/conf/\($0)/accept_ra", needed: "2") }
            settings.append(SharedSetting(path: "net/ipv6/conf/all/forwarding", needed: "1"))
        }
        return settings
    }

    // MARK: nft

    static func table(_ interface: String) -> String { "inet nightjar-nat-\(Firewall.identifier(interface))" }

    /// Commands for nft, which put these rules in place of former ones of this interface.
    var nftCommands: String {
        let rules = networks.map {
            "\($0.contains(":") ? "ip6" : "ip") saddr \($0) oifname != \"\(interface)\" masquerade\n"
        }
        return """
            \(Self.nftRemoval(interface))\
            table \(Self.table(interface)) {
            chain postrouting {
            type nat hook postrouting priority 100; policy accept;
            \(hidesSenders ? rules.joined() : "")\
            }
            }

            """
    }

    static func nftRemoval(_ interface: String) -> String {
        "add table \(table(interface))\ndelete table \(table(interface))\n"
    }

    // MARK: iptables

    /// The rules for `iptables-restore -n`.
    ///
    /// - Parameter hasNat: whether the rules that change addresses are iptables' business as well.
    func restoreText(isIPv6: Bool, hasNat: Bool) -> String {
        let marker = Self.marker(interface)
        let back = hidesSenders ? "-m conntrack --ctstate RELATED,ESTABLISHED " : ""
        let nat = networks(isIPv6: isIPv6).map {
            "-A POSTROUTING -s \($0) ! -o \(interface) \(marker) -j MASQUERADE\n"
        }
        return """
            *filter
            -I FORWARD -i \(interface) \(marker) -j ACCEPT
            -I FORWARD -o \(interface) \(back)\(marker) -j ACCEPT
            COMMIT

            """ + (hasNat && hidesSenders && !nat.isEmpty ? "*nat\n\(nat.joined())COMMIT\n" : "")
    }

    static func marker(_ interface: String) -> String {
        "-m comment --comment \"nightjar: forwarding of \(interface)\""
    }
}

extension Firewall {
    func apply(_ rules: ForwardingRules) throws {
        try removeAccepting(rules.interface)
        if tool == .nft { try nft(rules.nftCommands) }
        for isIPv6 in [false, true] where rules.networks.contains(where: { $0.contains(":") == isIPv6 }) {
            // Beside nft only a firewall of iptables that is in use, and refuses, is to be told.
            let isNeeded = tool == .iptables || saved(isIPv6: isIPv6).contains { $0.hasPrefix(":FORWARD DROP") }
            guard isNeeded else { continue }
            try restore(rules.restoreText(isIPv6: isIPv6, hasNat: tool == .iptables), isIPv6: isIPv6)
        }
    }

    /// Removes an interface's rules; does nothing where there are none.
    func removeForwarding(_ interface: String) throws {
        if tool == .nft { try nft(ForwardingRules.nftRemoval(interface)) }
        try removeAccepting(interface)
    }

    private func removeAccepting(_ interface: String) throws {
        for isIPv6 in [false, true] {
            let rules = Self.removal(of: ForwardingRules.marker(interface), from: saved(isIPv6: isIPv6))
            if let rules { try restore(rules, isIPv6: isIPv6) }
        }
    }
}

// MARK: - Up and down

extension Transition {
    /// Passes packets on from now on. What was so before is noted first.
    func setForwarding(_ rules: ForwardingRules, tool: FirewallTool) throws {
        let isNoted = journal.forwarding != nil
        try make(isNoted ? [] : [.forwarding(tool)]) { try firewall(tool).apply(rules) }
        for setting in rules.settings(advertised: try advertisedInterfaces()) {
            let isOwn = journal.settings.contains { $0.setting.path == setting.path }
            let former = try setting.former { store.others(than: interface) }
            let entry = Journal.Entry.setting(path: setting.path, former: former, needed: setting.needed)
            try make(isOwn ? [] : [entry]) { try setting.set(console) }
        }
    }

    /// Takes back what ``setForwarding(_:tool:)`` has done, the last first, and leaves it in the journal.
    func endForwarding(_ journal: Journal) throws {
        for (setting, former) in journal.settings.reversed() {
            try setting.restore(former, others: store.others(than: interface), console)
        }
        if let tool = journal.forwarding { try firewall(tool).removeForwarding(interface) }
    }

    /// The interfaces that take routers' advertisements, and have their default route from one.
    private func advertisedInterfaces() throws -> [String] {
        var names: [String] = []
        for route in try netlink.routes(isIPv6: true, table: Route.mainTable) {
            guard route.destination.length == 0, route.origin == Self.advertised, let index = route.interface,
                let name = try? netlink.link(index: index).name, !names.contains(name),
                try KernelSetting.read("net/ipv6/conf/\(name)/accept_ra") == "1"
            else { continue }
            names.append(name)
        }
        return names
    }

    /// RTPROT_RA.
    private static let advertised: UInt8 = 9
}
