/// The keys of a report's lines, for reading and printing alike. What begins a peer and ends the answer has the key that it has in
/// every other answer.
enum ReportKey: CaseIterable {
    // Of the interface.
    case age
    case isUp
    case bindFailure
    case mtu
    case isUnderLoad
    case drop
    case earlierDrop
    case sendFailure
    case stranger
    case misdirected
    case mismatch
    case unroutable
    // Of a peer.
    case endpointName
    case name
    case expires
    case quota
    case quotaSince
    case quotaUsed
    case suspension
    case initiationsSent
    case initiationsAccepted
    case completedAsInitiator
    case completedAsResponder
    case timesGivenUp
    case earlierInitiationsSent
    case earlierInitiationsAccepted
    case earlierCompletedAsInitiator
    case earlierCompletedAsResponder
    case earlierTimesGivenUp
    case unanswered
    case unconfirmed
    case handshake
    case handshakeMicroseconds
    case refusal
    case dataSent
    case dataReceived
    case heard
    case foreignSources
    case foreignSource
    case receivedTotal
    case transmittedTotal

    /// The key whose name is exactly `text`.
    init?(_ text: UnsafeRawBufferPointer) {
        guard let key = Self.all.first(where: { text.equals($0.text) }) else { return nil }
        self = key
    }

    var text: StaticString {
        switch self {
        case .age: "age"
        case .isUp: "up"
        case .bindFailure: "bind_failure"
        case .mtu: "mtu"
        case .isUnderLoad: "under_load"
        case .drop: "drop"
        case .earlierDrop: "earlier_drop"
        case .sendFailure: "send_failure"
        case .stranger: "stranger"
        case .misdirected: "misdirected"
        case .mismatch: "mismatch"
        case .unroutable: "unroutable"
        case .endpointName: "endpoint_name"
        case .name: "annotation_name"
        case .expires: "annotation_expires"
        case .quota: "annotation_quota"
        case .quotaSince: "annotation_quota_since"
        case .quotaUsed: "quota_used"
        case .suspension: "suspended"
        case .initiationsSent: "initiations_sent"
        case .initiationsAccepted: "initiations_accepted"
        case .completedAsInitiator: "completed_as_initiator"
        case .completedAsResponder: "completed_as_responder"
        case .timesGivenUp: "given_up"
        case .earlierInitiationsSent: "earlier_initiations_sent"
        case .earlierInitiationsAccepted: "earlier_initiations_accepted"
        case .earlierCompletedAsInitiator: "earlier_completed_as_initiator"
        case .earlierCompletedAsResponder: "earlier_completed_as_responder"
        case .earlierTimesGivenUp: "earlier_given_up"
        case .unanswered: "unanswered"
        case .unconfirmed: "unconfirmed"
        case .handshake: "handshake"
        case .handshakeMicroseconds: "handshake_microseconds"
        case .refusal: "refused"
        case .dataSent: "data_sent"
        case .dataReceived: "data_received"
        case .heard: "heard"
        case .foreignSources: "foreign_sources"
        case .foreignSource: "foreign_source"
        case .receivedTotal: "rx_total"
        case .transmittedTotal: "tx_total"
        }
    }

    private static let all = allCases
}
