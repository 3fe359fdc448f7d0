import Control
import LinuxNet
import Tunnel
import Wire

/// Whether what peers send to other networks is passed on, and can come back.
struct ForwardingCheck: Check {
    func findings(_ interface: InterfaceFacts, _ facts: Facts) -> [Finding] {
        guard interface.isUp, interface.snapshot != nil else { return [] }
        let wish = ForwardingWish(interface)
        return [false, true].flatMap { isIPv6 in
            forwarding(interface, wish, isIPv6, facts.host) + firewall(interface, wish, isIPv6, facts.host)
                + masquerade(interface, wish, isIPv6, facts.host)
        }
    }

    private func forwarding(
        _ interface: InterfaceFacts, _ wish: ForwardingWish, _ isIPv6: Bool, _ host: HostFacts
    ) -> [Finding] {
        guard !host.forwards(interface.name, isIPv6: isIPv6) else { return [] }
        let isWanted = wish.wants(isIPv6: isIPv6)
        guard isWanted || losesPackets(interface, isIPv6, host) else { return [] }
        let family = isIPv6 ? "IPv6" : "IPv4"
        let name = isIPv6 ? "net.ipv6.conf.all.forwarding" : "net.ipv4.ip_forward"
        var evidence = ["\(setting(interface, isIPv6, host)) = 0"]
        if isWanted { evidence += wish.evidence }
        if let stray = stray(interface, isIPv6, host), stray.total > 0 {
            evidence.append(
                "packets for other addresses that were dropped: \(stray.total)"
                    + (stray.now > 0 ? ", \(stray.now) of them just now" : ""))
        }
        return [
            interface.finding(
                isIPv6 ? .forwardingOffIPv6 : .forwardingOffIPv4, isWanted ? .failure : .warning,
                isWanted
                    ? "\(family) forwarding is off, so peers reach this machine and nothing beyond."
                    : "Peers send \(family) packets to networks beyond this machine, and forwarding is off.",
                evidence: evidence,
                remedy: remedy(interface, name))
        ]
    }

    private func remedy(_ interface: InterfaceFacts, _ name: String) -> String {
        guard interface.file?.forwarding ?? .off == .off else {
            return
                "sysctl -w \(name)=1. 'nightjar up' has set it, and something has set it back: look into /etc/sysctl.d."
        }
        return
            "sysctl -w \(name)=1; for good, write \(name)=1 into a file in /etc/sysctl.d. Or let 'nightjar up' do it: "
            + "the line \"# Forwarding = nat\" below [Interface] of \(interface.file?.path ?? "its file")"
    }

    /// Whether packets of peers certainly got lost because this machine passes nothing on.
    private func losesPackets(_ interface: InterfaceFacts, _ isIPv6: Bool, _ host: HostFacts) -> Bool {
        guard let stray = stray(interface, isIPv6, host),
            let senders = interface.report?.peers.filter(\.isSending), !senders.isEmpty
        else { return false }
        // IPv4 isn't counted by interface: others may have sent those of long ago.
        return stray.now > 0 || stray.total > 0 && (isIPv6 || senders.contains(where: \.getsNoReplies))
    }

    private func stray(_ interface: InterfaceFacts, _ isIPv6: Bool, _ host: HostFacts) -> HostFacts.Stray? {
        isIPv6 ? host.strayIPv6[interface.name] : host.strayIPv4
    }

    private func setting(_ interface: InterfaceFacts, _ isIPv6: Bool, _ host: HostFacts) -> String {
        if isIPv6 { return "net.ipv6.conf.all.forwarding" }
        return host.settings["ipv4/ip_forward"] == "0"
            ? "net.ipv4.ip_forward" : sysctlName("ipv4/conf/\(interface.name)/forwarding")
    }

    private func firewall(
        _ interface: InterfaceFacts, _ wish: ForwardingWish, _ isIPv6: Bool, _ host: HostFacts
    ) -> [Finding] {
        guard wish.wants(isIPv6: isIPv6) || interface.report?.peers.contains(where: \.getsNoReplies) == true,
            host.forwards(interface.name, isIPv6: isIPv6), let uplink = host.uplink(isIPv6: isIPv6),
            uplink != interface.name, let source = self.source(interface, isIPv6, host)
        else { return [] }
        var there = FirewallPacket(isIPv6: isIPv6)
        there.incoming = interface.name
        there.outgoing = uplink
        there.source = source
        there.state = "new"
        var back = FirewallPacket(isIPv6: isIPv6)
        back.incoming = uplink
        back.outgoing = interface.name
        back.destination = source
        back.state = "established"
        for (packet, way) in [
            (there, "from \(interface.name) to \(uplink)"), (back, "back from \(uplink) to \(interface.name)"),
        ] {
            guard let obstacle = host.firewall.obstacle(to: packet, at: [.prerouting, .forward, .postrouting]) else {
                continue
            }
            let opening =
                obstacle.place.tool == "nft"
                ? "nft insert rule \(obstacle.place.table) \(obstacle.place.chain) iifname \"\(interface.name)\" accept; "
                    + "nft insert rule \(obstacle.place.table) \(obstacle.place.chain) oifname \"\(interface.name)\" accept"
                : "\(obstacle.place.tool) -I FORWARD -i \(interface.name) -j ACCEPT; \(obstacle.place.tool) -I FORWARD -o \(interface.name) -j ACCEPT"
            return [
                interface.finding(
                    .firewallDropsForwarded, .failure,
                    "The firewall of this machine doesn't let packets pass \(way).",
                    evidence: [obstacle.evidence] + wish.evidence, remedy: "Let them pass: \(opening)")
            ]
        }
        return []
    }

