/// Protocol numbers of IP payloads.
package enum TransportProtocol {
    @inlinable package static var icmp: UInt8 { 1 }
    @inlinable package static var tcp: UInt8 { 6 }
    @inlinable package static var udp: UInt8 { 17 }
    @inlinable package static var icmp6: UInt8 { 58 }
}

/// Offsets in a TCP header, in bytes, and bits of its flags (RFC 9293 §3.1).
package enum TCPHeader {
    /// Bytes without options.
    @inlinable package static var size: Int { 20 }
    @inlinable package static var sequence: Int { 4 }
    @inlinable package static var acknowledgement: Int { 8 }
    /// Two bytes: the data offset in units of four bytes, four bits of it, and the flags.
    @inlinable package static var offsetAndFlags: Int { 12 }
    @inlinable package static var window: Int { 14 }
    @inlinable package static var checksum: Int { 16 }
    @inlinable package static var urgentPointer: Int { 18 }

    @inlinable package static var fin: UInt16 { 0x01 }
    @inlinable package static var push: UInt16 { 0x08 }
    @inlinable package static var acknowledge: UInt16 { 0x10 }
    @inlinable package static var congestionWindowReduced: UInt16 { 0x80 }
    /// All bits of ``offsetAndFlags`` that aren't data offset, reserved ones included.
    @inlinable package static var allFlags: UInt16 { 0x0fff }
}

/// Offsets in a UDP header, in bytes.
package enum UDPHeader {
    @inlinable package static var size: Int { 8 }
    @inlinable package static var length: Int { 4 }
    @inlinable package static var checksum: Int { 6 }
}
