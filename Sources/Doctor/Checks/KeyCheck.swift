import Control
import NoisePrimitives
import Tunnel
import Wire

/// Keys that can't be right whatever the other side has.
struct KeyCheck: Check {
    func findings(_ interface: InterfaceFacts, _ facts: Facts) -> [Finding] {
        var findings = duplicates(interface) + keptKeys(interface)
        guard let secret = interface.privateKey else { return findings }
        let own = X25519.publicKey(of: secret)
        let known = interface.status?.peers.map(\.publicKey) ?? []
        // A device leaves out a peer that is itself.
        let present = Set(known)
        let keys = known + (interface.configuration?.peers.map(\.publicKey).filter { !present.contains($0) } ?? [])
        for key in keys {
            if key == own { findings.append(ownKey(key, interface)) }
            // What is shown must not be a part of a secret, so this names the line alone.
            if interface.isOwnPrivateKey(key) { findings.append(privateKey(interface, key)) }
        }
        return findings + twins(interface, own, keys, facts.host)
    }

    private func ownKey(_ key: PublicKey, _ interface: InterfaceFacts) -> Finding {
        interface.finding(
            .peerKeyIsOwn, .failure, peer: key,
            "The peer has the public key of \(interface.name) itself, so \(interface.name) would have to call itself.",
            evidence: ["both are \(key.base64)"] + (interface.place(key).map { ["\($0): [Peer]"] } ?? []),
            remedy: "PublicKey under [Peer] is the other side's: 'nightjar show INTERFACE public-key' there tells it.")
    }

    private func privateKey(_ interface: InterfaceFacts, _ key: PublicKey) -> Finding {
        interface.finding(
            .peerKeyIsPrivate, .failure,
            "A peer's PublicKey is the private key of \(interface.name). It was pasted in the wrong place.",
            evidence: interface.place(key).map { ["\($0): [Peer]"] } ?? ["nightjar show \(interface.name) peers"],
            remedy: """
                Put the other side's public key there. If this key was sent to anybody, it is a secret no more: make a new \
                one with 'nightjar genkey'.
                """)
    }

    /// Another interface with the same key that calls the same peer: that peer knows one of them at a time.
    private func twins(
        _ interface: InterfaceFacts, _ own: PublicKey, _ keys: [PublicKey], _ host: HostFacts
    ) -> [Finding] {
        guard interface.snapshot != nil else { return [] }
        return host.neighbours.sorted { $0.key < $1.key }.compactMap { name, neighbour in
            guard name != interface.name, neighbour.publicKey == own,
                let common = keys.first(where: neighbour.peers.contains)
            else { return nil }
            return interface.finding(
                .keyUsedTwice, .failure,
                "\(interface.name) and \(name) have the same private key and the same peer, so one of them gets the other's packets.",
                evidence: [
                    "public key of both: \(own.base64)", "peer of both: \(interface.label(common))",
                ], remedy: "Take one of them down, or give each a key of its own, which the peer has to know.")
        }
    }

    private func duplicates(_ interface: InterfaceFacts) -> [Finding] {
        guard let file = interface.file, let text = file.text else { return [] }
        let peers = text.peers.filter(\.isEnabled)
        let groups = Dictionary(grouping: peers) { $0.section?.publicKey }
        return groups.sorted { ($0.value.first?.place ?? 0) < ($1.value.first?.place ?? 0) }.compactMap { key, group in
            guard let key, group.count > 1 else { return nil }
            return interface.finding(
                .duplicatePeer, .failure, peer: key,
                "\(group.count) peers of the file have the same public key, so they are one peer with the last one's AllowedIPs.",
                evidence: group.map { "\(file.path):\(text.line(of: $0)): \(($0.name ?? "no name").printable)" },
                remedy: "Give each machine a key of its own: 'nightjar new peer NAME' makes one.")
        }
    }

    /// Kept keys of peers that have another public key.
    private func keptKeys(_ interface: InterfaceFacts) -> [Finding] {
        guard let file = interface.file, let text = file.text else { return [] }
        return text.peers.compactMap { peer in
            guard peer.isEnabled, let key = peer.section?.publicKey,
                let kept = text.comment(.clientPrivateKey, of: peer), let bytes = Base64.decode(kept.utf8),
                X25519.publicKey(of: Secret32(bytes)) != key
            else { return nil }
            return interface.finding(
                .keptKeyDiffers, .failure, peer: key,
                "The peer's PublicKey doesn't belong to the private key that is kept for it.",
                evidence: [
                    "\(file.path):\(text.line(of: peer)): the kept ClientPrivateKey has another public key than PublicKey"
                ],
                remedy: """
                    If the peer uses the file that 'nightjar show-config' prints, put the public key of its private key there \
                    ('nightjar pubkey'); else remove the line ClientPrivateKey.
                    """)
        }
    }
}

extension InterfaceFacts {
    /// The interface's, or what it would be.
    var privateKey: Secret32? {
        let key = snapshot == nil ? configuration?.interface.privateKey : status?.privateKey
        return key.flatMap { $0.isZero ? nil : $0 }
    }

    /// Whether somebody gave the own private key where a public one belongs.
    func isOwnPrivateKey(_ key: PublicKey) -> Bool {
        privateKey.map { $0.equals(Secret32(key.bytes)) } ?? false
    }
}
