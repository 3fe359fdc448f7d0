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

    /// What is to be done with the bytes that came.
    enum Content: Sendable {
        /// They are a handshake message, which had to be taken out of a disguise when there is an arrival.
        case message(Arrival?)
        /// They go back to where the message came from, as they are.
        case answer
    }

    /// A message with where it came from and which local address it came to. Nothing of it outlives the call that it is handed to.
    struct Item {
        let content: Content
        let bytes: UnsafeRawBufferPointer
        let endpoint: Endpoint
        let source: SourceAddress?
        /// How many more wait behind it.
        let waiting: Int
    }

    private struct Entry {
        var content: Content
        var endpoint: Endpoint
        var source: SourceAddress?
        var length: Int
        var bytes: InlineArray<160, UInt8>

        static var empty: Entry {
            Entry(
                content: .message(nil), endpoint: Endpoint(.v4(IPv4Address(0)), port: 0), source: nil, length: 0,
                bytes: InlineArray(repeating: 0))
        }
    }

    private struct Ring: ~Copyable, @unchecked Sendable {
        // Safe: the waiting entries are only touched by the control thread; the others are only touched under the lock of
        // the queue, which owns all.
        let entries: UnsafeMutablePointer<Entry>
        var first = 0
        var count = 0
        /// Whether the control thread was woken or will look by itself.
        var isAttended = false

        init() {
            entries = .allocate(capacity: Limits.handshakeQueue)
            entries.initialize(repeating: .empty, count: Limits.handshakeQueue)
        }

        deinit {
            entries.deinitialize(count: Limits.handshakeQueue)
            entries.deallocate()
        }
    }

    init(wakeControl: @escaping @Sendable () -> Void) {
        ring = Mutex(Ring())
        self.wakeControl = wakeControl
    }

    /// Adds a copy of `message`, which is at most ``Message/Initiation/size`` bytes; false when the ring is full, or it is longer.
    func push(
        _ message: UnsafeRawBufferPointer, _ content: Content = .message(nil), from endpoint: Endpoint,
        via source: SourceAddress?
    ) -> Bool {
        guard message.count <= Message.Initiation.size else { return false }
        let (isTaken, mustWake) = ring.withLock { ring in
            guard ring.count < Limits.handshakeQueue else { return (false, false) }
            let entry = ring.entries + (ring.first + ring.count) % Limits.handshakeQueue
            entry.pointee.content = content
            entry.pointee.endpoint = endpoint
            entry.pointee.source = source
            entry.pointee.length = message.count
            withUnsafeMutableBytes(of: &entry.pointee.bytes) { $0.copyMemory(from: message) }
            ring.count += 1
            defer { ring.isAttended = true }
            return (true, !ring.isAttended)
        }
        if mustWake { wakeControl() }
        return isTaken
    }

    /// Hands the oldest messages, at most `limit`, to `body`. For the control thread alone, which looks again until ``rest()``.
    ///
    /// - Returns: whether messages are left.
    func handle(atMost limit: Int, _ body: (_ item: Item) -> Void) -> Bool {
        let (entries, first, count) = ring.withLock { ($0.entries, $0.first, $0.count) }
        let handled = min(limit, count)
        for index in 0..<handled {
            let entry = entries + (first + index) % Limits.handshakeQueue
            let (content, length) = (entry.pointee.content, entry.pointee.length)
            let (endpoint, source) = (entry.pointee.endpoint, entry.pointee.source)
            withUnsafeBytes(of: &entry.pointee.bytes) { bytes in
                body(
                    Item(
                        content: content, bytes: UnsafeRawBufferPointer(rebasing: bytes[..<length]),
                        endpoint: endpoint, source: source, waiting: count - index - 1))
            }
            // An idle queue keeps no disguises.
            entry.pointee.content = .message(nil)
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
