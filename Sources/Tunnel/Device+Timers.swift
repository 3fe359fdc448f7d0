import NoisePrimitives
import Synchronization
import Wire

extension Device {
    /// Does what is due at `now`, for at most ``Limits/peersPerTurn`` peers: while more wait, ``nextDeadline`` stays due.
    /// Protocol §9.
    package func handleTimeout(now: Moment) {
        var served = 0
        while served < Limits.peersPerTurn, let entry = timers.first, entry.deadline <= now.instant {
            timers.removeFirst()
            let peer = entry.peer
            guard peer.handshake.scheduledAt == entry.deadline else { continue }
            peer.handshake.scheduledAt = nil
            guard peers[peer.publicKey] === peer, shared.isUp else { continue }
            runTimers(of: peer, now: now)
            reschedule(peer)
            served += 1
        }
    }

    /// Enters the peer into the timer queue for the earliest of its timers.
    func reschedule(_ peer: Peer) {
        guard shared.isUp, !peer.isSuspended, peers[peer.publicKey] === peer else { return }
        // From here on a lane that arms a timer raises a signal, so none is missed while they are read.
        peer.timers.wakeAt.store(.max, ordering: .sequentiallyConsistent)
        let deadlines = [
            peer.handshake.retransmitAt, peer.handshake.eraseKeysAt, peer.handshake.firstKeepaliveAt,
            peer.timers.sendKeepaliveDeadline, peer.timers.unansweredDeadline, peer.timers.persistentDeadline,
        ]
        guard let next = deadlines.compactMap({ $0 }).min() else {
            peer.handshake.scheduledAt = nil
            return
        }
        peer.timers.wakeAt.store(next.nanoseconds, ordering: .sequentiallyConsistent)
        guard peer.handshake.scheduledAt.map({ next < $0 }) ?? true else {
            peer.timers.wakeAt.store(peer.handshake.scheduledAt!.nanoseconds, ordering: .sequentiallyConsistent)
            return
        }
        peer.handshake.scheduledAt = next
        if timers.count >= 2 * peers.count + 64 {
            timers.keep { $0.peer.handshake.scheduledAt == $0.deadline && peers[$0.peer.publicKey] === $0.peer }
        }
        timers.insert(TimerQueue.Entry(deadline: next, peer: peer))
    }

    /// Erases keys that have outlived their time. A new handshake does it first too, which otherwise would be erased
    /// along with them when both are due after a sleep.
    func eraseKeysIfDue(of peer: Peer, now: Instant) {
        guard let at = peer.handshake.eraseKeysAt, at <= now else { return }
        peer.handshake.eraseKeysAt = nil
        eraseKeys(of: peer)
        report(.keysErased(peer.publicKey))
    }

    private func runTimers(of peer: Peer, now: Moment) {
        eraseKeysIfDue(of: peer, now: now.instant)
        if let at = peer.handshake.retransmitAt, at <= now.instant {
            peer.handshake.retransmitAt = nil
            retransmit(to: peer, now: now)
        }
        if let at = peer.timers.sendKeepaliveDeadline, at <= now.instant {
            peer.timers.sendKeepaliveAt.store(0, ordering: .sequentiallyConsistent)
            sendKeepalive(to: peer, now: now)
            if peer.timers.needsAnotherKeepalive.exchange(false, ordering: .relaxed) {
                let timeout = peer.handshake.timing.keepaliveTimeout
                peer.timers.sendKeepaliveAt.store(
                    (now.instant + random.span(in: timeout)).nanoseconds, ordering: .sequentiallyConsistent)
            }
        }
        if let at = peer.timers.unansweredDeadline, at <= now.instant {
            peer.timers.unansweredSince.store(0, ordering: .sequentiallyConsistent)
            drawUnansweredTimeout(of: peer)
            peer.forgetSource()
            sendInitiation(to: peer, isRetry: false, now: now)
        }
        if let at = peer.handshake.firstKeepaliveAt, at <= now.instant {
            peer.handshake.firstKeepaliveAt = nil
            sendKeepalive(to: peer, now: now)
        }
        if let at = peer.timers.persistentDeadline, at <= now.instant {
            peer.timers.lastTraversal.store(now.instant.nanoseconds, ordering: .sequentiallyConsistent)
            sendKeepalive(to: peer, now: now)
        }
        drawAhead(for: peer)
    }

    private func retransmit(to peer: Peer, now: Moment) {
        let attempts = peer.timers.attempts.load(ordering: .relaxed)
        guard attempts <= peer.handshake.maximumRetries else {
            peer.timers.sendKeepaliveAt.store(0, ordering: .sequentiallyConsistent)
            let dropped = peer.path.withLock { $0.staged.takeAll().count }
            shared.drops.count(.handshakeGivenUp, dropped)
            if peer.handshake.eraseKeysAt == nil {
                peer.handshake.eraseKeysAt = now.instant + peer.handshake.timing.eraseKeysAfter
            }
            peer.handshake.history.timesGivenUp += 1
            return report(
                .gaveUp(peer.publicKey, peer.endpoint, attempts: Int(attempts) + 1, droppedPackets: dropped))
        }
        if let allowedAt = peer.timers.initiationAllowedAt, now.instant < allowedAt {
            // The peer called too and was answered, but its session hasn't been confirmed. If both sides called at
            // once, each of them is where this one is, so the wait is random enough to part them on a slow path.
            peer.handshake.retransmitAt = allowedAt + jitter(below: random.span(in: peer.handshake.timing.rekeyTimeout))
            return
        }
        peer.timers.attempts.store(attempts + 1, ordering: .relaxed)
        peer.forgetSource()
        sendInitiation(to: peer, isRetry: true, now: now)
    }
}
