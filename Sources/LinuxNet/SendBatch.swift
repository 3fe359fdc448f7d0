import CLinux
import Glibc
package import Wire

/// Messages to send in as few system calls as possible. Belongs to one thread; refers to payloads, doesn't copy them.
package struct SendBatch: ~Copyable {
    /// Messages that wait to be sent.
    package private(set) var count = 0
    /// Messages that fit, at most 64.
    package let capacity: Int
    /// Whether a send waits for room in the socket's buffer, up to about a second, before it drops.
    package var waitsForRoom = true

    let messages: UnsafeMutablePointer<clinux_message>
    private let slices: UnsafeMutablePointer<iovec>
    private let names: UnsafeMutableRawPointer
    private let controls: UnsafeMutableRawPointer
    private let segmentSizes: UnsafeMutablePointer<Int>
    /// A bit for each message that has a source address.
    private var sourced: UInt64 = 0

    // One segmented message taken apart.
    let parts: UnsafeMutablePointer<clinux_message>
    private let partSlices: UnsafeMutablePointer<iovec>

    package init(capacity: Int = 64) {
        precondition(capacity > 0 && capacity <= 64)
        self.capacity = capacity
        messages = .allocate(capacity: capacity)
        slices = .allocate(capacity: capacity)
        names = .allocate(byteCount: capacity * SocketAddress.capacity, alignment: 8)
        controls = .allocate(byteCount: capacity * ControlMessage.sendCapacity, alignment: 8)
        segmentSizes = .allocate(capacity: capacity)
        parts = .allocate(capacity: UDPSocket.maximumSegments)
        partSlices = .allocate(capacity: UDPSocket.maximumSegments)
        messages.initialize(repeating: clinux_message(), count: capacity)
        slices.initialize(repeating: iovec(), count: capacity)
        segmentSizes.initialize(repeating: 0, count: capacity)
        parts.initialize(repeating: clinux_message(), count: UDPSocket.maximumSegments)
        partSlices.initialize(repeating: iovec(), count: UDPSocket.maximumSegments)
    }

    deinit {
        messages.deallocate()
        slices.deallocate()
        names.deallocate()
        controls.deallocate()
        segmentSizes.deallocate()
        parts.deallocate()
        partSlices.deallocate()
    }

    /// Adds a message; false when the batch is full.
    ///
    /// - Parameters:
    ///   - bytes: must stay valid until the send; at most ``UDPSocket/maximumPayload(_:)``.
    ///   - segmentSize: bytes of each datagram but the last, which may be shorter, when there are several, at most
    ///     ``UDPSocket/maximumSegments``; 0 for a single one.
    ///   - endpoint: of the family of the socket that the batch will be sent on.
    ///   - source: the address to send from, of the same family; nil leaves the choice to the routing table.
    ///   - tos: the TOS or traffic class byte of the outer header.
    package mutating func append(
        _ bytes: UnsafeRawBufferPointer, segmentSize: Int = 0, to endpoint: Endpoint, from source: SourceAddress? = nil,
        tos: UInt8 = 0
    ) -> Bool {
        guard count < capacity else { return false }
        let index = count
        let isSegmented = segmentSize > 0 && segmentSize < bytes.count
        let name = names + index * SocketAddress.capacity
        let control = controls + index * ControlMessage.sendCapacity
        var used = 0
        // The segment size comes first and the source last, so that either can be left out by moving an end.
        if isSegmented {
            used += ControlMessage.storeSegmentSize(UInt16(truncatingIfNeeded: segmentSize), to: control)
        }
        if tos != 0 {
            used += ControlMessage.storeTOS(tos, isIPv6: endpoint.address.isIPv6, to: control + used)
        }
        segmentSizes[index] = isSegmented ? segmentSize : 0
        if let source {
            used += ControlMessage.storeSource(source, to: control + used)
            sourced |= 1 << UInt64(index)
        }
        slices[index] = iovec(iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress), iov_len: bytes.count)
        messages[index].header.msg_name = name
        messages[index].header.msg_namelen = SocketAddress.store(endpoint, to: name)
        messages[index].header.msg_iov = slices + index
        messages[index].header.msg_iovlen = 1
        messages[index].header.msg_control = used > 0 ? control : nil
        messages[index].header.msg_controllen = numericCast(used)
        count += 1
        return true
    }

    /// Sends everything and empties the batch.
    package mutating func send(on socket: borrowing UDPSocket) -> SendReport {
        var report = SendReport()
        transmit(on: socket, &report)
        count = 0
        sourced = 0
        return report
    }

    /// Empties the batch without sending; returns how many datagrams it held.
    package mutating func discard() -> Int {
        let datagrams = (0..<count).reduce(0) { $0 + datagramCount($1) }
        count = 0
        sourced = 0
        return datagrams
    }

    func isSegmented(_ index: Int) -> Bool { segmentSizes[index] > 0 }

    func hasSource(_ index: Int) -> Bool { sourced & 1 << UInt64(index) != 0 }

    /// Leaves the routing table to choose the source.
    mutating func removeSource(_ index: Int) {
        let isIPv6 = messages[index].header.msg_namelen > MemoryLayout<sockaddr_in>.size
        let left = Int(messages[index].header.msg_controllen) - ControlMessage.sourceSpace(isIPv6: isIPv6)
        messages[index].header.msg_controllen = numericCast(left)
        if left == 0 { messages[index].header.msg_control = nil }
        sourced &= ~(1 << UInt64(index))
    }

    /// Datagrams of a message.
    func datagramCount(_ index: Int) -> Int {
        let size = segmentSizes[index]
        return size > 0 ? (slices[index].iov_len + size - 1) / size : 1
    }

    /// Fills ``parts`` with datagrams of a segmented message, from the `first` one; returns how many.
    func takeApart(_ index: Int, from first: Int) -> Int {
        let whole = messages[index].header
        let size = segmentSizes[index]
        let payload = UnsafeRawBufferPointer(start: slices[index].iov_base, count: slices[index].iov_len)
        let last = min(datagramCount(index), first + UDPSocket.maximumSegments)
        let controlLength = Int(whole.msg_controllen) - ControlMessage.segmentSpace
        for number in first..<last {
            let part = number - first
            let datagram = payload[number * size..<min(payload.count, (number + 1) * size)]
            let start = UnsafeRawBufferPointer(rebasing: datagram).baseAddress
            partSlices[part] = iovec(iov_base: UnsafeMutableRawPointer(mutating: start), iov_len: datagram.count)
            parts[part].header = whole
            parts[part].header.msg_iov = partSlices + part
            parts[part].header.msg_control = controlLength > 0 ? whole.msg_control + ControlMessage.segmentSpace : nil
            parts[part].header.msg_controllen = numericCast(controlLength)
        }
        return last - first
    }
}

/// What became of a ``SendBatch``.
package struct SendReport: Equatable, Sendable {
    /// Datagrams that the kernel took.
    package var sent = 0
    /// Datagrams that it refused.
    package var dropped = 0
    /// The last `errno` value that made datagrams drop; 0 when none did.
    package var error: Int32 = 0
    /// A bit for each message, in order of appending, whose source address was refused. It went without; forget it.
    package var refusedSources: UInt64 = 0
}
