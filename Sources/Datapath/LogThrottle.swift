import Tunnel
import Wire

/// Keeps what a peer or a stranger makes happen again and again from filling the log: so many lines about one thing at once, then
/// one in so much time. What is left out is counted.
struct LogThrottle {
    /// Buckets that are kept; who finds no place shares the one of all peers.
    private static let capacity = 4096

    private var buckets: [Key: Bucket] = [:]

    /// What lines are about.
    struct Key: Hashable {
        /// Nil for what isn't about one.
        var peer: PublicKey?
        var topic: LogTopic
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
    }

    /// How many lines were left out since the last one; nil when this one is to be left out as well.
    mutating func admit(_ key: Key, _ allowance: Allowance, at now: Instant) -> UInt64? {
        let key = place(for: key, at: now)
        var bucket = buckets[key] ?? Bucket()
        defer { buckets[key] = bucket }
        let interval = allowance.interval.nanoseconds
        let used = max(bucket.usedUntil, now.nanoseconds)
        guard used - now.nanoseconds <= (allowance.burst - 1) * interval else {
            bucket.leftOut += 1
            return nil
        }
        bucket.usedUntil = used + interval
        defer { bucket.leftOut = 0 }
        return bucket.leftOut
    }

    private mutating func place(for key: Key, at now: Instant) -> Key {
        guard buckets.count >= Self.capacity, buckets[key] == nil else { return key }
        buckets = buckets.filter { $0.value.usedUntil > now.nanoseconds }
        return buckets.count < Self.capacity ? key : Key(peer: nil, topic: key.topic)
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
        case .mismatch: LogThrottle.Allowance(burst: 5, interval: .seconds(20))
        default: LogThrottle.Allowance(burst: 3, interval: .seconds(60))
        }
    }

    /// What strangers may cause, whoever they are or say they are.
    static let ofStrangers = LogThrottle.Allowance(burst: 10, interval: .seconds(10))
}
