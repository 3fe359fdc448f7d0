package import Wire

/// What a daemon has counted and keeps for the next one.
package struct Totals: Equatable, Sendable {
    /// What was dropped, by the names of ``DropReason``.
    package var drops: [String: UInt64] = [:]
    package var peers: [PublicKey: PeerRecord] = [:]

    package init() {}
}

/// What was counted of one peer.
package struct PeerRecord: Equatable, Sendable {
    /// UDP payload bytes.
    package var received: UInt64 = 0
    /// UDP payload bytes.
    package var transmitted: UInt64 = 0
    package var handshakes = HandshakeCounts()
    /// What both had come to together when the quota began to count; nil while there is none.
    package var quotaStart: UInt64?
    /// Unix time in seconds that the quota was granted at, when it says so.
    package var quotaSince: UInt64?
    /// Unix time in seconds since which there is no such peer; nil while there is.
    package var absentSince: UInt64?

    package init() {}

    package var total: UInt64 { received &+ transmitted }
}

extension PeerRecord {
    /// The numbers as a file names them.
    enum Field: String, CaseIterable {
        case received
        case transmitted
        case initiationsSent = "initiations-sent"
        case initiationsAccepted = "initiations-accepted"
        case completedAsInitiator = "completed-as-initiator"
        case completedAsResponder = "completed-as-responder"
        case timesGivenUp = "given-up"
        case quotaStart = "quota-start"
        case quotaSince = "quota-since"
        case absentSince = "absent-since"
    }

    subscript(_ field: Field) -> UInt64? {
        get {
            switch field {
            case .received: received
            case .transmitted: transmitted
            case .initiationsSent: handshakes.initiationsSent
            case .initiationsAccepted: handshakes.initiationsAccepted
            case .completedAsInitiator: handshakes.completedAsInitiator
            case .completedAsResponder: handshakes.completedAsResponder
            case .timesGivenUp: handshakes.timesGivenUp
            case .quotaStart: quotaStart
            case .quotaSince: quotaSince
            case .absentSince: absentSince
            }
        }
        set {
            switch field {
            case .received: received = newValue ?? 0
            case .transmitted: transmitted = newValue ?? 0
            case .initiationsSent: handshakes.initiationsSent = newValue ?? 0
            case .initiationsAccepted: handshakes.initiationsAccepted = newValue ?? 0
            case .completedAsInitiator: handshakes.completedAsInitiator = newValue ?? 0
            case .completedAsResponder: handshakes.completedAsResponder = newValue ?? 0
            case .timesGivenUp: handshakes.timesGivenUp = newValue ?? 0
            case .quotaStart: quotaStart = newValue
            case .quotaSince: quotaSince = newValue
            case .absentSince: absentSince = newValue
            }
        }
    }
}
