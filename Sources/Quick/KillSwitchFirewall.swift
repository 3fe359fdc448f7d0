/// The rules of a kill switch: what may leave this machine, or be forwarded by it, while a tunnel is meant to be up.
///
/// Always: the loopback, the tunnel itself, the tunnel's own datagrams by their mark, and what keeps a link usable, DHCP
/// and neighbour discovery with multicast membership, which never go beyond the link. With `lan` also what goes to private, link-local
/// and local multicast addresses. The rest is refused. What arrives is left alone: it can't be answered.
struct KillSwitchFirewall: Equatable {
    var interface: String
    /// The mark of the tunnel's own datagrams.
    var mark: UInt32
    var allowsLAN: Bool

    /// Private, link-local and local multicast addresses, and the broadcast to the link.
    static let localIPv4 = [
        "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "224.0.0.0/24", "239.0.0.0/8",
        "255.255.255.255/32",
    ]
    /// Unique local, link-local, and multicast of the scopes up to the organisation.
    static let localIPv6 = [
        "fc00::/7", "fe80::/10", "ff01::/16", "ff02::/16", "ff03::/16", "ff04::/16", "ff05::/16", "ff08::/16",
    ]
    /// ICMPv6 types of RFC 4861 and of multicast listeners, RFC 2710 and RFC 3810.
    static let neighbourTypes = [133, 134, 135, 136]
    static let listenerTypes = [131, 132, 143]

    // MARK: nft

    static func table(_ interface: String) -> String { "inet nightjar-killswitch-\(Firewall.identifier(interface))" }

    /// Commands for nft, which put these rules in place of former ones of this interface, without a gap between.
    var nftCommands: String {
        let table = Self.table(interface)
        let types = { (list: [Int]) in "{ \(list.map(String.init).joined(separator: ", ")) }" }
        let local = """
            ip daddr { \(Self.localIPv4.joined(separator: ", ")) } accept
            ip6 daddr { \(Self.localIPv6.joined(separator: ", ")) } accept

            """
        return """
            add table \(table)
            delete table \(table)
            table \(table) {
            chain output {
            type filter hook output priority 0; policy drop;
            oifname { "lo", "\(interface)" } accept
            meta l4proto udp meta mark \(mark) accept
            udp sport 68 udp dport 67 accept
            ip6 saddr fe80::/10 udp sport 546 udp dport 547 accept
            ip6 hoplimit 255 icmpv6 type \(types(Self.neighbourTypes)) accept
            ip6 hoplimit 1 icmpv6 type \(types(Self.listenerTypes)) accept
            \(allowsLAN ? local : "")\
            reject with icmpx type admin-prohibited
            }
            chain forward {
            type filter hook forward priority 0; policy drop;
            oifname "\(interface)" accept
            iifname "\(interface)" accept
            \(allowsLAN ? local : "")\
            reject with icmpx type admin-prohibited
            }
            }

            """
    }

    static func nftRemoval(_ interface: String) -> String {
        "add table \(table(interface))\ndelete table \(table(interface))\n"
    }

    // MARK: iptables

    /// Names of chains have at most 28 characters.
    private static func chains(_ interface: String) -> (output: String, forward: String) {
        ("njkill-o-\(interface)", "njkill-f-\(interface)")
    }

    /// The rules for `iptables-restore -n`, in place of former ones of this interface.
    ///
    /// - Parameter isPresent: whether there are former ones, which `iptables-save` tells.
    func restoreText(isIPv6: Bool, isPresent: Bool) -> String {
        let (output, forward) = Self.chains(interface)
        let local = (isIPv6 ? Self.localIPv6 : Self.localIPv4).map { "-d \($0) -j RETURN" }
        var outputRules = ["-o lo -j RETURN", "-o \(interface) -j RETURN", "-p udp -m mark --mark \(mark) -j RETURN"]
        if isIPv6 {
            outputRules.append("-s fe80::/10 -p udp --sport 546 --dport 547 -j RETURN")
            outputRules += Self.neighbourTypes.map { "-p icmpv6 --icmpv6-type \($0) -m hl --hl-eq 255 -j RETURN" }
            outputRules += Self.listenerTypes.map { "-p icmpv6 --icmpv6-type \($0) -m hl --hl-eq 1 -j RETURN" }
        } else {
            outputRules.append("-p udp --sport 68 --dport 67 -j RETURN")
        }
        var forwardRules = ["-o \(interface) -j RETURN", "-i \(interface) -j RETURN"]
        if allowsLAN {
            outputRules += local
            forwardRules += local
        }
        let reject = "-j REJECT --reject-with \(isIPv6 ? "icmp6-adm-prohibited" : "icmp-admin-prohibited")"
        let lines =
            ["*filter", ":\(output) - [0:0]", ":\(forward) - [0:0]"]
            + (outputRules + [reject]).map { "-A \(output) \($0)" }
            + (forwardRules + [reject]).map { "-A \(forward) \($0)" }
            + (isPresent ? [] : ["-I OUTPUT -j \(output)", "-I FORWARD -j \(forward)"]) + ["COMMIT"]
        return lines.map { $0 + "\n" }.joined()
    }

    /// Whether `iptables-save` has printed the rules of an interface.
    static func isPresent(_ interface: String, in saved: [Substring]) -> Bool {
        saved.contains { $0 == "-A OUTPUT -j \(chains(interface).output)" }
    }

    /// What removes the rules of an interface; nil when `iptables-save` has printed none.
    static func removal(_ interface: String, from saved: [Substring]) -> String? {
        let chains = [("OUTPUT", chains(interface).output), ("FORWARD", chains(interface).forward)]
        let present = chains.filter { chain in saved.contains { $0.hasPrefix(":\(chain.1) ") } }
        guard !present.isEmpty else { return nil }
        let jumps = present.filter { chain in saved.contains { $0 == "-A \(chain.0) -j \(chain.1)" } }
        let lines =
            ["*filter"] + jumps.map { "-D \($0.0) -j \($0.1)" } + present.map { "-F \($0.1)" }
            + present.map { "-X \($0.1)" } + ["COMMIT"]
        return lines.map { $0 + "\n" }.joined()
    }
}

extension Firewall {
    func apply(_ rules: KillSwitchFirewall) throws {
        switch tool {
        case .nft:
            try nft(rules.nftCommands)
        case .iptables:
            for isIPv6 in [false, true] where !isIPv6 || Self.hasIPv6 {
                let isPresent = KillSwitchFirewall.isPresent(rules.interface, in: saved(isIPv6: isIPv6))
                try restore(rules.restoreText(isIPv6: isIPv6, isPresent: isPresent), isIPv6: isIPv6)
            }
        }
    }

    /// Removes an interface's kill switch; does nothing where there is none.
    func removeKillSwitch(_ interface: String) throws {
        switch tool {
        case .nft:
            try nft(KillSwitchFirewall.nftRemoval(interface))
        case .iptables:
            for isIPv6 in [false, true] {
                guard let text = KillSwitchFirewall.removal(interface, from: saved(isIPv6: isIPv6)) else { continue }
                try restore(text, isIPv6: isIPv6)
            }
        }
    }
}
