import Control
import Tunnel
import Wire

/// Allowed IPs that are missing, or that two peers want.
struct AllowedIPsCheck: Check {
    func findings(_ interface: InterfaceFacts, _ facts: Facts) -> [Finding] {
        missing(interface) + moved(interface) + overlapping(interface)
    }

    private func missing(_ interface: InterfaceFacts) -> [Finding] {
        let empty =
            interface.status?.peers.filter(\.allowedIPs.isEmpty).map(\.publicKey)
            ?? interface.configuration?.peers.filter(\.prefixes.isEmpty).map(\.publicKey) ?? []
        return empty.map { key in
            interface.finding(
                .allowedIPsMissing, .failure, peer: key,
                "The peer has no AllowedIPs, so nothing is sent to it and nothing is accepted from it.",
                evidence: [
                    interface.place(key).map { "\($0): [Peer]" } ?? "nightjar show \(interface.name) allowed-ips"
                ],
                remedy: interface.file.map {
                    "Add the peer's addresses in the tunnel to it in \($0.path), as in AllowedIPs = 10.0.0.2/32; then: nightjar reload \(interface.name)"
                } ?? "nightjar set \(interface.name) peer \(key.base64) allowed-ips 10.0.0.2/32")
        }
    }

    /// Networks that the file gives to several peers, of which the last one gets them, and those that the interface has
    /// given to another peer than the file.
    private func moved(_ interface: InterfaceFacts) -> [Finding] {
        guard let file = interface.file, let text = file.text else { return [] }
        var owners: [Prefix: PublicKey] = [:]
        for peer in interface.status?.peers ?? [] {
            for prefix in peer.allowedIPs { owners[prefix] = peer.publicKey }
        }
        let enabled = text.peers.filter(\.isEnabled)
        if interface.snapshot == nil {
            for section in enabled.compactMap(\.section) {
                for prefix in section.prefixes { owners[prefix] = section.publicKey }
            }
        }
        var findings: [Finding] = []
        for peer in enabled {
            guard let section = peer.section else { continue }
            for prefix in section.prefixes {
                guard let owner = owners[prefix], owner != section.publicKey else { continue }
                let here = "\(file.path):\(text.line(of: peer)): AllowedIPs has \(prefix.shortText)"
                let there =
                    interface.filePeer(owner)?.section?.prefixes.contains(prefix) == true
                    ? interface.place(owner).map { "\($0): AllowedIPs of \(interface.label(owner)) has it, too" } : nil
                findings.append(
                    interface.finding(
                        .allowedIPsMoved, .failure, peer: section.publicKey,
                        "\(prefix.shortText) belongs to \(interface.label(owner)) instead: a network can be one peer's only.",
                        evidence: [
                            here,
                            there ?? "nightjar show \(interface.name) allowed-ips: it is \(interface.label(owner))'s",
                        ],
                        remedy: there != nil
                            ? "Give each peer an address of its own in \(file.path), then: nightjar reload \(interface.name)"
                            : "nightjar reload \(interface.name) gives it back; look for what has moved it."))
            }
        }
        return findings
    }

    /// A peer that calls in and has the whole network of the interface, in which others have their addresses: what is
    /// usual in a client's own file, and a mistake in the server's.
    private func overlapping(_ interface: InterfaceFacts) -> [Finding] {
        let networks =
            (interface.addresses.isEmpty ? interface.configuration?.interface.addresses ?? [] : interface.addresses)
            .compactMap(\.network).filter { $0.length < $0.address.bitCount }
        guard !networks.isEmpty else { return [] }
        let peers: [(key: PublicKey, prefixes: [Prefix])] =
            interface.status?.peers.map { ($0.publicKey, $0.allowedIPs) }
            ?? interface.configuration?.peers.map { ($0.publicKey, $0.prefixes) } ?? []
        guard peers.count > 1 else { return [] }
        return peers.compactMap { key, prefixes in
            let isCaller = interface.filePeer(key).map { $0.section?.endpoint == nil } ?? false
            guard isCaller, let wide = prefixes.first(where: networks.contains),
                let other = peers.first(where: { $0.key != key && $0.prefixes.contains(where: wide.holds) }),
                let inner = other.prefixes.first(where: wide.holds)
            else { return nil }
            return interface.finding(
                .allowedIPsOverlap, .warning, peer: key,
                "\(wide) is the whole network of \(interface.name), and this peer has it all but for what other peers have.",
                evidence: [
                    "AllowedIPs of \(interface.label(key)): \(wide)",
                    "AllowedIPs of \(interface.label(other.key)): \(inner.shortText)",
                ],
                remedy: """
                    On a server AllowedIPs is what a peer has: its own address, as in \(inner.shortText), not the network. \
                    What a peer wants to reach stands in the peer's own file.
                    """)
        }
    }
}
