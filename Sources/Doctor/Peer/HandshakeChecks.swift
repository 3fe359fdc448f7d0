import Control
import LinuxNet
import Tunnel
import Wire

/// Somebody here speaks another disguise.
struct ObfuscationCheck: Check {
    func findings(_ interface: InterfaceFacts, _ facts: Facts) -> [Finding] {
        let remedy =
            "The obfuscation settings of both sides have to be the same; 'nightjar showconf \(interface.name)' prints those of "
            + "this one. Correct the side that differs, then: nightjar reload \(interface.name)"
        let named = interface.examinedPeers.compactMap { peer -> Finding? in
            guard let refusal = peer.report?.standing(.wrongDialect) else { return nil }
            let key = peer.status.publicKey
            return interface.finding(
                .obfuscationDiffers, .failure, peer: key,
                "\(interface.label(key)) calls with another obfuscation than it has here.",
                evidence: [
                    "\(refusal.count) handshake messages from \(refusal.endpoint) in a disguise that isn't this peer's, the last one "
                        + refusal.age.words
                ], remedy: remedy)
        }
        guard named.isEmpty, let mismatch = interface.report?.mismatch, mismatch.age.isRecent,
            !interface.isOver(mismatch.age, at: mismatch.endpoint)
        else { return named }
        let unheard = interface.unheardPeers
        return [
            interface.finding(
                .obfuscationDiffers, .failure,
                "Somebody at \(mismatch.endpoint.address) speaks to \(interface.name) with another obfuscation"
                    + (unheard.isEmpty ? "." : ", perhaps \(choice(unheard))."),
                evidence: [
                    "a datagram from \(mismatch.endpoint), \(mismatch.age.words): \(mismatch.finding.printableLine)"
                ], remedy: remedy)
        ]
    }
}

/// Somebody has another public key for this interface than it has.
struct WrongKeyCheck: Check {
    func findings(_ interface: InterfaceFacts, _ facts: Facts) -> [Finding] {
        guard let call = interface.report?.misdirected, call.age.isRecent,
            !interface.isOver(call.age, at: call.endpoint)
        else { return [] }
        let unheard = interface.unheardPeers
        return [
            interface.finding(
                .callerHasWrongKey, .failure,
                "Somebody at \(call.endpoint.address) has the wrong public key for \(interface.name)"
                    + (unheard.isEmpty ? "." : ", perhaps \(choice(unheard))."),
                evidence: [
                    "a handshake message from \(call.endpoint), \(call.age.words), is made for another public key "
                        + "(wrong-mac1)"
                ],
                remedy: "There, the PublicKey in the [Peer] section for this machine must be \(interface.ownKey)")
        ]
    }
}

/// Somebody calls who is no peer.
struct UnknownCallerCheck: Check {
    func findings(_ interface: InterfaceFacts, _ facts: Facts) -> [Finding] {
        guard let stranger = interface.report?.stranger, stranger.age.isRecent,
            interface.peerStatus(stranger.publicKey) == nil,
            // One that is switched off is meant to be left outside.
            interface.file?.text?.peers.contains(where: { $0.section?.publicKey == stranger.publicKey }) != true,
            !interface.isOver(stranger.age, at: stranger.endpoint)
        else { return [] }
        let unheard = interface.unheardPeers
        let key = stranger.publicKey.base64
        return [
            interface.finding(
                .unknownCaller, .failure,
                "Somebody at \(stranger.endpoint.address) calls with a key that is no peer's here"
                    + (unheard.isEmpty ? "." : ", perhaps \(choice(unheard))."),
                evidence: [
                    "an initiation from \(stranger.endpoint), \(stranger.age.words), names the public key \(key)"
                ],
                remedy: unheard.isEmpty
                    ? "If it should be a peer, add it with its AllowedIPs; if it isn't yours, leave it: it gets no answer."
                    : "If it is \(choice(unheard)), put 'PublicKey = \(key)' into its [Peer] section"
                        + (interface.file.map { " of \($0.path)" } ?? "") + ", then: nightjar reload \(interface.name)")
        ]
    }
}

/// A peer's clock is behind what it was.
struct ClockCheck: Check {
    func findings(_ interface: InterfaceFacts, _ facts: Facts) -> [Finding] {
        interface.examinedPeers.compactMap { peer -> Finding? in
            guard let refusal = peer.report?.standing(.initiationReplayed), refusal.count > 1 else { return nil }
            let key = peer.status.publicKey
            let label = interface.label(key)
            return interface.finding(
                .clockBehind, .failure, peer: key,
                "The clock of \(label) is behind the time of its own last handshake, so its calls are taken for replays.",
                evidence: [
                    "\(refusal.count) initiations from \(refusal.endpoint) dropped as initiation-replayed, the last one "
                        + refusal.age.words
                ],
                remedy:
                    "Set the clock of \(label) (timedatectl set-ntp true). If it is right now and was ahead before, forget its last "
                    + "handshake here: nightjar set \(interface.name) peer '\(interface.keyText(key))' remove && nightjar reload "
                    + "\(interface.name). If two machines use the same key, give each its own.")
        }
    }
}

