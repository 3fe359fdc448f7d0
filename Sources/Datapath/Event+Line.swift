import Logging
import Tunnel
import Wire

extension Device.Event {
    /// Whom it is about, peer or stranger.
    var subject: PublicKey? {
        switch self {
        case .initiationSent(let peer, _, _), .silent(let peer, _, _, _), .handshakeCompleted(let peer, _, _, _),
            .unconfirmed(let peer, _, _), .wrongDialect(let peer, _, _), .initiationImpossible(let peer, _),
            .gaveUp(let peer, _, _, _), .keysErased(let peer), .keepaliveSent(let peer), .roamed(let peer, _, _),
            .allowanceUsed(let peer):
            peer
        case .handshakeRefused(_, _, let sender): sender
        case .underLoad: nil
        }
    }

    /// Whose lines it counts among.
    var throttled: LogThrottle.Subject {
        if let subject { return .key(subject) }
        if case .handshakeRefused(_, let endpoint, nil) = self { return .address(endpoint.address) }
        return .anybody
    }

    /// How much it matters to a person, and what it is about.
    var importance: (Logger.Level, LogTopic) {
        switch self {
        case .initiationSent, .keepaliveSent: (.debug, .handshake)
        case .silent: (.warning, .silence)
        case .handshakeCompleted(_, _, _, let occasion): (occasion == .renewal ? .debug : .info, .handshake)
        case .unconfirmed: (.warning, .unconfirmed)
        case .handshakeRefused(let reason, _, _): (reason.importance, .refusal(reason))
        case .wrongDialect: (.warning, .refusal(.wrongDialect))
        case .initiationImpossible(_, let reason): (reason == .noEndpoint ? .debug : .warning, .impossible)
        case .gaveUp: (.warning, .givenUp)
        case .keysErased: (.info, .expiry)
        // Whoever has granted it says more.
        case .allowanceUsed: (.debug, .expiry)
        case .roamed: (.info, .roaming)
        case .underLoad: (.info, .load)
        }
    }

    func line(_ level: Logger.Level, names: some LogNames) -> LogLine {
        let title = subject.map { names.title(of: $0) } ?? ""
        let name = subject.map { names.name(of: $0) } ?? ""
        func line(
            _ event: String, _ sentence: String, at endpoint: Endpoint? = nil, reason: DropReason? = nil
        ) -> LogLine {
            LogLine(
                level: level, sentence: sentence, event: event, peer: subject, name: name, endpoint: endpoint,
                reason: reason)
        }
        switch self {
        case .initiationSent(_, let endpoint, let attempt):
            return line(
                "initiation-sent", "\(title): handshake initiation sent to \(endpoint), attempt \(attempt)",
                at: endpoint)
        case .silent(_, let endpoint, let count, let span):
            return line(
                "no-answer", "\(title): no answer from \(endpoint) to \(count) handshake initiations in \(span.words)",
                at: endpoint)
        case .handshakeCompleted(_, let endpoint, let asInitiator, let occasion):
            return line(
                "handshake-completed",
                "\(title): handshake completed with \(endpoint)\(occasion.words(asInitiator: asInitiator))",
                at: endpoint)
        case .unconfirmed(_, let endpoint, let count):
            return line(
                "answers-unused",
                "\(title): \(count) handshakes from \(endpoint) were answered, and none of the answers used; they don't "
                    + "reach it, or one side has another preshared key", at: endpoint)
        case .handshakeRefused(let reason, let endpoint, let sender):
            return line(
                "handshake-refused", refusal(reason, from: endpoint, sender, title, names), at: endpoint, reason: reason
            )
        case .wrongDialect(_, let endpoint, let dialect):
            return line(
                "handshake-refused",
                "\(title): handshake from \(endpoint) refused: it came as \(names.dialect(numbered: dialect)), but here "
                    + "the peer is set to \(subject.map { names.dialect(of: $0) } ?? "")", at: endpoint,
                reason: .wrongDialect)
        case .initiationImpossible(_, let reason):
            return line("handshake-impossible", "\(title): no handshake: \(reason.explanation)", reason: reason)
        case .gaveUp(_, let endpoint, let attempts, let dropped):
            let from = endpoint.map { " from \($0)" } ?? ""
            let packets = dropped == 1 ? "1 waiting packet" : "\(dropped) waiting packets"
            return line(
                "gave-up",
                "\(title): no answer\(from) to \(attempts) handshake initiations, giving up until there is something to "
                    + "send; \(packets) dropped", at: endpoint)
        case .keysErased:
            return line("session-expired", "\(title): session expired, its keys are erased")
        case .keepaliveSent:
            return line("keepalive-sent", "\(title): keepalive sent")
        case .roamed(_, let endpoint, let former):
            return line("roamed", "\(title): roamed from \(former) to \(endpoint)", at: endpoint)
        case .allowanceUsed:
            return line("allowance-used", "\(title): all that it was granted is used")
        case .underLoad:
            return line("under-load", "Under load: who begins a handshake has to prove its address for now")
        }
    }

    private func refusal(
        _ reason: DropReason, from endpoint: Endpoint, _ sender: PublicKey?, _ title: String, _ names: some LogNames
    ) -> String {
        let claimed = sender.map { names.isPeer($0) } ?? false ? title : nil
        switch (reason, claimed) {
        case (.initiationUndecryptable, let claimed?):
            return "Handshake from \(endpoint) refused: it says it is \(claimed), but doesn't have its private key"
        case (.initiationFromUnknownKey, _):
            let key = sender?.short ?? ""
            return "Handshake from \(endpoint) refused: no peer here has its public key \(key)"
        case (_, let peer?):
            return "\(peer): handshake from \(endpoint) refused: \(reason.explanation)"
        case (_, nil):
            return "Handshake from \(endpoint) refused: \(reason.explanation)"
        }
    }
}

extension HandshakeOccasion {
    fileprivate func words(asInitiator: Bool) -> String {
        switch self {
        case .first: ""
        case .resumed(let span): ", the first in \(span.words)"
        case .answered(let count): " after \(count) initiations"
        case .elsewhere: ", where it is now"
        case .renewal: asInitiator ? " as initiator" : " as responder"
        }
    }
}

extension DropReason {
    /// How much a handshake message that was dropped for it matters to a person.
    fileprivate var importance: Logger.Level {
        switch self {
        case .initiationFromUnknownKey, .initiationReplayed, .responseUndecryptable, .initiationUndecryptable,
            .wrongMAC1, .noPrivateKey, .lowOrderKey:
            .warning
        default: .debug
        }
    }

    /// For a handshake that it prevents.
    fileprivate var explanation: String {
        switch self {
        case .noEndpoint: "its endpoint isn't known; it has to call first, or be given one"
        case .noPrivateKey: "the interface has no private key"
        case .lowOrderKey: "the public key is none that exists"
        case .wrongMAC1: "it was made for another public key than this interface's"
        case .initiationReplayed:
            "it is older than the last one; the sender's clock went back, or somebody sends a recorded one"
        case .initiationUndecryptable: "it can't be decrypted"
        case .peerSuspended: "its time is up, or its quota used"
        case .responseUndecryptable: "the answer can't be decrypted; most likely one side has another preshared key"
        default: name
        }
    }
}
