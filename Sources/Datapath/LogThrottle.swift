import Tunnel
import Wire

/// Keeps what a peer or a stranger makes happen again and again from filling the log: so many lines about one thing at once, then
/// one in so much time. What is left out is counted.
struct LogThrottle {
    /// Buckets that are kept; who finds no place shares one with the others.
    static let capacity = 4096

    private var buckets: [Key: Bucket] = [:]

    private var lastSweep = Instant(nanoseconds: 0)

    /// Those in use.
    var count: Int { buckets.count }

    private struct Key: Hashable {
        let subject: Subject
        let topic: LogTopic
    }

    /// Whom a line is about.
    enum Subject: Hashable {
        /// A peer, or a stranger who gives a key.
        case key(PublicKey)
        /// Who gives none.
        case address(IPAddress)
        /// Something that was found out about what somebody sends.
        case finding(IPAddress, String)
        /// Nobody, or who finds no place.
        case anybody
        /// All together who aren't peers.
        case strangers
    }

    struct Allowance {
        /// Lines at once.
        let burst: UInt64
        /// Between two of them from then on.
        let interval: Instant.Span
    }

    private struct Bucket {
        /// Up to when the allowance is used.
        var usedUntil: UInt64 = 0
        var leftOut: UInt64 = 0

        func isEmpty(_ allowance: Allowance, at now: Instant) -> Bool {
            usedUntil > now.nanoseconds
                && usedUntil - now.nanoseconds > (allowance.burst - 1) * allowance.interval.nanoseconds
        }

        /// Returns how many were left out before.
        mutating func take(_ allowance: Allowance, at now: Instant) -> UInt64 {
            usedUntil = max(usedUntil, now.nanoseconds) + allowance.interval.nanoseconds
            defer { leftOut = 0 }
            return leftOut
        }
    }

    /// How many lines were left out since the last one; nil when this one is to be left out as well.
    ///
    /// - Parameter isStranger: whether whoever causes it may give a new name each time: then all such share an allowance too.
    mutating func admit(_ subject: Subject, _ topic: LogTopic, isStranger: Bool = false, at now: Instant) -> UInt64? {
        let key = place(for: Key(subject: subject, topic: topic), at: now)
        let shared = Key(subject: .strangers, topic: topic)
        if buckets[key]?.isEmpty(topic.allowance, at: now) ?? false {
            buckets[key]?.leftOut += 1
            return nil
        }
        guard isStranger else { return buckets[key, default: Bucket()].take(topic.allowance, at: now) }
        if buckets[shared]?.isEmpty(LogTopic.ofStrangers, at: now) ?? false {
            buckets[shared]?.leftOut += 1
            return nil
        }
        return buckets[shared, default: Bucket()].take(LogTopic.ofStrangers, at: now)
            + buckets[key, default: Bucket()].take(topic.allowance, at: now)
    }

    private mutating func place(for key: Key, at now: Instant) -> Key {
        guard buckets.count >= Self.capacity, buckets[key] == nil else { return key }
        if now.since(lastSweep) >= .seconds(1) {
            lastSweep = now
            buckets = buckets.filter { $0.value.usedUntil > now.nanoseconds }
        }
        return buckets.count < Self.capacity ? key : Key(subject: .anybody, topic: key.topic)
    }
}

/// What a line of the log is about.
enum LogTopic: Hashable {
    case handshake
    case roaming
    case silence
    case givenUp
    case unconfirmed
    case expiry
    case impossible
    case load
    case mismatch
    case refusal(DropReason)

    var allowance: LogThrottle.Allowance {
        switch self {
        case .silence, .givenUp: LogThrottle.Allowance(burst: 2, interval: .seconds(600))
        case .refusal, .mismatch: LogThrottle.Allowance(burst: 1, interval: .seconds(60))
        default: LogThrottle.Allowance(burst: 3, interval: .seconds(60))
        }
    }

    /// What strangers may cause, whoever they are or say they are.
    static let ofStrangers = LogThrottle.Allowance(burst: 10, interval: .seconds(10))
}
