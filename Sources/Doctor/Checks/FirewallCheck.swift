import Control
import LinuxNet
import Status
import Tunnel
import Wire

/// Whether the firewall of this machine lets the tunnel's datagrams, and the packets in it, pass. Only what it certainly
/// drops counts.
struct FirewallCheck: Check {
    func findings(_ interface: InterfaceFacts, _ facts: Facts) -> [Finding] {
        guard interface.isUp, interface.snapshot != nil else { return [] }
        return outgoing(interface, facts.host) + incoming(interface, facts.host) + tunnel(interface, facts.host)
    }

    private func outgoing(_ interface: InterfaceFacts, _ host: HostFacts) -> [Finding] {
        let peers = interface.status?.peers.filter { $0.endpoint != nil } ?? []
        let obstacles = peers.prefix(Self.most).compactMap { peer -> (PeerStatus, FirewallRules.Obstacle)? in
            guard let packet = datagram(to: peer, interface, host) else { return nil }
            return host.firewall.obstacle(to: packet, at: [.output, .postrouting]).map { (peer, $0) }
        }
        // What stops everybody is told once.
        let isCommon = obstacles.count == peers.count && obstacles.count > 1
        return obstacles.prefix(isCommon ? 1 : obstacles.count).map { peer, obstacle in
            interface.finding(
                .firewallDropsOutgoing, .failure, peer: isCommon ? nil : peer.publicKey,
                "The firewall of this machine drops what \(interface.name) sends to \(isCommon ? "its peers" : "the peer").",
                evidence: [obstacle.evidence], remedy: Self.remedy(obstacle))
        }
    }

    private func incoming(_ interface: InterfaceFacts, _ host: HostFacts) -> [Finding] {
        guard let port = interface.status?.listenPort, port != 0 else { return [] }
        let peers = interface.status?.peers ?? []
        if let answer = answers(interface, port, peers, host) { return [answer] }
        let callers = peers.filter { interface.isCaller($0) }
        guard !callers.isEmpty, !callers.contains(where: interface.isAlive) else { return [] }
        // Whoever has both families is mostly called by IPv4; that IPv6 alone is closed may be meant.
        let isIPv6 = host.uplink(isIPv6: false) == nil && host.uplink(isIPv6: true) != nil
        let ways =
            host.uplink(isIPv6: isIPv6).map { [$0] }
            ?? host.links.filter { $0.isUp && $0.name != "lo" && $0.name != interface.name }.map(\.name)
        var packet = FirewallPacket(isIPv6: isIPv6)
        packet.transport = "udp"
        packet.destinationPort = port
        packet.state = "new"
        let obstacles = ways.map { way in
            packet.incoming = way
            return host.firewall.obstacle(to: packet, at: [.prerouting, .input])
        }
        guard let obstacle = obstacles.compactMap(\.self).first, !obstacles.contains(nil) else { return [] }
        let family = isIPv6 ? "IPv6" : "IPv4"
        return [
            interface.finding(
                .firewallDropsIncoming, .failure,
                "The firewall of this machine drops \(family) datagrams to UDP port \(port), so no peer can call \(interface.name).",
                evidence: [obstacle.evidence], remedy: Self.opening(obstacle, port: port))
        ]
    }

    /// Whether the answers of a peer that this side calls are dropped.
    private func answers(
        _ interface: InterfaceFacts, _ port: UInt16, _ peers: [PeerStatus], _ host: HostFacts
    ) -> Finding? {
        for peer in peers.prefix(Self.most) where !interface.isAlive(peer) {
            guard let endpoint = peer.endpoint,
                let way = host.way(to: endpoint.address, mark: interface.mark)
            else { continue }
            var packet = FirewallPacket(isIPv6: endpoint.address.isIPv6)
            packet.incoming = way.interface
            packet.transport = "udp"
            packet.source = endpoint.address
            packet.sourcePort = endpoint.port
            packet.destinationPort = port
            packet.state = "established"
            guard let obstacle = host.firewall.obstacle(to: packet, at: [.prerouting, .input]) else { continue }
            return interface.finding(
                .firewallDropsIncoming, .failure, peer: peer.publicKey,
                "The firewall of this machine drops the peer's answers.", evidence: [obstacle.evidence],
                remedy: Self.opening(obstacle, port: port))
        }
        return nil
    }