    private func masquerade(
        _ interface: InterfaceFacts, _ wish: ForwardingWish, _ isIPv6: Bool, _ host: HostFacts
    ) -> [Finding] {
        guard host.forwards(interface.name, isIPv6: isIPv6), let uplink = host.uplink(isIPv6: isIPv6),
            uplink != interface.name, let source = self.source(interface, isIPv6, host)
        else { return [] }
        let isWanted = wish.wantsNat(isIPv6: isIPv6)
        let losers =
            interface.report?.peers.filter { report in
                report.getsNoReplies && interface.peerStatus(report.publicKey).map(interface.isCaller) == true
            } ?? []
        guard isWanted || !losers.isEmpty && source.isPrivate else { return [] }
        var packet = FirewallPacket(isIPv6: isIPv6)
        packet.incoming = interface.name
        packet.outgoing = uplink
        packet.source = source
        packet.destination = Sample.farAway(isIPv6: isIPv6)
        packet.state = "new"
        guard !host.firewall.mayChangeSource(of: packet) else { return [] }
        let network = interface.addresses.first { $0.address.isIPv6 == isIPv6 }?.network.map { "\($0)" } ?? "\(source)"
        return [
            interface.finding(
                .noMasquerade, isWanted ? .failure : .warning,
                "Packets of peers leave by \(uplink) with their private addresses (\(network)), and no answer finds back.",
                evidence: ["no rule changes the source of packets from \(source) by \(uplink)"] + wish.evidence
                    + (isWanted
                        ? [] : losers.prefix(3).map { "\(interface.label($0.publicKey)) sends, and gets no answers" }),
                remedy: interface.file?.forwarding == .nat
                    ? "Something has removed the rules that 'nightjar up' has made: nightjar down \(interface.name); nightjar up \(interface.name)"
                    : "Write \"# Forwarding = nat\" below [Interface] of \(interface.file?.path ?? "its file"), then: nightjar reload \(interface.name). "
                        + "Or: \(isIPv6 ? "ip6tables" : "iptables") -t nat -A POSTROUTING -s \(network) -o \(uplink) -j MASQUERADE"
            )
        ]
    }

    /// An address that a peer may send from.
    private func source(_ interface: InterfaceFacts, _ isIPv6: Bool, _ host: HostFacts) -> IPAddress? {
        let networks = interface.addresses.filter { $0.address.isIPv6 == isIPv6 }.compactMap(\.network)
        let all = interface.status?.peers.lazy.flatMap(\.allowedIPs).filter {
            $0.address.isIPv6 == isIPv6 && $0.length >= 8
        }
        let prefix = all?.first { prefix in networks.contains { $0.holds(prefix) } } ?? all?.first
        return prefix.flatMap { Sample.address(in: $0, notIn: Set(host.addresses.map(\.address.address))) }
    }
}

/// Whether packets of peers are to be passed on, as far as the file tells.
struct ForwardingWish {
    /// Where it says so.
    private(set) var evidence: [String] = []
    private var families: Set<Bool> = []
    private var natFamilies: Set<Bool> = []

    init(_ interface: InterfaceFacts) {
        guard let file = interface.file, let text = file.text else { return }
        let settings = text.configuration.interface
        let own = Set(settings.addresses.map(\.address.isIPv6))
        if file.forwarding != .off, let line = text.layout.interfaceComment(.forwarding)?.line {
            evidence.append("\(file.path):\(line): # Forwarding = \(file.forwarding.rawValue)")
            families = own
            if file.forwarding == .nat { natFamilies = own }
            return
        }
        for command in settings.preUp + settings.postUp {
            let families = Self.families(command).intersection(own)
            let hidesSenders = command.lowercased().contains("masquerade") || command.contains("SNAT")
            let passesOn = command.contains("FORWARD") || command.contains("forward")
            guard hidesSenders || passesOn, !families.isEmpty else { continue }
            if evidence.isEmpty { evidence.append("\(file.path): PostUp = \(command.printableLine)") }
            self.families.formUnion(families)
            if hidesSenders { natFamilies.formUnion(families) }
        }
    }

    func wants(isIPv6: Bool) -> Bool { families.contains(isIPv6) }
    func wantsNat(isIPv6: Bool) -> Bool { natFamilies.contains(isIPv6) }

    /// Which families a shell's commands are about: whether each is IPv6.
    private static func families(_ command: String) -> Set<Bool> {
        var families: Set<Bool> = []
        for word in command.split(whereSeparator: { " ;&|".contains($0) }) {
            let name = word.split(separator: "/").last ?? word
            if name == "ip6tables" || word.contains("ipv6") { families.insert(true) }
            if name == "iptables" || word.contains("ip_forward") || word.contains("ipv4") { families.insert(false) }
        }
        if families.isEmpty, command.contains("nft ") { families = command.contains(" ip6 ") ? [true] : [false] }
        return families
    }
}
