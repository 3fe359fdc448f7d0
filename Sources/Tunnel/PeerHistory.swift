package import Wire

/// What became of a peer's handshakes since the peer was made. It belongs to the control thread.
package struct PeerHistory: Sendable {
    /// Initiations sent to the peer, and taken from it.
    package internal(set) var initiationsSent: UInt64 = 0
    package internal(set) var initiationsAccepted: UInt64 = 0
    /// Handshakes that this side began, and that were answered.
    package internal(set) var completedAsInitiator: UInt64 = 0
    /// Handshakes that the peer began, and whose session it has used.
    package internal(set) var completedAsResponder: UInt64 = 0
    /// How often nothing answered for so long that no more initiations were sent.
    package internal(set) var timesGivenUp: UInt64 = 0
    /// Initiations sent since the last completed handshake, and when the first of them was.
    package internal(set) var unanswered: UInt64 = 0
    var silentSince: Instant?
    /// Initiations of the peer since the last completed handshake, each of which was answered.
    package internal(set) var unconfirmed: UInt64 = 0
    /// When the last handshake was completed.
    package internal(set) var completedAt: Instant?
    /// From initiation to response, of the last handshake that this side began.
    package internal(set) var roundTrip: Instant.Span?
    /// Messages of the peer that were refused: each reason once.
    package private(set) var refusals: [Refusal] = []
    /// Where the peer was when an event last said so.
    var toldEndpoint: Endpoint?

    /// Messages that were refused for one reason.
    package struct Refusal: Sendable {
        package let reason: DropReason
        package fileprivate(set) var count: UInt64
        /// Of the last one.
        package fileprivate(set) var at: Instant
        package fileprivate(set) var endpoint: Endpoint
    }

    mutating func refused(_ reason: DropReason, from endpoint: Endpoint, at now: Instant) {
        guard let place = refusals.firstIndex(where: { $0.reason == reason }) else {
            refusals.append(Refusal(reason: reason, count: 1, at: now, endpoint: endpoint))
            return
        }
        refusals[place].count += 1
        refusals[place].at = now
        refusals[place].endpoint = endpoint
    }

    /// Notes a completed handshake. Returns what is new about it.
    mutating func completed(
        asInitiator: Bool, at endpoint: Endpoint, _ now: Instant, sessionsEndAfter longest: Instant.Span
    ) -> HandshakeOccasion {
        let occasion: HandshakeOccasion =
            if let completedAt {
                if now.since(completedAt) >= longest {
                    .resumed(after: now.since(completedAt))
                } else if unanswered > Self.manyUnanswered {
                    .answered(after: unanswered)
                } else {
                    toldEndpoint == endpoint ? .renewal : .elsewhere
                }
            } else {
                .first
            }
        if asInitiator { completedAsInitiator += 1 } else { completedAsResponder += 1 }
        completedAt = now
        toldEndpoint = endpoint
        unanswered = 0
        silentSince = nil
        unconfirmed = 0
        return occasion
    }

    /// Initiations without an answer from which on a peer counts as silent: 15 seconds of them in WireGuard's own timing.
    static let manyUnanswered: UInt64 = 3
    /// After so many more, a quarter of an hour, it is told again.
    static let unansweredBetweenReports: UInt64 = 180

    /// Whether initiations without an answer are to be told, before one more is sent. Answers that can't be opened were told.
    var isSilenceNews: Bool {
        guard let silentSince, unanswered >= Self.manyUnanswered,
            (unanswered - Self.manyUnanswered) % Self.unansweredBetweenReports == 0
        else { return false }
        return !refusals.contains { $0.reason == .responseUndecryptable && $0.at >= silentSince }
    }
}

/// What is new about a handshake.
package enum HandshakeOccasion: Equatable, Sendable {
    /// It is the first one with this peer.
    case first
    /// The sessions before it had ended: the one before was so long ago.
    case resumed(after: Instant.Span)
    /// The peer has left as many initiations unanswered.
    case answered(after: UInt64)
    /// The peer is somewhere else than was last told.
    case elsewhere
    /// Keys are renewed in time.
    case renewal
}

/// What became of the wish for an initiation.
package enum InitiationOutcome: Equatable, CaseIterable, Sendable {
    case sent
    /// One went a moment ago, and has to be waited for.
    case tooSoon
    case noSuchPeer
    case interfaceDown
    /// The peer isn't served for now.
    case suspended
    case noEndpoint
    /// The interface has none.
    case noPrivateKey
    /// The peer's public key isn't a valid one.
    case lowOrderKey
}
