import NoisePrimitives
import Synchronization
package import Wire

extension Device {
    /// Gives a peer another disguise, or with nil WireGuard's own form, from its next message on; its sessions stay.
    package func setDisguise(_ disguise: (any Disguise)?, for publicKey: PublicKey) {
        guard let peer = peers[publicKey] else { return }
        let (isChanged, isRunning) = peer.path.withLock { path in
            defer { path.disguise = disguise }
            return (path.disguise !== disguise, path.isRunning)
        }
        guard isChanged else { return }
        peer.dialect.store(disguise?.dialect ?? plainDialect, ordering: .relaxed)
        let timing = disguise?.timing ?? .standard
        guard timing != peer.handshake.timing else { return }
        peer.handshake.timing = timing
        peer.timers.rekeyTimeout.store(timing.leastRekeyTimeout.nanoseconds, ordering: .relaxed)
        drawPersistentInterval(of: peer)
        // A peer that starts draws for itself.
        guard isRunning else { return }
        drawUnansweredTimeout(of: peer)
        drawAhead(for: peer)
        reschedule(peer)
    }

    /// Draws what lanes need when they arm a peer's timers.
    func drawAhead(for peer: Peer) {
        let timeout = random.span(in: peer.handshake.timing.keepaliveTimeout)
        peer.timers.keepaliveTimeout.store(timeout.nanoseconds, ordering: .relaxed)
        // One interval lasts until something passes between the two: if it were drawn anew at each look, short ones would win.
        let traversal = peer.timers.lastTraversal.load(ordering: .relaxed)
        if peer.handshake.drawsPersistentInterval, traversal != peer.handshake.persistentDrawnFor {
            peer.handshake.persistentDrawnFor = traversal
            drawPersistentInterval(of: peer)
        }
    }

    /// Draws how long a peer may leave data unanswered before it gets an initiation.
    func drawUnansweredTimeout(of peer: Peer) {
        let timeout = peer.handshake.timing.unansweredTimeout(random: random) + jitter()
        peer.timers.unansweredTimeout.store(timeout.nanoseconds, ordering: .relaxed)
    }

    /// Draws the time until the next persistent keepalive: from the configured range, or that part of the one configured time which the
    /// disguise has.
    func drawPersistentInterval(of peer: Peer) {
        let least = peer.handshake.persistentKeepalive
        let interval: Instant.Span
        if let most = peer.handshake.persistentKeepaliveMaximum, least > 0 {
            interval = random.span(in: least...max(least, most))
        } else {
            interval = random.share(
                of: .seconds(UInt64(least)), percent: peer.handshake.timing.persistentKeepaliveShare)
        }
        peer.timers.persistentKeepalive.store(interval.nanoseconds, ordering: .relaxed)
    }
}
