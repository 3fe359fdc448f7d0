import Control
import NoisePrimitives
import Tunnel
import Wire

extension Checks {
    /// Those about what peers do.
    package static let ofPeers: [any Check] = [
        LimitCheck(), NoEndpointCheck(), EndpointNameCheck(), OutsideCheck(), ObfuscationCheck(), WrongKeyCheck(),
        UnknownCallerCheck(), ClockCheck(), PresharedKeyCheck(), NoAnswerCheck(), ForeignSourceCheck(), SizeCheck(),
        DataCheck(), KeepaliveCheck(),
    ]
}

/// How long ago something may have happened to be taken for a trouble of now: milliseconds.
let recently: UInt64 = 300_000

extension Age {
    var isRecent: Bool { milliseconds < recently }

    /// `3 s ago`, `5 min ago`.
    var words: String {
        let seconds = milliseconds / 1000
        switch seconds {
        case 0: return "just now"
        case ..<120: return "\(seconds) s ago"
        case ..<7200: return "\(seconds / 60) min ago"
        default: return "\(seconds / 3600) h ago"
        }
    }
}

extension InterfaceFacts {
    /// The peers that it has, with what the daemon reports of each and what came of trying it out.
    var examinedPeers: [(status: PeerStatus, report: PeerReport?, probe: PeerProbe?)] {
        let reports = Dictionary((report?.peers ?? []).map { ($0.publicKey, $0) }) { first, _ in first }
        return (status?.peers ?? []).map { ($0, reports[$0.publicKey], probes[$0.publicKey]) }
    }

    /// Peers that have never been heard, by name, as those who a nameless caller may be.
    var unheardPeers: [String] {
        examinedPeers.filter { $0.status.lastHandshake.seconds == 0 && $0.report?.suspension == nil }
            .map { label($0.status.publicKey) }
    }

    /// A peer's public key, unless it is a private one in the wrong place.
    func keyText(_ key: PublicKey) -> String { isOwnPrivateKey(key) ? "(a private key)" : key.base64 }

    /// The public key that the other side must have for this interface.
    var ownKey: String {
        guard let key = status?.privateKey, !key.isZero else { return "that of 'nightjar show \(name) public-key'" }
        return X25519.publicKey(of: key).base64
    }

    /// The peers that are heard from an address since something happened there: then that is over.
    func isOver(_ age: Age, at endpoint: Endpoint) -> Bool {
        examinedPeers.contains { peer in
            guard peer.status.endpoint?.address == endpoint.address, let handshake = peer.report?.handshake else {
                return false
            }
            return handshake < age
        }
    }
}

extension PeerReport {
    /// A refusal of the peer's messages that is recent, and that no handshake has followed.
    func standing(_ reason: DropReason) -> Refusal? {
        guard let refusal = refusals.first(where: { $0.reason == reason.name }), refusal.age.isRecent else {
            return nil
        }
        if let handshake, handshake < refusal.age { return nil }
        return refusal
    }
}

/// Names in a sentence: `laptop`, `laptop or phone`, at most four.
func choice(_ names: [String]) -> String {
    let shown = names.prefix(4)
    guard let last = shown.last, shown.count > 1 else { return shown.first ?? "" }
    let rest = shown.dropLast().joined(separator: ", ")
    return names.count > shown.count ? "\(rest), \(last) or another one" : "\(rest) or \(last)"
}
