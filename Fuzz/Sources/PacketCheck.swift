import Wire

/// What holds for every packet that the parsers accept.
enum PacketCheck {
    /// Uses every view of `packet`, and answers it.
    static func look(at packet: IPPacket) {
        require(packet.length >= packet.headerLength, "a packet holds its header")
        _ = (packet.source, packet.destination, packet.ecn)
        if case .transport(_, let offset) = packet.payload {
            require(offset >= packet.headerLength, "the payload is behind the header")
        }
        answer(packet, room: Unreachable.maximumSize6)
        answer(packet, room: packet.length & 0xff)
    }

    /// The error about a packet fits, is a packet, and gets no error itself.
    private static func answer(_ packet: IPPacket, room: Int) {
        let buffer = ExactBuffer(count: room)
        guard let length = Unreachable.write(about: packet, into: buffer.bytes) else { return }
        let bytes = UnsafeRawBufferPointer(rebasing: buffer.readable[..<length])
        guard let error = IPPacket(bytes) else { fatalError("an error is a packet") }
        require(error.length == length, "an error is as long as it says")
        require(error.destination == packet.source, "an error goes to the sender")
        require(hasRightChecksums(error, transport: error.headerLength), "an error's checksums are right")
        require(Unreachable.write(about: error, into: ExactBuffer(count: 1280).bytes) == nil, "no error about an error")
    }

    /// Folded; 0xffff when the checksum in the header is right, and always so for IPv6.
    static func headerSum(_ packet: IPPacket) -> UInt16 {
        packet.isIPv6 ? 0xffff : Checksum.fold(Checksum.sum(packet.start, count: packet.headerLength))
    }

    /// Whether the checksums of the IPv4 header and of the transport, which begins at `transport`, are right.
    static func hasRightChecksums(_ packet: IPPacket, transport: Int) -> Bool {
        guard headerSum(packet) == 0xffff else { return false }
        let length = packet.length - transport
        var sum = Checksum.sum(packet.start + transport, count: length)
        if packet.nextHeader != TransportProtocol.icmp {
            sum &+= Checksum.pseudoHeader(
                of: packet.start, isIPv6: packet.isIPv6, nextHeader: packet.nextHeader, length: length)
        }
        return Checksum.fold(sum) == 0xffff
    }
}
