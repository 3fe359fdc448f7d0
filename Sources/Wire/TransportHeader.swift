/// Protocol numbers of IP payloads.
public enum TransportProtocol {
    @inlinable public static var icmp: UInt8 { 1 }
    @inlinable public static var tcp: UInt8 { 6 }
    @inlinable public static var udp: UInt8 { 17 }
    @inlinable public static var icmp6: UInt8 { 58 }
}

/// Offsets in a TCP header, in bytes, and bits of its flags (RFC 9293 §3.1).
public enum TCPHeader {
    /// Bytes without options.
    @inlinable public static var size: Int { 20 }
    @inlinable public static var sequence: Int { 4 }
    @inlinable public static var acknowledgement: Int { 8 }
    /// Two bytes: the data offset in units of four bytes, four bits of it, and the flags.
    @inlinable public static var offsetAndFlags: Int { 12 }
    @inlinable public static var checksum: Int { 16 }

    @inlinable public static var fin: UInt16 { 0x01 }
    @inlinable public static var push: UInt16 { 0x08 }
    @inlinable public static var acknowledge: UInt16 { 0x10 }
    @inlinable public static var congestionWindowReduced: UInt16 { 0x80 }
    /// All bits of ``offsetAndFlags`` that aren't data offset, reserved ones included.
    @inlinable public static var allFlags: UInt16 { 0x0fff }
}

/// Offsets in a UDP header, in bytes.
public enum UDPHeader {
    @inlinable public static var size: Int { 8 }
    @inlinable public static var length: Int { 4 }
    @inlinable public static var checksum: Int { 6 }
}
