import Tunnel
import Wire

/// UDP payload bytes per second, in either direction.
package struct TransferRate: Equatable, Sendable {
    package var received: UInt64 = 0
    package var sent: UInt64 = 0

    package init(received: UInt64 = 0, sent: UInt64 = 0) {
        self.received = received
        self.sent = sent
    }

    static func += (left: inout Self, right: Self) {
        left.received = left.received.clampedSum(right.received)
        left.sent = left.sent.clampedSum(right.sent)
    }
}

/// What an interface's peers had transferred at one moment: rates are the difference to a later one.
struct TransferSample {
    /// `CLOCK_BOOTTIME`, in nanoseconds.
    let moment: UInt64
    private let bytes: [PublicKey: TransferRate]

    init(_ snapshot: InterfaceSnapshot) {
        moment = snapshot.moment
        var bytes: [PublicKey: TransferRate] = [:]
        bytes.reserveCapacity(snapshot.status.peers.count)
        for peer in snapshot.status.peers {
            bytes[peer.publicKey] = TransferRate(received: peer.receivedBytes, sent: peer.transmittedBytes)
        }
        self.bytes = bytes
    }

    /// The rate since; nil for a peer that wasn't there, or whose counters began anew.
    func rate(of peer: PeerStatus, at moment: UInt64) -> TransferRate? {
        guard let before = bytes[peer.publicKey], moment > self.moment, peer.receivedBytes >= before.received,
            peer.transmittedBytes >= before.sent
        else { return nil }
        let seconds = Double(moment - self.moment) / 1e9
        func perSecond(_ bytes: UInt64) -> UInt64 { UInt64(exactly: (Double(bytes) / seconds).rounded()) ?? .max }
        return TransferRate(
            received: perSecond(peer.receivedBytes - before.received),
            sent: perSecond(peer.transmittedBytes - before.sent))
    }
}

extension UInt64 {
    /// The sum, or the greatest number where that is too small.
    func clampedSum(_ other: UInt64) -> UInt64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}
