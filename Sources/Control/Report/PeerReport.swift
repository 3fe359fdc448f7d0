package import Tunnel
package import Wire

/// What a daemon of Nightjar knows of one peer beyond what the configuration socket tells every client.
package struct PeerReport: Equatable, Sendable {
    package var publicKey: PublicKey
    /// The name and port that its endpoint was given by; nil when by an address, or not at all.
    package var endpointName: String?
    /// What people call it and how long it may be used.
    package var annotation = PeerAnnotation()
    /// Why the daemon doesn't serve it; nil when it does.
    package var suspension: Suspension?

    /// Handshake messages and handshakes since the daemon started.
    package var initiationsSent: UInt64 = 0
    package var initiationsAccepted: UInt64 = 0
    /// Handshakes that this side began, and that were answered.
    package var completedAsInitiator: UInt64 = 0
    /// Handshakes that the peer began, and whose session it has used.
    package var completedAsResponder: UInt64 = 0
    /// How often the daemon has stopped calling because nothing answered.
    package var timesGivenUp: UInt64 = 0
    /// Initiations since the last handshake was completed that nothing has answered.
    package var unanswered: UInt64 = 0
    /// Initiations of the peer since then whose answer it hasn't used.
    package var unconfirmed: UInt64 = 0
    /// When the last handshake was completed; nil when never.
    package var handshake: Age?
    /// From initiation to response, of the last handshake that this side began: microseconds.
    package var handshakeMicroseconds: UInt64?
    /// Messages of this peer that were refused, by reason.
    package var refusals: [Refusal] = []

    /// What earlier daemons have counted beside these, where it is kept (`--state-dir`).
    package var earlier = HandshakeCounts()

    /// When an authenticated packet with content was last sent to and received from the peer; nil when never.
    package var dataSent: Age?
    package var dataReceived: Age?
    /// When anything authenticated last came, keepalives and handshakes too.
    package var heard: Age?
    /// Packets from the peer whose source isn't among its allowed IPs, and the last such source.
    package var foreignSources: UInt64 = 0
    package var foreignSource: IPAddress?

    /// How much of ``PeerAnnotation/quota`` is used, in bytes; nil without a quota.
    package var quotaUsed: UInt64?

    /// UDP payload bytes over the daemon's lives, where it keeps count (`--state-dir`); else since it started.
    package var receivedTotal: UInt64 = 0
    package var transmittedTotal: UInt64 = 0

    package init(_ publicKey: PublicKey) {
        self.publicKey = publicKey
    }

    /// Handshakes over the daemons' lives.
    package var handshakeTotals: HandshakeCounts {
        var counts = HandshakeCounts()
        counts.initiationsSent = initiationsSent
        counts.initiationsAccepted = initiationsAccepted
        counts.completedAsInitiator = completedAsInitiator
        counts.completedAsResponder = completedAsResponder
        counts.timesGivenUp = timesGivenUp
        return counts + earlier
    }

    package struct Refusal: Equatable, Sendable {
        /// A ``DropReason/name``.
        package var reason: String
        package var count: UInt64
        /// Of the last one.
        package var age: Age
        package var endpoint: Endpoint

        package init(reason: String, count: UInt64, age: Age, endpoint: Endpoint) {
            self.reason = reason
            self.count = count
            self.age = age
            self.endpoint = endpoint
        }
    }

    package enum Suspension: String, CaseIterable, Sendable {
        /// Its date has passed.
        case expired
        /// Its quota is used up.
        case overQuota = "over-quota"
    }
}
