import NoisePrimitives

/// When a session is renewed and when it ends, drawn as it begins. Protocol §8; Obfuscation §1.6.
struct SessionLimits {
    /// The age above which its initiator renews it on sending.
    let rekeyAfter: Instant.Span
    /// The age above which its initiator renews it on receiving: early enough for an answer before it ends.
    let rekeyOnReceiveAfter: Instant.Span
    /// The age from which on it is neither sent nor received on.
    let rejectAfter: Instant.Span
    /// The counter above which it is renewed.
    let rekeyAfterMessages: UInt64

    init(_ timing: Timing, headerForm: DataHeader.Form, random: any RandomSource) {
        rekeyAfter = random.span(in: timing.rekeyAfterTime)
        rejectAfter = .seconds(UInt64(timing.rejectAfterTime.upperBound))
        let reserved = Instant.Span.seconds(
            UInt64(timing.keepaliveTimeout.lowerBound) + UInt64(timing.rekeyTimeout.lowerBound))
        let end = random.span(in: timing.rejectAfterTime)
        rekeyOnReceiveAfter = Instant.Span(nanoseconds: end.nanoseconds - min(end.nanoseconds, reserved.nanoseconds))
        rekeyAfterMessages = headerForm == .compact ? DataHeader.compactCounters / 2 : Limits.rekeyAfterMessages
    }
}

extension Timing {
    /// How long after the last session was derived all keys are erased.
    var eraseKeysAfter: Instant.Span { .seconds(3 * UInt64(rejectAfterTime.upperBound)) }

    /// The least time between two initiations to a peer, and between a response and an initiation.
    var leastRekeyTimeout: Instant.Span { .seconds(UInt64(rekeyTimeout.lowerBound)) }

    /// How long data that was sent waits for an answer before a new session is asked for, jitter aside.
    func unansweredTimeout(random: any RandomSource) -> Instant.Span {
        .seconds(UInt64(keepaliveTimeout.upperBound)) + random.span(in: rekeyTimeout)
    }
}

extension RandomSource {
    /// A time from a range of seconds. Nothing is drawn where there is nothing to choose.
    func span(in range: ClosedRange<UInt16>) -> Instant.Span {
        let least = Instant.Span.seconds(UInt64(range.lowerBound))
        guard range.lowerBound < range.upperBound else { return least }
        let width = Instant.Span.seconds(UInt64(range.upperBound - range.lowerBound))
        return least + Instant.Span(nanoseconds: below(width.nanoseconds + 1))
    }

    /// A part of a time, from a range of hundredths. Nothing is drawn where there is nothing to choose.
    func share(of time: Instant.Span, percent range: ClosedRange<UInt16>) -> Instant.Span {
        let hundredth = time.nanoseconds / 100
        let least = hundredth * UInt64(range.lowerBound)
        let width = hundredth * UInt64(range.upperBound - range.lowerBound)
        return Instant.Span(nanoseconds: width == 0 ? least : least + below(width + 1))
    }

    /// A number from a range. Nothing is drawn where there is nothing to choose.
    func number(in range: ClosedRange<UInt16>) -> UInt16 {
        guard range.lowerBound < range.upperBound else { return range.lowerBound }
        return range.lowerBound + UInt16(truncatingIfNeeded: below(UInt64(range.upperBound - range.lowerBound) + 1))
    }
}
