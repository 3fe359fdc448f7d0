/// A checked view of the IP packet at the start of some bytes, which may be followed by padding. Protocol §7.
///
/// It holds a pointer to the bytes, which must outlive it.
public struct IPPacket {
    /// Bytes of an IPv4 header without options.
    @inlinable public static var headerSize4: Int { 20 }
    /// Bytes of an IPv6 header without extension headers.
    @inlinable public static var headerSize6: Int { 40 }

    /// The first byte of the packet.
    public let start: UnsafeRawPointer
    /// Bytes of the packet, headers included, without padding.
    public let length: Int
    /// Bytes of the IPv4 header with its options, or 40: extension headers of IPv6 count as payload.
    public let headerLength: Int
    public let isIPv6: Bool

    /// Nil unless `bytes` begins with an IPv4 or IPv6 header whose lengths fit in `bytes`. No checksum is verified.
    @inlinable
    @inline(__always)
    public init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= Self.headerSize4, let start = bytes.baseAddress else { return nil }
        let first = start.load(as: UInt8.self)
        if first >> 4 == 4 {
            length = Int(start.bigEndian16(at: 2))
            headerLength = Int(first & 15) &* 4
            isIPv6 = false
            guard headerLength >= Self.headerSize4, length >= headerLength else { return nil }
        } else {
            guard first >> 4 == 6, bytes.count >= Self.headerSize6 else { return nil }
            length = Int(start.bigEndian16(at: 4)) &+ Self.headerSize6
            headerLength = Self.headerSize6
            isIPv6 = true
        }
        guard length <= bytes.count else { return nil }
        self.start = start
    }

    @inlinable
    public var source: IPAddress {
        isIPv6 ? .v6(IPv6Address(loading: start + 8)) : .v4(IPv4Address(loading: start + 12))
    }

    @inlinable
    public var destination: IPAddress {
        isIPv6 ? .v6(IPv6Address(loading: start + 24)) : .v4(IPv4Address(loading: start + 16))
    }

    /// The TOS byte or the traffic class: DSCP and ECN.
    @inlinable
    public var trafficClass: UInt8 {
        let second = start.load(fromByteOffset: 1, as: UInt8.self)
        return isIPv6 ? start.load(as: UInt8.self) << 4 | second >> 4 : second
    }

    @inlinable
    public var ecn: ECN { ECN(trafficClass: trafficClass) }

    /// The protocol of the payload, in IPv6 the first next header; see ``TransportProtocol``.
    @inlinable
    public var nextHeader: UInt8 { start.load(fromByteOffset: isIPv6 ? 6 : 9, as: UInt8.self) }
}
