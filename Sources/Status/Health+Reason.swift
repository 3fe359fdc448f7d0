import Control
import LinuxNet
import Tunnel

extension Health {
    /// What the word is judged by: a clause without a full stop.
    package var reason: String {
        switch cause {
        case .connected(let age): "handshake \(age.ago)"
        case .quiet(let age): "nothing was sent since the session of \(age.ago) ended"
        case .untried: "nothing was sent to it yet"
        case .hasToCall: "it has not called yet, and its endpoint isn't known"
        case .called: "it was called just now"
        case .unanswered(let count, nil): "it has never answered; \(count) initiations were sent"
        case .unanswered(let count, let last?):
            "\(count) initiations without an answer since the handshake \(last.ago)"
        case .oneSided(let bytes): "\(Amount.text(bytes)) were sent to it, and nothing ever came back"
        case .fallenSilent(let age): "what is sent isn't answered; it was last heard \(age.ago)"
        case .notKeptAlive(let age): "keepalives are sent to it, yet the last handshake was \(age.ago)"
        case .refused(let reason, let age): "\(Self.sentence(reason)) (\(age.ago))"
        case .unconfirmed(let count):
            "it calls and uses no answer (\(count) so far): do the preshared keys differ, or don't answers arrive?"
        case .suspended(.expired): "its date has passed"
        case .suspended(.overQuota): "its quota is used up"
        case .switchedOff: "it is switched off in the file"
        case .notOnInterface: "it is in the file, but not on the interface"
        case .peers(let tally): tally.sentence
        case .noPeers: "it has no peers"
        case .interfaceDown: "the interface is down"
        case .noPrivateKey: "it has no private key"
        case .noSockets(let code): "it has no UDP socket: \(SystemError.text(for: code))"
        }
    }

    /// What a failed handshake tells about the peer.
    private static func sentence(_ reason: String) -> String {
        switch reason {
        case DropReason.initiationReplayed.name: "its initiations are older than its last one: is its clock behind?"
        case DropReason.responseUndecryptable.name: "its answers can't be decrypted: do the preshared keys differ?"
        case DropReason.wrongDialect.name: "it speaks in another obfuscation"
        case DropReason.disguiseWrongTime.name: "its handshakes carry a wrong time: do the clocks differ?"
        default: "handshakes fail: \(reason.printable)"
        }
    }
}

extension Health.Tally {
    /// As "2 of 3 peers connected, 1 silent".
    fileprivate var sentence: String {
        let all = counts.reduce(0) { $0 + $1.count }
        let connected = self[.healthy]
        let others = counts.filter { $0.word != .healthy }.map { "\($0.count) \($0.word.rawValue)" }
        guard connected < all else { return all == 1 ? "its peer is connected" : "all \(all) peers connected" }
        let start = connected == 0 ? "no peer connected" : "\(connected) of \(all) peers connected"
        return ([start] + others).joined(separator: ", ")
    }
}
