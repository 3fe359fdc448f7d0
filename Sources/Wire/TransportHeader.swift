/// Protocol numbers of IP payloads.
package enum TransportProtocol {
    package static let icmp: UInt8 = 1
    package static let tcp: UInt8 = 6
    package static let udp: UInt8 = 17
    package static let icmp6: UInt8 = 58
}

/// Offsets in a TCP header, in bytes, and bits of its flags (RFC 9293 §3.1).
package enum TCPHeader {
    /// Bytes without options.
    package static let size = 20
    package static let sequence = 4
    package static let acknowledgement = 8
    /// Two bytes: the data offset in units of four bytes, four bits of it, and the flags.
    package static let offsetAndFlags = 12
    package static let window = 14
    package static let checksum = 16
    package static let urgentPointer = 18

    package static let fin: UInt16 = 0x01
    package static let push: UInt16 = 0x08
    package static let acknowledge: UInt16 = 0x10
    package static let congestionWindowReduced: UInt16 = 0x80
    /// All bits of ``offsetAndFlags`` that aren't data offset, reserved ones included.
    package static let allFlags: UInt16 = 0x0fff
}

/// Offsets in a UDP header, in bytes.
package enum UDPHeader {
    package static let size = 8
    package static let length = 4
    package static let checksum = 6
}
