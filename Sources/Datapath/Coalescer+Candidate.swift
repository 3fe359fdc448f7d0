import Wire

extension Coalescer {
    /// What one packet is to the flows: the outcome of looking at its headers.
    struct Candidate {
        enum Role {
            /// TCP or UDP data that may be joined to its neighbours.
            case data
            /// TCP or UDP of a flow that can be told, but not to be joined.
            case ofFlow
            /// Possibly TCP or UDP of a flow that can't be told: a fragment, or hidden by options.
            case ofUnknownFlow
            /// Of no flow that could be joined.
            case unrelated
        }

        let start: UnsafeMutableRawPointer
        private(set) var role: Role
        private(set) var isIPv6 = false
        private(set) var isTCP = false
        /// TCP with PSH.
        private(set) var isPushed = false
        private(set) var networkLength = 0
        /// Bytes of IP and transport header; set for data only.
        private(set) var headerLength = 0
        /// Bytes behind the headers; set for data only.
        private(set) var payload = 0

        /// `packet` has `length` bytes, of which none has been checked.
        @inline(__always)
        init(_ packet: UnsafeMutableRawPointer, length: Int, mergesTCP: Bool, mergesUDP: Bool) {
            start = packet
            role = .ofUnknownFlow
            // Safe: each length that is read further on is checked before.
            guard length >= IPPacket.headerSize4 else { return }
            let bytes = UnsafeRawPointer(packet)
            let first = bytes.load(as: UInt8.self)
            let nextHeader: UInt8
            if first == 0x45 {
                // More fragments, or a fragment offset.
                guard bytes.bigEndian16(at: 6) & 0x3fff == 0, Int(bytes.bigEndian16(at: 2)) == length else { return }
                networkLength = IPPacket.headerSize4
                nextHeader = bytes.load(fromByteOffset: 9, as: UInt8.self)
            } else {
                guard first >> 4 == 6, length >= IPPacket.headerSize6,
                    Int(bytes.bigEndian16(at: 4)) &+ IPPacket.headerSize6 == length
                else { return }
                networkLength = IPPacket.headerSize6
                nextHeader = bytes.load(fromByteOffset: 6, as: UInt8.self)
                isIPv6 = true
            }
            switch nextHeader {
            case TransportProtocol.tcp: lookAtTCP(length: length, mayMerge: mergesTCP)
            case TransportProtocol.udp: lookAtUDP(length: length, mayMerge: mergesUDP)
            default:
                if !isIPv6 || !IPPacket.isExtensionHeader(nextHeader) { role = .unrelated }
            }
        }

        /// Addresses and ports scrambled to 32 bits.
        var hash: UInt32 {
            let bytes = UnsafeRawPointer(start)
            var mixed = UInt64(bytes.loadUnaligned(fromByteOffset: networkLength, as: UInt32.self))
            if isIPv6 {
                mixed ^= bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
                mixed = Self.scramble(mixed) ^ bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self)
                mixed = Self.scramble(mixed) ^ bytes.loadUnaligned(fromByteOffset: 24, as: UInt64.self)
                mixed = Self.scramble(mixed) ^ bytes.loadUnaligned(fromByteOffset: 32, as: UInt64.self)
            } else {
                mixed = Self.scramble(mixed) ^ bytes.loadUnaligned(fromByteOffset: 12, as: UInt64.self)
            }
            return UInt32(truncatingIfNeeded: Self.scramble(mixed) >> 32)
        }

        /// Whether both are of the same flow; the other one's protocol and version have been compared already.
        func hasSameEnds(as other: UnsafeRawPointer) -> Bool {
            let bytes = UnsafeRawPointer(start)
            func differ(_ offset: Int) -> UInt64 {
                bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
                    ^ other.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            }
            let ports =
                bytes.loadUnaligned(fromByteOffset: networkLength, as: UInt32.self)
                ^ other.loadUnaligned(fromByteOffset: networkLength, as: UInt32.self)
            guard ports == 0 else { return false }
            return isIPv6 ? (differ(8) | differ(16) | differ(24) | differ(32)) == 0 : differ(12) == 0
        }

        /// Whether the checksums of the transport and of the IPv4 header are right. For data only.
        var hasRightChecksums: Bool {
            let length = headerLength &+ payload
            // A right sum is 0xffff, for it can't be zero: the protocol number is in it.
            if !isIPv6, Checksum.fold(Checksum.sum(start, count: networkLength)) != 0xffff { return false }
            let transport = isTCP ? TransportProtocol.tcp : TransportProtocol.udp
            let pseudoHeader = Checksum.pseudoHeader(
                of: start, isIPv6: isIPv6, nextHeader: transport, length: length &- networkLength)
            let sum = pseudoHeader &+ Checksum.sum(start + networkLength, count: length &- networkLength)
            return Checksum.fold(sum) == 0xffff
        }

        @inline(__always)
        private mutating func lookAtTCP(length: Int, mayMerge: Bool) {
            guard length >= networkLength &+ TCPHeader.size else { return }
            isTCP = true
            role = .ofFlow
            let word = UnsafeRawPointer(start).bigEndian16(at: networkLength &+ TCPHeader.offsetAndFlags)
            let transportLength = Int(word >> 12) &* 4
            headerLength = networkLength &+ transportLength
            payload = length &- headerLength
            isPushed = word & TCPHeader.push != 0
            let isPlain = word & TCPHeader.allFlags & ~TCPHeader.push == TCPHeader.acknowledge
            if mayMerge, isPlain, transportLength >= TCPHeader.size, payload > 0 { role = .data }
        }

        @inline(__always)
        private mutating func lookAtUDP(length: Int, mayMerge: Bool) {
            guard length >= networkLength &+ UDPHeader.size else { return }
            role = .ofFlow
            let bytes = UnsafeRawPointer(start)
            headerLength = networkLength &+ UDPHeader.size
            payload = length &- headerLength
            // A datagram without checksum would get one.
            let hasChecksum = bytes.bigEndian16(at: networkLength &+ UDPHeader.checksum) != 0
            let lengthFits = Int(bytes.bigEndian16(at: networkLength &+ UDPHeader.length)) == length &- networkLength
            if mayMerge, hasChecksum, lengthFits, payload > 0 { role = .data }
        }

        private static func scramble(_ value: UInt64) -> UInt64 {
            let product = (value ^ value >> 29) &* 0x9e37_79b9_7f4a_7c15
            return product ^ product >> 32
        }
    }
}
