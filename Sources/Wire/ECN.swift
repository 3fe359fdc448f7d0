/// Explicit congestion notification between the packet inside and the datagram outside. Protocol §12, RFC 6040.
public enum ECN: UInt8, Sendable {
    case notCapable = 0
    case capable1 = 1
    case capable0 = 2
    case congestion = 3

    /// Takes the two low bits of a TOS byte or traffic class.
    @inlinable
    public init(trafficClass: UInt8) {
        switch trafficClass & 3 {
        case 0: self = .notCapable
        case 1: self = .capable1
        case 2: self = .capable0
        default: self = .congestion
        }
    }

    /// The mark of the datagram that carries a packet marked so. Congestion met before the tunnel isn't shown outside.
    @inlinable
    public var encapsulated: ECN { self == .congestion ? .capable0 : self }

    /// Marks the packet that came in a datagram marked `outer`: congestion outside is passed on to an ECN-capable
    /// packet, everything else leaves the packet as it is. The IPv4 header checksum stays right.
    ///
    /// `packet` is one that ``IPPacket`` accepts.
    @inlinable
    public static func decapsulate(outer: ECN, packet: UnsafeMutableRawPointer) {
        guard outer == .congestion else { return }
        // Safe: an accepted packet has at least 20 bytes.
        let first = packet.load(as: UInt8.self)
        let second = packet.load(fromByteOffset: 1, as: UInt8.self)
        if first >> 4 == 6 {
            guard second & 0x30 != 0 else { return }
            packet.storeBytes(of: second | 0x30, toByteOffset: 1, as: UInt8.self)
        } else {
            guard second & 3 != 0 else { return }
            let old = UnsafeRawPointer(packet).loadUnaligned(as: UInt16.self)
            packet.storeBytes(of: second | 3, toByteOffset: 1, as: UInt8.self)
            let new = UnsafeRawPointer(packet).loadUnaligned(as: UInt16.self)
            let checksum = UnsafeRawPointer(packet).loadUnaligned(fromByteOffset: 10, as: UInt16.self)
            packet.storeBytes(
                of: Checksum.replacing(old, by: new, in: checksum), toByteOffset: 10, as: UInt16.self)
        }
    }
}
