import Wire

extension Segmentation {
    /// The rules for super-packets. `packet` has been checked; `header` not.
    static func planSegments(
        header: VirtioHeader, packet: IPPacket
    ) -> Result<Segmentation, SegmentationFailure> {
        let isTCP: Bool
        switch header.segmentationType {
        case VirtioHeader.SegmentationType.udp:
            isTCP = false
        case VirtioHeader.SegmentationType.tcp4,
            VirtioHeader.SegmentationType.tcp4 | VirtioHeader.SegmentationType.ecn:
            guard !packet.isIPv6 else { return .failure(.mismatchedType) }
            isTCP = true
        case VirtioHeader.SegmentationType.tcp6,
            VirtioHeader.SegmentationType.tcp6 | VirtioHeader.SegmentationType.ecn:
            guard packet.isIPv6 else { return .failure(.mismatchedType) }
            isTCP = true
        default:
            return .failure(.unknownType)
        }
        guard header.segmentSize > 0 else { return .failure(.zeroSegmentSize) }

        // Without a checksum to complete the kernel tells no start; then there are no extension headers to skip either.
        let knowsStart = header.flags & VirtioHeader.needsChecksum != 0
        let start = knowsStart ? Int(header.checksumStart) : packet.headerLength
        let extended = packet.isIPv6 && knowsStart && start > packet.headerLength
        guard extended || start == packet.headerLength else { return .failure(.checksumOutOfBounds) }
        let transport = isTCP ? TransportProtocol.tcp : TransportProtocol.udp
        guard extended || packet.nextHeader == transport else { return .failure(.mismatchedType) }

        let room = packet.length - start
        guard room >= (isTCP ? TCPHeader.size : UDPHeader.size) else { return .failure(.malformedTransport) }
        var transportLength = UDPHeader.size
        if isTCP {
            transportLength = Int(packet.start.bigEndian16(at: start + TCPHeader.offsetAndFlags) >> 12) * 4
            guard transportLength >= TCPHeader.size, transportLength <= room else {
                return .failure(.malformedTransport)
            }
        }
        // Safe: all fields read below lie in the headers, whose lengths have been checked.
        let networkSum = packet.isIPv6 ? 0 : commonSum(ofIPv4Header: packet)
        let pseudoHeader =
            extended
            ? statedPseudoHeader(of: packet, start: start, isTCP: isTCP)
            : Checksum.pseudoHeader(of: packet.start, isIPv6: packet.isIPv6, nextHeader: transport, length: 0)
        let headerSum = commonSum(ofTransportHeader: packet.start + start, length: transportLength, isTCP: isTCP)
        return .success(
            Segmentation(
                packet: packet, transportStart: start, headerLength: start + transportLength,
                segmentSize: Int(header.segmentSize), isTCP: isTCP, networkSum: networkSum,
                transportSum: pseudoHeader &+ headerSum))
    }

    /// Without total length, identification and checksum.
    private static func commonSum(ofIPv4Header packet: IPPacket) -> UInt64 {
        Checksum.sum(packet.start, count: packet.headerLength)
            &+ without(packet.start, 2) &+ without(packet.start, 4) &+ without(packet.start, 10)
    }

    /// Without sequence number, flags and checksum, or without length and checksum.
    private static func commonSum(
        ofTransportHeader header: UnsafeRawPointer, length: Int, isTCP: Bool
    ) -> UInt64 {
        let sum = Checksum.sum(header, count: length)
        if isTCP {
            return sum &+ without(header, TCPHeader.sequence) &+ without(header, TCPHeader.sequence + 2)
                &+ without(header, TCPHeader.offsetAndFlags) &+ without(header, TCPHeader.checksum)
        }
        return sum &+ without(header, UDPHeader.length) &+ without(header, UDPHeader.checksum)
    }

    /// The pseudo-header's partial sum as the kernel left it in the checksum field, less the length. A routing header
    /// changes the destination that counts (RFC 8200 §8.1), so the addresses in the packet can't be used.
    private static func statedPseudoHeader(of packet: IPPacket, start: Int, isTCP: Bool) -> UInt64 {
        let field = start + (isTCP ? TCPHeader.checksum : UDPHeader.checksum)
        let length = Checksum.fold(Checksum.term(UInt32(truncatingIfNeeded: packet.length - start)))
        return UInt64(packet.start.loadUnaligned(fromByteOffset: field, as: UInt16.self)) &+ UInt64(~length)
    }

    /// What removes the 16-bit word at `offset` from a partial sum.
    private static func without(_ header: UnsafeRawPointer, _ offset: Int) -> UInt64 {
        UInt64(~header.loadUnaligned(fromByteOffset: offset, as: UInt16.self))
    }
}
