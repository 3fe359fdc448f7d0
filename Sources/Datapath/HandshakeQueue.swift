import Synchronization
import Tunnel
import Wire

/// Handshake messages on their way from the receiving lanes to the control thread: a ring of fixed size.
///
/// What finds the ring full is dropped, so a flood costs neither memory nor the lanes' time.
final class HandshakeQueue: Sendable {
    private let ring: Mutex<Ring>
    private let wakeControl: @Sendable () -> Void

    /// A message with where it came from and which local address it came to.
    struct Entry {
        var endpoint: Endpoint
        var source: SourceAddress?
        var length: Int
        var bytes: InlineArray<160, UInt8>
    }

    private struct Ring: ~Copyable, @unchecked Sendable {
        // Safe: only touched under the lock of the queue, which owns it.
        let entries: UnsafeMutablePointer<Entry>
        var first = 0
        var count = 0

        init() {
            entries = .allocate(capacity: Limits.handshakeQueue)
        }

        deinit {
            // Safe: entries are trivial.
            entries.deallocate()
        }
    }

    init(wakeControl: @escaping @Sendable () -> Void) {
        ring = Mutex(Ring())
        self.wakeControl = wakeControl
    }

    /// Adds a copy of `message`, which is at most ``Message/Initiation/size`` bytes; false when the ring is full.
    func push(_ message: UnsafeRawBufferPointer, from endpoint: Endpoint, via source: SourceAddress?) -> Bool {
        let countBefore = ring.withLock { ring -> Int? in
            guard ring.count < Limits.handshakeQueue else { return nil }
            var entry = Entry(
                endpoint: endpoint, source: source, length: message.count, bytes: InlineArray(repeating: 0))
            withUnsafeMutableBytes(of: &entry.bytes) { $0.copyMemory(from: message) }
            (ring.entries + (ring.first + ring.count) % Limits.handshakeQueue).initialize(to: entry)
            ring.count += 1
            return ring.count - 1
        }
        if countBefore == 0 { wakeControl() }
        return countBefore != nil
    }

    /// Takes the oldest message and says how many more wait.
    func pop() -> (entry: Entry, waiting: Int)? {
        ring.withLock { ring in
            guard ring.count > 0 else { return nil }
            let entry = ring.entries[ring.first]
            ring.first = (ring.first + 1) % Limits.handshakeQueue
            ring.count -= 1
            return (entry, ring.count)
        }
    }

    var hasWaiting: Bool { ring.withLock { $0.count > 0 } }
}
