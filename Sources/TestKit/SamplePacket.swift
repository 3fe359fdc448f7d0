package import Wire

/// IP packets for tests, with right lengths and checksums.
package enum SamplePacket {
    /// A UDP packet of `length` bytes, headers included, whose payload repeats `filling`.
    ///
    /// `length` has room for the headers: 28 bytes for IPv4, 48 for IPv6. Both addresses are of one family.
    package static func udp(
        from source: IPAddress, to destination: IPAddress, length: Int = 84, filling: [UInt8] = Array("nightjar".utf8),
        trafficClass: UInt8 = 0
    ) -> [UInt8] {
        let headerSize = source.isIPv6 ? IPPacket.headerSize6 : IPPacket.headerSize4
        precondition(length >= headerSize + 8 && !filling.isEmpty && source.isIPv6 == destination.isIPv6)
        let payload = (0..<length - headerSize - 8).map { filling[$0 % filling.count] }
        return IPDatagram.bytes(
            of: Datagram(
                source: Endpoint(source, port: 4000), destination: Endpoint(destination, port: 5000),
                payload: payload, trafficClass: trafficClass))
    }

    /// The packet with its source and destination exchanged; its checksums stay right.
    package static func reversed(_ packet: [UInt8]) -> [UInt8] {
        var reversed = packet
        let (first, second, size) = packet[0] >> 4 == 6 ? (8, 24, 16) : (12, 16, 4)
        for index in 0..<size { reversed.swapAt(first + index, second + index) }
        return reversed
    }
}

/// A datagram as an IP packet.
enum IPDatagram {
    static func bytes(of datagram: Datagram) -> [UInt8] {
        let udpLength = datagram.payload.count + 8
        var packet: [UInt8] = []
        switch (datagram.source.address, datagram.destination.address) {
        case (.v4(let source), .v4(let destination)):
            packet += [0x45, datagram.trafficClass] + bigEndian(UInt16(udpLength + IPPacket.headerSize4))
            packet += [0, 0, 0, 0, 64, TransportProtocol.udp, 0, 0]
            packet += bigEndian(source.value) + bigEndian(destination.value)
            store(checksum(of: packet[...]), in: &packet, at: 10)
        case (.v6(let source), .v6(let destination)):
            packet += [0x60 | datagram.trafficClass >> 4, datagram.trafficClass << 4, 0, 0]
            packet += bigEndian(UInt16(udpLength)) + [TransportProtocol.udp, 64]
            packet += bigEndian(source.high) + bigEndian(source.low)
            packet += bigEndian(destination.high) + bigEndian(destination.low)
        default:
            preconditionFailure("a datagram stays in its family")
        }
        let headerSize = packet.count
        packet += bigEndian(datagram.source.port) + bigEndian(datagram.destination.port)
        packet += bigEndian(UInt16(udpLength)) + [0, 0] + datagram.payload
        let addresses = packet[(headerSize == IPPacket.headerSize6 ? 8 : 12)..<headerSize]
        let pseudoHeader = addresses + [0, TransportProtocol.udp] + bigEndian(UInt16(udpLength))
        let sum = checksum(of: pseudoHeader + packet[headerSize...])
        store(sum == 0 ? 0xffff : sum, in: &packet, at: headerSize + 6)
        return packet
    }

    /// The Internet checksum (RFC 1071), byte by byte: slow, and so a check on the fast one.
    private static func checksum(of bytes: ArraySlice<UInt8>) -> UInt16 {
        var sum: UInt32 = 0
        for (position, byte) in bytes.enumerated() {
            sum += position.isMultiple(of: 2) ? UInt32(byte) << 8 : UInt32(byte)
        }
        while sum > 0xffff { sum = sum & 0xffff + sum >> 16 }
        return ~UInt16(sum)
    }

    private static func store(_ value: UInt16, in packet: inout [UInt8], at offset: Int) {
        packet.replaceSubrange(offset..<offset + 2, with: bigEndian(value))
    }

    private static func bigEndian(_ value: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: value.bigEndian) { Array($0) }
    }
}
