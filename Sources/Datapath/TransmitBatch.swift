import Glibc
import LinuxNet
import Logging
import Tunnel
import Wire

/// What the control thread has to send, gathered so that it leaves in few system calls: up to 64 messages, in each of
/// which datagrams of equal length that go the same way leave as segments.
///
/// Each address family keeps its order, and so does what goes to one destination.
struct TransmitBatch: ~Copyable {
    /// Bytes of datagrams that it holds, more than the longest one.
    private static let capacity = 128 << 10

    private let memory: UnsafeMutableRawPointer
    private var used = 0
    private var messages: [Message] = []
    private var batch = SendBatch()

    private struct Message {
        let first: Device.Transmit
        let start: Int
        var datagrams = 1

        var length: Int { datagrams * first.bytes.count }
        var family: AddressFamily { AddressFamily(of: first.endpoint.address) }

        /// Whether `next` may be the next segment.
        func canTake(_ next: Device.Transmit) -> Bool {
            first.bytes.count == next.bytes.count && first.endpoint == next.endpoint && first.source == next.source
                && first.trafficClass == next.trafficClass && first.peer === next.peer
                && datagrams < UDPSocket.maximumSegments
                && length + next.bytes.count <= UDPSocket.maximumPayload(family)
        }
    }

    init() {
        memory = .allocate(byteCount: Self.capacity, alignment: 64)
    }

    deinit {
        memory.deallocate()
    }

    /// Takes a datagram; false when there is no room before the next send.
    mutating func add(_ transmit: Device.Transmit) -> Bool {
        let count = transmit.bytes.count
        guard used + count <= Self.capacity else { return false }
        if let last = messages.indices.last, messages[last].canTake(transmit) {
            messages[last].datagrams += 1
        } else {
            guard messages.count < batch.capacity else { return false }
            messages.append(Message(first: transmit, start: used))
        }
        // Safe: the guard has found room.
        UnsafeMutableRawBufferPointer(start: memory + used, count: count).copyBytes(from: transmit.bytes)
        used += count
        return true
    }

    /// Sends everything.
    mutating func send(on sockets: UDPSocketPair?, drops: DropCounters, logger: Logger) {
        guard !messages.isEmpty else { return }
        for family in [AddressFamily.v4, .v6] {
            let sent = messages.filter { $0.family == family }
            guard !sent.isEmpty else { continue }
            guard let socket = sockets?[family] else {
                drops.countUnsent(
                    sent.reduce(0) { $0 + $1.datagrams }, code: EAFNOSUPPORT, at: Instant(nanoseconds: Clock.bootTime())
                )
                continue
            }
            let report = send(sent, on: socket)
            if report.dropped > 0 {
                drops.countUnsent(
                    report.dropped, code: report.error, at: Instant(nanoseconds: Clock.bootTime()))
                let destination = "\(sent[0].first.endpoint)\(sent.count > 1 ? " and others" : "")"
                logger.debug("Can't send to \(destination): \(SystemError.text(for: report.error))")
            }
            for (index, message) in sent.enumerated() where report.refusedSources & 1 << UInt64(index) != 0 {
                if let source = message.first.source { message.first.peer?.forgetSource(source) }
            }
        }
        messages.removeAll(keepingCapacity: true)
        used = 0
    }

    private mutating func send(_ messages: [Message], on socket: UDPSocket) -> SendReport {
        for message in messages {
            let segmentSize = message.datagrams > 1 ? message.first.bytes.count : 0
            let isAppended = batch.append(
                UnsafeRawBufferPointer(start: memory + message.start, count: message.length), segmentSize: segmentSize,
                to: message.first.endpoint, from: message.first.source, tos: message.first.trafficClass)
            // add(_:) takes no more messages than fit.
            precondition(isAppended)
        }
        return batch.send(on: socket)
    }
}
