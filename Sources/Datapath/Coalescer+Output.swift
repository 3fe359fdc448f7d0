import Glibc
import Wire

extension Coalescer {
    /// The next thing to write, in order of first appearance; nil when all has been given. From the first call until
    /// ``reset()`` no packets may be added.
    package mutating func next() -> Output? {
        guard itemsWritten < itemCount else { return nil }
        let item = items[itemsWritten]
        itemsWritten &+= 1
        nextPartIndex = item.head
        savedLength = 0
        return item.parts == 1 ? single(item.head) : joined(item)
    }

    /// Takes apart what ``next()`` gave last: its packets one after another, as they were when added; nil after the last.
    /// For a kernel that refuses a super-packet (Datapath §1.3).
    package mutating func nextPart() -> Output? {
        guard nextPartIndex >= 0 else { return nil }
        let index = nextPartIndex
        let packet = packets[Int(index)]
        nextPartIndex = packet.next
        if savedLength > 0 {
            packet.start.copyMemory(from: savedHeader, byteCount: savedLength)
            savedLength = 0
        }
        return single(index)
    }

    private func single(_ index: Int32) -> Output {
        let packet = packets[Int(index)]
        setFirstSlice(packet, header: VirtioHeader())
        return Output(slices: UnsafeBufferPointer(start: slices, count: 1), length: slices[0].iov_len, partCount: 1)
    }

    private mutating func joined(_ item: Item) -> Output {
        let first = packets[Int(item.head)]
        savedHeader.copyMemory(from: first.start, byteCount: item.shape.headerLength)
        savedLength = item.shape.headerLength
        mendHeaders(of: first.start, item)

        var header = VirtioHeader()
        header.flags = VirtioHeader.needsChecksum
        header.segmentationType =
            item.shape.isTCP
            ? (item.shape.isIPv6 ? VirtioHeader.SegmentationType.tcp6 : VirtioHeader.SegmentationType.tcp4)
            : VirtioHeader.SegmentationType.udp
        // Safe: the lengths are parts of one that is at most 65535.
        header.headerLength = UInt16(truncatingIfNeeded: item.shape.headerLength)
        header.segmentSize = UInt16(truncatingIfNeeded: item.segmentSize)
        header.checksumStart = UInt16(truncatingIfNeeded: item.shape.networkLength)
        header.checksumOffset = UInt16(truncatingIfNeeded: item.shape.isTCP ? TCPHeader.checksum : UDPHeader.checksum)
        setFirstSlice(first, header: header)

        var count = 1
        var index = first.next
        // Safe: an item has at most as many parts as there are slices.
        while index >= 0 {
            let packet = packets[Int(index)]
            slices[count] = iovec(
                iov_base: packet.start + item.shape.headerLength,
                iov_len: packet.length &- item.shape.headerLength)
            count &+= 1
            index = packet.next
        }
        return Output(
            slices: UnsafeBufferPointer(start: slices, count: count),
            length: VirtioHeader.size &+ item.shape.headerLength &+ item.payload, partCount: count)
    }

    /// Makes the first slice a whole packet with `header` before it, if the device wants one.
    private func setFirstSlice(_ packet: Packet, header: VirtioHeader) {
        guard usesVirtioHeader else {
            slices[0] = iovec(iov_base: packet.start, iov_len: packet.length)
            return
        }
        // Safe: the caller of `add` has left this headroom.
        let start = packet.start - VirtioHeader.size
        header.store(to: start)
        slices[0] = iovec(iov_base: start, iov_len: packet.length &+ VirtioHeader.size)
    }

    /// Turns the headers of an item's first packet into those of the super-packet.
    private func mendHeaders(of start: UnsafeMutableRawPointer, _ item: Item) {
        // Safe: at most 65535 by the rules for joining.
        let length = item.shape.headerLength &+ item.payload
        let transportLength = length &- item.shape.networkLength
        if item.shape.isIPv6 {
            start.storeBigEndian(UInt16(truncatingIfNeeded: transportLength), at: 4)
        } else {
            start.storeBigEndian(UInt16(truncatingIfNeeded: length), at: 2)
            start.storeBytes(of: 0, toByteOffset: 10, as: UInt16.self)
            let sum = Checksum.sumOfIPv4Header(start)
            start.storeBytes(of: Checksum.finish(sum), toByteOffset: 10, as: UInt16.self)
        }
        let transport = start + item.shape.networkLength
        let pseudoHeader = Checksum.fold(
            Checksum.pseudoHeader(
                of: start, isIPv6: item.shape.isIPv6,
                nextHeader: item.shape.transport, length: transportLength))
        if item.shape.isTCP {
            if item.isPushed {
                let flags = UnsafeRawPointer(transport).bigEndian16(at: TCPHeader.offsetAndFlags)
                transport.storeBigEndian(flags | TCPHeader.push, at: TCPHeader.offsetAndFlags)
            }
            transport.storeBytes(of: pseudoHeader, toByteOffset: TCPHeader.checksum, as: UInt16.self)
        } else {
            transport.storeBigEndian(UInt16(truncatingIfNeeded: transportLength), at: UDPHeader.length)
            transport.storeBytes(of: pseudoHeader, toByteOffset: UDPHeader.checksum, as: UInt16.self)
        }
    }
}
