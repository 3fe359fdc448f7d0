import Logging
import Obfuscation
import Tunnel

extension Engine {
    /// Finds out what a datagram that isn't WireGuard here would be elsewhere, counts it by that, and tells.
    func lookAtMismatch(now: Moment) {
        guard let sample = mismatches.next() else { return }
        let finding = sample.datagram.withUnsafeBytes { datagram in
            disguises.mismatchFinder(for: tunnel)?.look(at: datagram, now: now)
        }
        guard let finding else { return shared.drops.count(.notWireGuard) }
        shared.drops.count(.wrongDialect)
        let mismatch = Mismatch(finding: "\(finding)", endpoint: sample.source, at: now.instant)
        lastMismatch = mismatch
        log(mismatch)
    }
}
