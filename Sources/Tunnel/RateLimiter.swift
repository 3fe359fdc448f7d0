package import Wire

/// A token bucket per source address for handshakes under load: 20 a second, five at once. Protocol §5.
///
/// IPv6 sources count by their /64. The table is bounded; while it is full, new sources are refused.
package struct RateLimiter {
    private static let cost = Instant.Span.milliseconds(50)
    private static let capacity = Instant.Span.milliseconds(250)
    private static let idleAfter = Instant.Span.seconds(1)

    private let maximumSources: Int
    private var buckets: [UInt64: Bucket] = [:]
    private var lastSweep = Instant(nanoseconds: 0)

    private struct Bucket {
        var tokens: UInt64
        var last: Instant
    }

    /// An empty table of at most `maximumSources`.
    package init(maximumSources: Int = 16_384) {
        self.maximumSources = maximumSources
    }

    /// Sources remembered now.
    package var count: Int { buckets.count }

    /// Whether a handshake message from `source` may be looked at; if so, it has been charged for.
    package mutating func allows(_ source: IPAddress, now: Instant) -> Bool {
        if now.since(lastSweep) >= Self.idleAfter {
            buckets = buckets.filter { now.since($0.value.last) <= Self.idleAfter }
            lastSweep = now
        }
        let key =
            switch source {
            // No /64 in use is below 2^32, so the families don't meet.
            case .v4(let v4): UInt64(v4.value)
            case .v6(let v6): v6.high
            }
        guard var bucket = buckets[key] else {
            guard buckets.count < maximumSources else { return false }
            buckets[key] = Bucket(tokens: Self.capacity.nanoseconds - Self.cost.nanoseconds, last: now)
            return true
        }
        let gained = min(now.since(bucket.last).nanoseconds, Self.capacity.nanoseconds)
        bucket.tokens = min(bucket.tokens + gained, Self.capacity.nanoseconds)
        bucket.last = now
        let isAllowed = bucket.tokens >= Self.cost.nanoseconds
        if isAllowed { bucket.tokens -= Self.cost.nanoseconds }
        buckets[key] = bucket
        return isAllowed
    }
}
