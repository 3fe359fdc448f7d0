import Wire

extension Segmentation {
    /// Writes segment `index`, which is below ``segmentCount``, to `target` with its lengths, identification, sequence
    /// number, flags and checksums, and returns its length. `target` has room for ``maximumLength`` bytes and doesn't
    /// overlap the packet.
    package func write(segment index: Int, to target: UnsafeMutableRawPointer) -> Int {
        precondition(index >= 0 && index < segmentCount)
        guard segmentSize > 0 else {
            target.copyMemory(from: packet.start, byteCount: packet.length)
            return packet.length
        }
        // Safe: `index < segmentCount` keeps the offset within the payload, which is shorter than 2¹⁷.
        let offset = index &* segmentSize
        let size = min(segmentSize, payloadLength &- offset)
        let length = headerLength &+ size
        target.copyMemory(from: packet.start, byteCount: headerLength)
        let payloadSum = Checksum.copy(
            from: packet.start + (headerLength &+ offset), to: target + headerLength, count: size)

        if packet.isIPv6 {
            target.storeBigEndian(UInt16(truncatingIfNeeded: length &- IPPacket.headerSize6), at: 4)
        } else {
            mendNetwork4(target, index: index, length: UInt16(truncatingIfNeeded: length))
        }
        let transport = target + transportStart
        // Safe: some partial sums of less than 2³³ each.
        let sum = transportSum &+ payloadSum &+ Checksum.term(UInt32(truncatingIfNeeded: length &- transportStart))
        if isTCP {
            mendTCP(transport, sum: sum, offset: offset, isFirst: index == 0, isLast: index == segmentCount &- 1)
        } else {
            mendUDP(transport, sum: sum, length: UInt16(truncatingIfNeeded: length &- transportStart))
        }
        return length
    }

    @inline(__always)
    private func mendNetwork4(_ header: UnsafeMutableRawPointer, index: Int, length: UInt16) {
        let identification = packet.start.bigEndian16(at: 4) &+ UInt16(truncatingIfNeeded: index)
        header.storeBigEndian(length, at: 2)
        header.storeBigEndian(identification, at: 4)
        let sum = networkSum &+ Checksum.term(length) &+ Checksum.term(identification)
        header.storeBytes(of: Checksum.finish(sum), toByteOffset: 10, as: UInt16.self)
    }

    @inline(__always)
    private func mendTCP(
        _ header: UnsafeMutableRawPointer, sum: UInt64, offset: Int, isFirst: Bool, isLast: Bool
    ) {
        let original = packet.start + transportStart
        let sequence = original.bigEndian32(at: TCPHeader.sequence) &+ UInt32(truncatingIfNeeded: offset)
        var flags = original.bigEndian16(at: TCPHeader.offsetAndFlags)
        if !isFirst { flags &= ~TCPHeader.congestionWindowReduced }
        if !isLast { flags &= ~(TCPHeader.fin | TCPHeader.push) }
        header.storeBigEndian(sequence, at: TCPHeader.sequence)
        header.storeBigEndian(flags, at: TCPHeader.offsetAndFlags)
        let checksum = Checksum.finish(sum &+ Checksum.term(sequence) &+ Checksum.term(flags))
        header.storeBytes(of: checksum, toByteOffset: TCPHeader.checksum, as: UInt16.self)
    }

    @inline(__always)
    private func mendUDP(_ header: UnsafeMutableRawPointer, sum: UInt64, length: UInt16) {
        header.storeBigEndian(length, at: UDPHeader.length)
        // Zero would mean that there is no checksum.
        let checksum = Checksum.finish(sum &+ Checksum.term(length))
        header.storeBytes(of: checksum == 0 ? 0xffff : checksum, toByteOffset: UDPHeader.checksum, as: UInt16.self)
    }
}
