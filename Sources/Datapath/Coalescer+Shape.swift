import Wire

extension Coalescer {
    /// What TCP or UDP packets are built like, so that their headers can be compared byte by byte: IPv4 without options or
    /// IPv6 without extension headers, then the transport header. Every packet that is given to it is longer than
    /// ``headerLength``.
    struct Shape: Equatable {
        /// Bytes of IP and transport header of the longest shape.
        static let maximumHeaderLength = IPPacket.headerSize6 + 60

        let isIPv6: Bool
        let isTCP: Bool
        /// Bytes of IP and transport header.
        let headerLength: Int

        /// Bytes of IP header.
        var networkLength: Int { isIPv6 ? IPPacket.headerSize6 : IPPacket.headerSize4 }

        var transport: UInt8 { isTCP ? TransportProtocol.tcp : TransportProtocol.udp }

        /// Whether the headers of two packets say the same, but for what differs between the segments of a super-packet:
        /// lengths, IPv4 identification, sequence number, PSH and checksums.
        @inline(__always)
        func headersAgree(_ left: UnsafeRawPointer, _ right: UnsafeRawPointer) -> Bool {
            func differ(_ offset: Int, in mask: UInt64 = .max) -> UInt64 {
                let difference =
                    left.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
                    ^ right.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
                return difference & mask.bigEndian
            }
            func differ32(_ offset: Int, in mask: UInt32 = .max) -> UInt64 {
                let difference =
                    left.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
                    ^ right.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
                return UInt64(difference & mask.bigEndian)
            }
            // Safe: all offsets lie in the headers.
            var difference: UInt64
            if isIPv6 {
                difference = differ(0, in: 0xffff_ffff_0000_ffff)
                difference |= differ(8) | differ(16) | differ(24) | differ(32)
            } else {
                difference = differ(0, in: 0xffff_0000_0000_ffff)
                difference |= differ(8, in: 0xffff_0000_ffff_ffff as UInt64) | differ32(16)
            }
            let ports = networkLength
            difference |= differ32(ports)
            guard isTCP else { return difference == 0 }
            let push = UInt64(TCPHeader.push) << 16
            difference |= differ(ports &+ TCPHeader.acknowledgement, in: ~push)
            difference |= differ32(ports &+ TCPHeader.checksum, in: 0x0000_ffff)
            var option = ports &+ TCPHeader.size
            while option < headerLength {
                difference |= differ32(option)
                option &+= 4
            }
            return difference == 0
        }

        /// Bytes of the packet, as its IP header says.
        @inline(__always)
        func statedLength(_ packet: UnsafeRawPointer) -> Int {
            isIPv6 ? Int(packet.bigEndian16(at: 4)) &+ IPPacket.headerSize6 : Int(packet.bigEndian16(at: 2))
        }

        /// Whether a UDP header says the same about the length as the IP header, which says `length`.
        @inline(__always)
        func lengthsAgree(_ packet: UnsafeRawPointer, _ length: Int) -> Bool {
            isTCP || Int(packet.bigEndian16(at: networkLength &+ UDPHeader.length)) == length &- networkLength
        }

        /// Whether the checksums of the transport and of the IPv4 header are there and right.
        @inline(__always)
        func hasRightChecksums(_ packet: UnsafeRawPointer, length: Int) -> Bool {
            if !isIPv6, !Checksum.isRight(Checksum.sumOfIPv4Header(packet)) { return false }
            let transportLength = length &- networkLength
            // A datagram without checksum would get one.
            if !isTCP, packet.bigEndian16(at: networkLength &+ UDPHeader.checksum) == 0 { return false }
            let pseudoHeader = Checksum.pseudoHeader(
                of: packet, isIPv6: isIPv6, nextHeader: transport, length: transportLength)
            return Checksum.isRight(pseudoHeader &+ Checksum.sum(packet + networkLength, count: transportLength))
        }

        /// The TCP sequence number.
        @inline(__always)
        func sequence(_ packet: UnsafeRawPointer) -> UInt32 {
            packet.bigEndian32(at: networkLength &+ TCPHeader.sequence)
        }

        /// Whether it is TCP with PSH.
        @inline(__always)
        func isPushed(_ packet: UnsafeRawPointer) -> Bool {
            isTCP && packet.bigEndian16(at: networkLength &+ TCPHeader.offsetAndFlags) & TCPHeader.push != 0
        }
    }
}
