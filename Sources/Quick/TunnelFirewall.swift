import Wire

/// The rules that go with default routes: nobody on the local network sends packets to the tunnel's addresses, and the
/// mark of the tunnel's datagrams comes back with the answers, for the reverse path filter. Quick §add_default 6.
struct TunnelFirewall: Equatable {
    var interface: String
    /// The mark of the tunnel's own datagrams.
    var mark: UInt32
    /// The families that have a default route.
    var hasIPv4: Bool
    var hasIPv6: Bool
    /// The interface's addresses, of both families.
    var addresses: [IPAddress]

    private func isUsed(isIPv6: Bool) -> Bool { isIPv6 ? hasIPv6 : hasIPv4 }
    private func addresses(isIPv6: Bool) -> [IPAddress] { addresses.filter { $0.isIPv6 == isIPv6 } }

    // MARK: nft

    static func table(_ interface: String) -> String { "wg-quick-\(Firewall.identifier(interface))" }

    /// Commands for nft, which put these rules in place of former ones of this interface.
    var nftCommands: String {
        [false, true].filter { isUsed(isIPv6: $0) }.map { isIPv6 in
            let family = isIPv6 ? "ip6" : "ip"
            let table = "\(family) \(Self.table(interface))"
            let drops = addresses(isIPv6: isIPv6).map {
                "add rule \(table) preraw iifname != \"\(interface)\" \(family) daddr \($0) fib saddr type != local drop\n"
            }
            return """
                add table \(table)
                delete table \(table)
                add table \(table)
                add chain \(table) preraw { type filter hook prerouting priority -300; }
                add chain \(table) premangle { type filter hook prerouting priority -150; }
                add chain \(table) postmangle { type filter hook postrouting priority -150; }
                \(drops.joined())\
                add rule \(table) postmangle meta l4proto udp mark \(mark) ct mark set mark
                add rule \(table) premangle meta l4proto udp meta mark set ct mark

                """
        }.joined()
    }

    /// Commands for nft that remove the rules of an interface, also where there are none.
    static func nftRemoval(_ interface: String) -> String {
        let families = Firewall.hasIPv6 ? ["ip", "ip6"] : ["ip"]
        return families.map { "add table \($0) \(table(interface))\ndelete table \($0) \(table(interface))\n" }.joined()
    }

    // MARK: iptables

    /// The rules for `iptables-restore -n`, or nil when the family has no default route.
    func restoreText(isIPv6: Bool) -> String? {
        guard isUsed(isIPv6: isIPv6) else { return nil }
        let marker = Self.marker(interface)
        let drops = addresses(isIPv6: isIPv6).map {
            "-I PREROUTING ! -i \(interface) -d \($0) -m addrtype ! --src-type LOCAL -j DROP \(marker)\n"
        }
        return """
            *raw
            \(drops.joined())COMMIT
            *mangle
            -I POSTROUTING -m mark --mark \(mark) -p udp -j CONNMARK --save-mark \(marker)
            -I PREROUTING -p udp -j CONNMARK --restore-mark \(marker)
            COMMIT

            """
    }

    /// What removes the rules of an interface from those that `iptables-save` has printed; nil when there are none.
    static func removal(_ interface: String, from saved: [Substring]) -> String? {
        Firewall.removal(of: marker(interface), from: saved)
    }

    private static func marker(_ interface: String) -> String {
        "-m comment --comment \"wg-quick(8) rule for \(interface)\""
    }
}

extension Firewall {
    func apply(_ rules: TunnelFirewall) throws {
        switch tool {
        case .nft:
            try nft(rules.nftCommands)
        case .iptables:
            try removeTunnelRules(rules.interface)
            for isIPv6 in [false, true] {
                if let text = rules.restoreText(isIPv6: isIPv6) { try restore(text, isIPv6: isIPv6) }
            }
        }
    }

    /// Removes an interface's rules; does nothing where there are none.
    func removeTunnelRules(_ interface: String) throws {
        switch tool {
        case .nft:
            try nft(TunnelFirewall.nftRemoval(interface))
        case .iptables:
            for isIPv6 in [false, true] {
                guard let text = TunnelFirewall.removal(interface, from: saved(isIPv6: isIPv6)) else { continue }
                try restore(text, isIPv6: isIPv6)
            }
        }
    }
}
