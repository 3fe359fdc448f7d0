import CLinux
import Glibc
package import Wire

/// Buffers for one receive of many messages, each of which may hold many datagrams. Belongs to one thread.
package struct ReceiveBatch: ~Copyable {
    /// Bytes of each message's buffer: more than any UDP payload.
    package static let bufferSize = 65_536
    /// Writable bytes in front of the first buffer, one page: a packet that begins early in its message gets a header of the
    /// TUN device in front. Other buffers have the end of the one before them there, which no message fills.
    private static let headroom = 4096

    /// Messages that the last receive brought.
    package private(set) var count = 0
    /// Messages that one receive may bring.
    package let capacity: Int

    private let buffers: UnsafeMutableRawPointer
    private let messages: UnsafeMutablePointer<clinux_message>
    private let slices: UnsafeMutablePointer<iovec>
    private let names: UnsafeMutableRawPointer
    private let controls: UnsafeMutableRawPointer

    package enum Outcome: Equatable, Sendable {
        /// At least 1.
        case messages(Int)
        /// The socket was interrupted, for good.
        case closed
        /// An `errno` value.
        case failed(Int32)
    }

    /// - Throws: ``SystemError`` when there is no address space left. Memory is used only as messages arrive.
    package init(capacity: Int = 16) throws(SystemError) {
        precondition(capacity > 0)
        let size = Self.headroom + capacity * Self.bufferSize
        let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
        guard let mapping = mmap(nil, size, PROT_READ | PROT_WRITE, flags, -1, 0), mapping != MAP_FAILED else {
            throw .last("reserve \(size) bytes for receiving")
        }
        // A huge page would make the first small packet cost 2 MiB.
        _ = madvise(mapping, size, Int32(MADV_NOHUGEPAGE))
        self.capacity = capacity
        buffers = mapping + Self.headroom
        messages = .allocate(capacity: capacity)
        slices = .allocate(capacity: capacity)
        names = .allocate(byteCount: capacity * SocketAddress.capacity, alignment: 8)
        controls = .allocate(byteCount: capacity * ControlMessage.receiveCapacity, alignment: 8)
        for index in 0..<capacity {
            let buffer = buffers + index * Self.bufferSize
            (slices + index).initialize(to: iovec(iov_base: buffer, iov_len: Self.bufferSize))
            (messages + index).initialize(to: clinux_message())
            messages[index].header.msg_name = names + index * SocketAddress.capacity
            messages[index].header.msg_iov = slices + index
            messages[index].header.msg_iovlen = 1
            messages[index].header.msg_control = controls + index * ControlMessage.receiveCapacity
            prepare(index)
        }
    }

    deinit {
        munmap(buffers - Self.headroom, Self.headroom + capacity * Self.bufferSize)
        messages.deallocate()
        slices.deallocate()
        names.deallocate()
        controls.deallocate()
    }

    /// Waits for at least one message, then takes what more is there. What the last receive brought is gone.
    package mutating func receive(from socket: borrowing UDPSocket) -> Outcome {
        for index in 0..<count { prepare(index) }
        count = 0
        let result = SystemCall.receive(socket.number, messages, count: capacity)
        switch result {
        // An interrupted socket still gives what had arrived, and then empty messages.
        case .bytes where socket.isInterrupted && messages[0].length == 0:
            return .closed
        case .bytes(let received):
            count = received
            return .messages(received)
        case .wouldBlock: return socket.isInterrupted ? .closed : .failed(EAGAIN)
        case .failed(let code): return socket.isInterrupted ? .closed : .failed(code)
        }
    }

    /// A message of the last receive; its bytes are valid until the next one.
    package subscript(index: Int) -> ReceivedMessage {
        precondition(index >= 0 && index < count)
        let message = messages[index]
        let control = ReceivedControl(
            parsing: UnsafeRawBufferPointer(
                start: controls + index * ControlMessage.receiveCapacity,
                count: min(Int(message.header.msg_controllen), ControlMessage.receiveCapacity)))
        return ReceivedMessage(
            bytes: UnsafeMutableRawBufferPointer(
                start: buffers + index * Self.bufferSize, count: min(Int(message.length), Self.bufferSize)),
            segmentSize: control.segmentSize, source: SocketAddress.load(from: names + index * SocketAddress.capacity),
            local: control.local, tos: control.tos,
            isTruncated: message.header.msg_flags & Int32(MSG_TRUNC) != 0)
    }

    /// The kernel overwrites these lengths with those of what it received.
    private func prepare(_ index: Int) {
        messages[index].header.msg_namelen = socklen_t(SocketAddress.capacity)
        messages[index].header.msg_controllen = numericCast(ControlMessage.receiveCapacity)
    }
}

/// One received message: a datagram, or several of one sender with equal sizes but for the last, end to end.
package struct ReceivedMessage {
    package let bytes: UnsafeMutableRawBufferPointer
    /// Bytes of each datagram but the last, which may be shorter; 0 when there is just one.
    package let segmentSize: Int
    package let source: Endpoint
    /// Where it came to; nil when the kernel didn't say.
    package let local: SourceAddress?
    /// The TOS or traffic class byte of the outer header, ECN in the two low bits.
    package let tos: UInt8
    /// Whether bytes are missing at the end.
    package let isTruncated: Bool
}
