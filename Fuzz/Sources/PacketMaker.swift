import Wire

/// Packets from input bytes, mended here and there so that not all of them fail at their first byte: each has an options
/// byte, two bytes of length, and its own.
enum PacketMaker {
    /// Bits of a packet's options.
    private enum Option {
        static let rightLengths: UInt8 = 1
        static let rightChecksums: UInt8 = 2
        /// The bytes are payload that follows that of the packet before, in the same flow.
        static let follows: UInt8 = 4
        /// Two more bytes say where the packet is altered after all, and which bits are flipped there.
        static let altered: UInt8 = 8
    }

    /// The next packet; nil when it has no bytes.
    static func next(_ input: inout Input, after previous: [UInt8]?) -> [UInt8]? {
        let options = input.byte()
        let alteration = options & Option.altered == 0 ? (0, 0) : (Int(input.byte()), input.byte())
        let length = Int(input.number(UInt16.self) & 0x7ff)
        let bytes = Array(input.bytes(length))
        guard var packet = mended(bytes, options, after: previous), !packet.isEmpty else { return nil }
        packet[alteration.0 % packet.count] ^= alteration.1
        return packet
    }

    private static func mended(_ bytes: [UInt8], _ options: UInt8, after previous: [UInt8]?) -> [UInt8]? {
        if options & Option.follows != 0 { return previous.flatMap { follower(of: $0, payload: bytes) } }
        var packet = bytes
        if options & Option.rightLengths != 0 { mendLengths(&packet) }
        if options & Option.rightChecksums != 0 { mendChecksums(&packet) }
        return packet
    }

    /// A packet as ``next(_:after:)`` reads it.
    static func record(_ packet: [UInt8]) -> [UInt8] {
        [Option.rightLengths | Option.rightChecksums] + littleEndian(UInt16(packet.count)) + packet
    }

    /// TCP packets of one flow in sequence, with payloads of these lengths.
    static func tcpRun(isIPv6: Bool, _ payloads: [Int]) -> [[UInt8]] {
        let source: [UInt8] =
            isIPv6 ? [0x20, 0x01, 0x0d, 0xb8] + [UInt8](repeating: 0, count: 11) + [1] : [10, 0, 0, 1]
        var sequence: UInt32 = 0xffff_ff00
        return payloads.map { payload in
            var packet: [UInt8] =
                isIPv6
                ? [0x60, 0, 0, 0, 0, 0, TransportProtocol.tcp, 64]
                : [0x45, 0, 0, 0, 0, 1, 0x40, 0, 64, TransportProtocol.tcp, 0, 0]
            packet += source + source.dropLast() + [2]
            packet += [0x12, 0x34, 0, 80] + bigEndian(sequence) + [0, 0, 0, 9, 0x50, 0x10, 1, 0, 0, 0, 0, 0]
            packet += (0..<payload).map { UInt8(truncatingIfNeeded: $0) }
            sequence &+= UInt32(payload)
            mendLengths(&packet)
            mendChecksums(&packet)
            return packet
        }
    }

    /// Makes the lengths in the headers those of the packet.
    static func mendLengths(_ packet: inout [UInt8]) {
        guard let transport = transportStart(packet) else { return }
        if packet[0] >> 4 == 4 {
            packet.replaceSubrange(2..<4, with: bigEndian(UInt16(truncatingIfNeeded: packet.count)))
        } else {
            packet.replaceSubrange(4..<6, with: bigEndian(UInt16(truncatingIfNeeded: packet.count - 40)))
        }
        if nextHeader(packet) == TransportProtocol.udp, packet.count >= transport + UDPHeader.size {
            let length = UInt16(truncatingIfNeeded: packet.count - transport)
            packet.replaceSubrange(transport + 4..<transport + 6, with: bigEndian(length))
        }
    }

    /// Makes the checksums of a whole TCP or UDP packet right.
    static func mendChecksums(_ packet: inout [UInt8]) {
        guard let transport = transportStart(packet) else { return }
        let isIPv6 = packet[0] >> 4 == 6
        let next = nextHeader(packet)
        let field: Int
        switch next {
        case TransportProtocol.tcp where packet.count >= transport + TCPHeader.size:
            field = transport + TCPHeader.checksum
        case TransportProtocol.udp where packet.count >= transport + UDPHeader.size:
            field = transport + UDPHeader.checksum
        default: return
        }
        packet.withUnsafeMutableBytes { bytes in
            guard let start = bytes.baseAddress else { return }
            let length = bytes.count - transport
            if !isIPv6 {
                start.storeBytes(of: 0, toByteOffset: 10, as: UInt16.self)
                start.storeBytes(
                    of: Checksum.finish(Checksum.sum(start, count: transport)), toByteOffset: 10, as: UInt16.self)
            }
            start.storeBytes(of: 0, toByteOffset: field, as: UInt16.self)
            let sum =
                Checksum.pseudoHeader(of: start, isIPv6: isIPv6, nextHeader: next, length: length)
                &+ Checksum.sum(start + transport, count: length)
            let checksum = Checksum.finish(sum)
            start.storeBytes(of: checksum == 0 ? 0xffff : checksum, toByteOffset: field, as: UInt16.self)
        }
    }

    /// The next packet of a flow, or nil when there is no whole header to continue.
    private static func follower(of previous: [UInt8], payload: [UInt8]) -> [UInt8]? {
        guard let transport = transportStart(previous) else { return nil }
        var header = transport + UDPHeader.size
        if nextHeader(previous) == TransportProtocol.tcp {
            guard previous.count >= transport + TCPHeader.size else { return nil }
            header = transport + Int(previous[transport + 12] >> 4) * 4
        }
        guard header >= transport + UDPHeader.size, previous.count >= header else { return nil }
        var packet = Array(previous[..<header]) + payload
        if nextHeader(previous) == TransportProtocol.tcp, header >= transport + TCPHeader.size {
            let sequence = previous[transport + 4..<transport + 8].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            let next = sequence &+ UInt32(truncatingIfNeeded: previous.count - header)
            packet.replaceSubrange(transport + 4..<transport + 8, with: bigEndian(next))
        }
        mendLengths(&packet)
        mendChecksums(&packet)
        return packet
    }

    private static func transportStart(_ packet: [UInt8]) -> Int? {
        guard let first = packet.first else { return nil }
        let start = first >> 4 == 4 ? Int(first & 15) * 4 : (first >> 4 == 6 ? 40 : 0)
        return start >= 20 && packet.count >= start ? start : nil
    }

    private static func nextHeader(_ packet: [UInt8]) -> UInt8 {
        packet[0] >> 4 == 6 ? packet[6] : packet[9]
    }
}