/// Only one side has a preshared key, or both have different ones.
struct PresharedKeyCheck: Check {
    func findings(_ interface: InterfaceFacts, _ facts: Facts) -> [Finding] {
        interface.examinedPeers.compactMap { peer -> Finding? in
            let refusal = peer.report?.standing(.responseUndecryptable)
            guard refusal != nil || peer.probe?.call == .undecryptable else { return nil }
            let key = peer.status.publicKey
            let label = interface.label(key)
            var evidence = ["this side has \(peer.status.presharedKey.isZero ? "no" : "a") preshared key for \(label)"]
            if let refusal {
                evidence.append(
                    "\(refusal.count) answers from \(refusal.endpoint) dropped as response-undecryptable, the last one "
                        + refusal.age.words)
            }
            return interface.finding(
                .presharedKeyDiffers, .failure, peer: key,
                "\(label) has another preshared key than this side has for it, or only one of the two has one.",
                evidence: evidence,
                remedy: "Put the same PresharedKey line into the [Peer] sections of both sides"
                    + (interface.place(key).map { " (here \($0))" } ?? "")
                    + ", or none into either, then: nightjar reload \(interface.name)")
        }
    }
}

/// Nothing comes back, or only the answers of the other side don't get there.
struct NoAnswerCheck: Check {
    func findings(_ interface: InterfaceFacts, _ facts: Facts) -> [Finding] {
        interface.examinedPeers.compactMap { peer -> Finding? in
            guard let probe = peer.probe, probe.call == .unanswered, let endpoint = probe.endpoint else { return nil }
            let key = peer.status.publicKey
            if let report = peer.report, report.unconfirmed > 1, report.heard?.isRecent == true {
                return oneDirection(interface, key, endpoint, report)
            }
            guard probe.isExpected else { return nil }
            return noAnswer(interface, key, endpoint, peer.report, probe)
        }
    }

    private func oneDirection(
        _ interface: InterfaceFacts, _ key: PublicKey, _ endpoint: Endpoint, _ report: PeerReport
    ) -> Finding {
        let label = interface.label(key)
        return interface.finding(
            .oneDirection, .failure, peer: key,
            "\(label) is heard here, but nothing that this side sends arrives there.",
            evidence: [
                "\(report.unconfirmed) calls of \(label) were answered, and it has used none of the answers",
                "\(report.unanswered) calls to \(endpoint) are unanswered",
            ],
            remedy:
                "Look for a firewall that drops UDP from this machine to \(endpoint): on this machine, its provider's, on the way, "
                + "or on \(label). It must let out what goes from port \(interface.status?.listenPort ?? 0).")
    }

    private func noAnswer(
        _ interface: InterfaceFacts, _ key: PublicKey, _ endpoint: Endpoint, _ report: PeerReport?,
        _ probe: PeerProbe
    ) -> Finding {
        let label = interface.label(key)
        let calls = report.map { max($0.unanswered, 1) } ?? 1
        var evidence = ["\(calls == 1 ? "a call" : "\(calls) calls") to \(endpoint) without an answer"]
        switch probe.outside?.otherPort {
        case .refused(let refusal) where refusal.sender == endpoint.address && refusal.reason == .portUnreachable:
            evidence.append("UDP reaches \(endpoint.address): it refuses other ports, and not \(endpoint.port)")
        default:
            if probe.outside?.answersEcho == true {
                evidence.append("\(endpoint.address) answers ICMP echo requests")
            } else if probe.outside != nil {
                evidence.append("nothing at all comes back from \(endpoint.address), not even ICMP")
            }
        }
        let own = interface.ownKey
        return interface.finding(
            .noAnswer, .failure, peer: key, "\(label) doesn't answer at \(endpoint).", evidence: evidence,
            remedy:
                "WireGuard is silent to those it doesn't know. On \(label) 'nightjar doctor' tells who calls in vain. Its file must "
                + "have a [Peer] with PublicKey = \(own), switched on; here, its PublicKey must be \(interface.keyText(key)); "
                + "the obfuscation of both must be the same; and its firewall must let UDP port \(endpoint.port) in.")
    }
}
