import Synchronization
import Tunnel
import Wire

/// Handshake messages on their way from the receiving lanes to the control thread: a ring of fixed size.
///
/// What finds the ring full is dropped, so a flood costs neither memory nor the lanes' time. The control thread is woken
/// for a message only when it has said that it won't look by itself.
final class HandshakeQueue: Sendable {
    private let ring: Mutex<Ring>
    private let wakeControl: @Sendable () -> Void

    /// A message with where it came from and which local address it came to.
    private struct Entry {
        var endpoint: Endpoint
        var source: SourceAddress?
        var length: Int
        var bytes: InlineArray<160, UInt8>
    }

    private struct Ring: ~Copyable, @unchecked Sendable {
        // Safe: the waiting entries are only read, by the control thread; the others are only touched under the lock of
        // the queue, which owns all.
        let entries: UnsafeMutablePointer<Entry>
        var first = 0
        var count = 0
        /// Whether the control thread was woken or will look by itself.
        var isAttended = false

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
        let (isTaken, mustWake) = ring.withLock { ring in
            guard ring.count < Limits.handshakeQueue else { return (false, false) }
            var entry = Entry(
                endpoint: endpoint, source: source, length: message.count, bytes: InlineArray(repeating: 0))
            withUnsafeMutableBytes(of: &entry.bytes) { $0.copyMemory(from: message) }
            (ring.entries + (ring.first + ring.count) % Limits.handshakeQueue).initialize(to: entry)
            ring.count += 1
            defer { ring.isAttended = true }
            return (true, !ring.isAttended)
        }
        if mustWake { wakeControl() }
        return isTaken
    }

    /// Hands the oldest messages, at most `limit`, to `body`, which is told how many more wait behind each. For the
    /// control thread alone, which looks again until ``rest()``.
    ///
    /// - Returns: whether messages are left.
    func handle(
        atMost limit: Int,
        _ body: (_ message: UnsafeRawBufferPointer, _ endpoint: Endpoint, _ source: SourceAddress?, _ waiting: Int) ->
            Void
    ) -> Bool {
        let (entries, first, count) = ring.withLock { ($0.entries, $0.first, $0.count) }
        let handled = min(limit, count)
        for index in 0..<handled {
            let entry = entries + (first + index) % Limits.handshakeQueue
            let (endpoint, source, length) = (entry.pointee.endpoint, entry.pointee.source, entry.pointee.length)
            withUnsafeBytes(of: &entry.pointee.bytes) { bytes in
                body(UnsafeRawBufferPointer(rebasing: bytes[..<length]), endpoint, source, count - index - 1)
            }
        }
        return ring.withLock { ring in
            ring.first = (first + handled) % Limits.handshakeQueue
            ring.count -= handled
            return ring.count > 0
        }
    }

    /// Has the next message wake the control thread, or wakes it now when there is one.
    func rest() {
        let isEmpty = ring.withLock { ring in
            ring.isAttended = ring.count > 0
            return !ring.isAttended
        }
        if !isEmpty { wakeControl() }
    }
}
