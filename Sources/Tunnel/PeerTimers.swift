import Synchronization

/// The timers of a peer that packets arm and cancel, as atomics that any lane may write. Protocol §9.
///
/// A timer is a time in nanoseconds, 0 when it isn't running. The control thread looks at them at ``wakeAt``; who arms
/// one that ends earlier raises ``PeerSignals/timerArmed``.
struct PeerTimers: ~Copyable, Sendable {
    /// When a keepalive answers data that came in.
    let sendKeepaliveAt = Atomic<UInt64>(0)
    /// Whether more data came in while ``sendKeepaliveAt`` was running.
    let needsAnotherKeepalive = Atomic<Bool>(false)
    /// When the first data was sent that nothing has answered.
    let unansweredSince = Atomic<UInt64>(0)
    /// Nanoseconds until an unanswered peer gets an initiation. This and what follows is drawn ahead by the control thread.
    let unansweredTimeout = Atomic<UInt64>(0)
    /// Nanoseconds until data that came in is answered by a keepalive.
    let keepaliveTimeout = Atomic<UInt64>(0)
    /// Nanoseconds that have to pass after an initiation or response before the next initiation.
    let rekeyTimeout = Atomic<UInt64>(Limits.rekeyTimeout.nanoseconds)
    /// When an authenticated packet was last sent or received, kept while persistent keepalive is on.
    let lastTraversal = Atomic<UInt64>(0)
    /// Nanoseconds; 0 when off.
    let persistentKeepalive = Atomic<UInt64>(0)
    /// Retries since the last fresh initiation.
    let attempts = Atomic<UInt32>(0)
    /// Whether a session near its end has asked for the next one on receiving.
    let lastMinuteInitiationSent = Atomic<Bool>(false)
    /// When the last initiation or response was sent.
    let lastHandshakeSent = Atomic<UInt64>(0)
    /// When the control thread looks at this peer next.
    let wakeAt = Atomic<UInt64>(.max)

    /// When an initiation may follow the last initiation or response; nil when there was none.
    var initiationAllowedAt: Instant? {
        let last = lastHandshakeSent.load(ordering: .relaxed)
        guard last != 0 else { return nil }
        return Instant(nanoseconds: last) + Instant.Span(nanoseconds: rekeyTimeout.load(ordering: .relaxed))
    }

    /// Whether an initiation would be suppressed at `now`.
    func isInitiationTooSoon(at now: Instant) -> Bool {
        initiationAllowedAt.map { now < $0 } ?? false
    }

    /// When ``unansweredSince`` asks for an initiation; nil when it isn't running.
    var unansweredDeadline: Instant? {
        let since = unansweredSince.load(ordering: .sequentiallyConsistent)
        guard since != 0 else { return nil }
        return Instant(nanoseconds: since) + Instant.Span(nanoseconds: unansweredTimeout.load(ordering: .relaxed))
    }

    /// When a persistent keepalive is due; nil when it is off.
    var persistentDeadline: Instant? {
        let interval = persistentKeepalive.load(ordering: .relaxed)
        guard interval != 0 else { return nil }
        return Instant(nanoseconds: lastTraversal.load(ordering: .sequentiallyConsistent))
            + Instant.Span(nanoseconds: interval)
    }

    /// When a keepalive answers data; nil when that isn't running.
    var sendKeepaliveDeadline: Instant? {
        let at = sendKeepaliveAt.load(ordering: .sequentiallyConsistent)
        return at == 0 ? nil : Instant(nanoseconds: at)
    }

    /// Stops everything that packets arm.
    func stop() {
        sendKeepaliveAt.store(0, ordering: .sequentiallyConsistent)
        needsAnotherKeepalive.store(false, ordering: .relaxed)
        unansweredSince.store(0, ordering: .sequentiallyConsistent)
        attempts.store(0, ordering: .relaxed)
        lastMinuteInitiationSent.store(false, ordering: .relaxed)
    }
}
