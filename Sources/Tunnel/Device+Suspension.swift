import Synchronization
package import Wire

/// Peers that are configured and yet not served. Who may be served is for the caller to know, but for what a peer may transfer, which
/// is looked at with each batch.
extension Device {
    /// Ends a peer's sessions, drops what waits for it, and from here on neither calls nor answers it.
    package func suspend(_ publicKey: PublicKey) {
        guard let peer = peers[publicKey] else { return }
        suspend(peer)
    }

    /// Serves a suspended peer again.
    package func readmit(_ publicKey: PublicKey, now: Moment) {
        guard let peer = peers[publicKey] else { return }
        peer.path.withLock { $0.isSuspended = false }
        if shared.isUp { start(peer, now: now) }
    }

    /// Has a peer suspended when so many more bytes have passed in both directions together; nil: never for that.
    package func setAllowance(_ bytes: UInt64?, of publicKey: PublicKey) {
        guard let peer = peers[publicKey] else { return }
        let (end, overflows) = peer.transferredBytes.addingReportingOverflow(bytes ?? .max)
        peer.allowance.store(overflows ? .max : end, ordering: .relaxed)
    }

    /// Suspends a peer that has used what it was granted.
    func endAllowance(of peer: Peer) {
        guard peer.transferredBytes >= peer.allowance.load(ordering: .relaxed), !peer.isSuspended else { return }
        suspend(peer)
        report(.allowanceUsed(peer.publicKey))
    }

    private func suspend(_ peer: Peer) {
        peer.path.withLock { $0.isSuspended = true }
        stop(peer, countingAs: .peerSuspended)
    }
}
