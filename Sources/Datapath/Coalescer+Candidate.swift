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
        /// Its header length counts for data only.
        private(set) var shape: Shape
        /// Bytes behind the headers; set for data only.
        private(set) var payload = 0

        /// `packet` has `length` bytes, of which none has been checked.
        @inline(__always)
        init(_ packet: UnsafeMutableRawPointer, length: Int, mergesTCP: Bool, mergesUDP: Bool) {
            start = packet
            role = .ofUnknownFlow
            shape = Shape(isIPv6: false, isTCP: false, headerLength: 0)
            // Safe: each length that is read further on is checked before.
            guard length >= IPPacket.headerSize4 else { return }
            let bytes = UnsafeRawPointer(packet)
            let first = bytes.load(as: UInt8.self)
            let nextHeader: UInt8
            let isIPv6 = first != 0x45
            if !isIPv6 {
                // More fragments, or a fragment offset.
                guard bytes.bigEndian16(at: 6) & 0x3fff == 0, Int(bytes.bigEndian16(at: 2)) == length else { return }
                nextHeader = bytes.load(fromByteOffset: 9, as: UInt8.self)
            } else {
                guard first >> 4 == 6, length >= IPPacket.headerSize6,
                    Int(bytes.bigEndian16(at: 4)) &+ IPPacket.headerSize6 == length
                else { return }
                nextHeader = bytes.load(fromByteOffset: 6, as: UInt8.self)
            }
            switch nextHeader {
            case TransportProtocol.tcp: lookAtTCP(length: length, isIPv6: isIPv6, mayMerge: mergesTCP)
            case TransportProtocol.udp: lookAtUDP(length: length, isIPv6: isIPv6, mayMerge: mergesUDP)
            default:
                if !isIPv6 || !IPPacket.isExtensionHeader(nextHeader) { role = .unrelated }
            }
        }

        /// Addresses and ports scrambled to 32 bits.
        var hash: UInt32 {
            let bytes = UnsafeRawPointer(start)
            var mixed = UInt64(bytes.loadUnaligned(fromByteOffset: shape.networkLength, as: UInt32.self))
            if shape.isIPv6 {
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
                bytes.loadUnaligned(fromByteOffset: shape.networkLength, as: UInt32.self)
                ^ other.loadUnaligned(fromByteOffset: shape.networkLength, as: UInt32.self)
            guard ports == 0 else { return false }
            return shape.isIPv6 ? (differ(8) | differ(16) | differ(24) | differ(32)) == 0 : differ(12) == 0
        }

        @inline(__always)
        private mutating func lookAtTCP(length: Int, isIPv6: Bool, mayMerge: Bool) {
            let transport = isIPv6 ? IPPacket.headerSize6 : IPPacket.headerSize4
            guard length >= transport &+ TCPHeader.size else { return }
            role = .ofFlow
            let word = UnsafeRawPointer(start).bigEndian16(at: transport &+ TCPHeader.offsetAndFlags)
            let transportLength = Int(word >> 12) &* 4
            shape = Shape(isIPv6: isIPv6, isTCP: true, headerLength: transport &+ transportLength)
            payload = length &- shape.headerLength
            let isPlain = word & TCPHeader.allFlags & ~TCPHeader.push == TCPHeader.acknowledge
            if mayMerge, isPlain, transportLength >= TCPHeader.size, payload > 0 { role = .data }
        }

        @inline(__always)
        private mutating func lookAtUDP(length: Int, isIPv6: Bool, mayMerge: Bool) {
            let transport = isIPv6 ? IPPacket.headerSize6 : IPPacket.headerSize4
            guard length >= transport &+ UDPHeader.size else { return }
            role = .ofFlow
            shape = Shape(isIPv6: isIPv6, isTCP: false, headerLength: transport &+ UDPHeader.size)
            payload = length &- shape.headerLength
            if mayMerge, shape.lengthsAgree(start, length), payload > 0 { role = .data }
        }

        private static func scramble(_ value: UInt64) -> UInt64 {
            let product = (value ^ value >> 29) &* 0x9e37_79b9_7f4a_7c15
            return product ^ product >> 32
        }
    }
}