    private func tunnel(_ interface: InterfaceFacts, _ host: HostFacts) -> [Finding] {
        let own = Set(host.addresses.map(\.address.address))
        for peer in interface.status?.peers.prefix(Self.most) ?? [] {
            for prefix in peer.allowedIPs.prefix(4) {
                guard let inner = Sample.address(in: prefix, notIn: own) else { continue }
                var packet = FirewallPacket(isIPv6: inner.isIPv6)
                packet.incoming = interface.name
                packet.source = prefix.length < 8 ? nil : inner
                var obstacle = host.firewall.obstacle(to: packet, at: [.prerouting, .input])
                if obstacle == nil, interface.peerReport(peer.publicKey)?.getsNoReplies == true {
                    packet.state = "new"
                    packet.transport = inner.isIPv6 ? "ipv6-icmp" : "icmp"
                    obstacle = host.firewall.obstacle(to: packet, at: [.prerouting, .input])
                }
                if obstacle == nil {
                    packet = FirewallPacket(isIPv6: inner.isIPv6)
                    packet.outgoing = interface.name
                    packet.destination = inner
                    obstacle = host.firewall.obstacle(to: packet, at: [.output, .postrouting])
                }
                guard let obstacle else { continue }
                return [
                    interface.finding(
                        .firewallDropsTunnel, .failure,
                        "The firewall of this machine drops packets that come out of the tunnel or go into it.",
                        evidence: [obstacle.evidence], remedy: Self.remedy(obstacle))
                ]
            }
        }
        return []
    }

    private func datagram(to peer: PeerStatus, _ interface: InterfaceFacts, _ host: HostFacts) -> FirewallPacket? {
        guard let endpoint = peer.endpoint, let way = host.way(to: endpoint.address, mark: interface.mark) else {
            return nil
        }
        var packet = FirewallPacket(isIPv6: endpoint.address.isIPv6)
        packet.outgoing = way.interface
        packet.transport = "udp"
        packet.sourcePort = interface.status?.listenPort
        packet.destination = endpoint.address
        packet.destinationPort = endpoint.port
        packet.mark = interface.mark
        return packet
    }

    /// Peers that are looked at one by one; a rule that stops one of thousands alone isn't for the doctor.
    private static let most = 64

    /// How to be rid of what stops packets.
    static func remedy(_ obstacle: FirewallRules.Obstacle) -> String {
        let killSwitch = "nightjar-killswitch-"
        if let range = obstacle.place.table.firstRange(of: killSwitch) {
            let name = obstacle.place.table[range.upperBound...]
            return "It is the kill switch of \(name): nightjar up \(name), or, to take it away: nightjar down \(name)"
        }
        let place = obstacle.place
        guard let rule = obstacle.rule else {
            return "Add a rule to the chain \(place.chain) that accepts these packets."
        }
        if place.tool == "nft" {
            return "Change or remove that rule: nft -a list chain \(place.table) \(place.chain) shows its number."
        }
        return "Change or remove that rule: \(place.tool) -t \(place.table) -D\(rule.dropFirst(2))"
    }

    private static func opening(_ obstacle: FirewallRules.Obstacle, port: UInt16) -> String {
        guard !obstacle.place.table.contains("nightjar-killswitch-") else { return remedy(obstacle) }
        let place = obstacle.place
        return place.tool == "nft"
            ? "Accept them: nft insert rule \(place.table) \(place.chain) udp dport \(port) accept; and where the rules are kept, as /etc/nftables.conf"
            : "Accept them: \(place.tool) -t \(place.table) -I \(place.chain) -p udp --dport \(port) -j ACCEPT; with ufw: ufw allow \(port)/udp"
    }
}

extension InterfaceFacts {
    /// Whether it is for the peer to call: nobody has said where it is.
    func isCaller(_ peer: PeerStatus) -> Bool {
        if let file = filePeer(peer.publicKey) { return file.section?.endpoint == nil }
        return peer.endpoint == nil
    }

    /// Whether there was a handshake with it within the time that a session lives.
    func isAlive(_ peer: PeerStatus) -> Bool {
        if let handshake = peerReport(peer.publicKey)?.handshake { return handshake.milliseconds < 180_000 }
        guard let now = snapshot?.time.seconds, peer.lastHandshake.seconds > 0 else { return false }
        return peer.lastHandshake.seconds + 180 > now
    }
}
