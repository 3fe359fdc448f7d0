import Synchronization
import Tunnel
import Wire

/// Takes a sample of what isn't WireGuard from the receiving lanes to the control thread: one a second at most, so that strangers can't
/// make work.
final class MismatchWatch: Sendable {
    private static let interval = Instant.Span.seconds(1)

    private let lastTaken = Atomic<UInt64>(0)
    private let sample = Mutex<Sample?>(nil)
    private let wakeControl: @Sendable () -> Void

    struct Sample: Sendable {
        let datagram: [UInt8]
        let source: Endpoint
    }

    init(wakeControl: @escaping @Sendable () -> Void) {
        self.wakeControl = wakeControl
    }

    /// Keeps a copy of a datagram unless it is too early for another one; whether it did.
    func take(_ datagram: UnsafeRawBufferPointer, from source: Endpoint, at now: Instant) -> Bool {
        let last = lastTaken.load(ordering: .relaxed)
        guard now.since(Instant(nanoseconds: last)) >= Self.interval || last == 0,
            lastTaken.compareExchange(expected: last, desired: now.nanoseconds, ordering: .relaxed).exchanged
        else { return false }
        let isTaken = sample.withLock { sample in
            guard sample == nil else { return false }
            sample = Sample(datagram: Array(datagram), source: source)
            return true
        }
        if isTaken { wakeControl() }
        return isTaken
    }

    /// The sample that waits.
    func next() -> Sample? {
        sample.withLock { sample in
            defer { sample = nil }
            return sample
        }
    }
}
