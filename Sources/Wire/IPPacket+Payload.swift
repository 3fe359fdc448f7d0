extension IPPacket {
    /// What a packet carries beneath IP.
    public enum Payload: Equatable, Sendable {
        /// The protocol number, and where its header begins. Nothing is said about how much of it is there.
        case transport(UInt8, offset: Int)
        /// A fragment other than the first: its transport header is in another packet.
        case laterFragment
        /// Headers that end before they should.
        case truncated
    }

    /// Finds the transport header behind IPv4 options or IPv6 extension headers (RFC 8200 §4).
    public var payload: Payload {
        guard isIPv6 else {
            let fragmentOffset = start.bigEndian16(at: 6) & 0x1fff
            return fragmentOffset == 0 ? .transport(nextHeader, offset: headerLength) : .laterFragment
        }
        var header = nextHeader
        var offset = headerLength
        // Ends, because each turn moves on by at least eight bytes. Safe: `offset` stays below 65575 + 2048.
        while Self.isExtensionHeader(header) {
            guard length - offset >= 8 else { return .truncated }
            let units = Int(start.load(fromByteOffset: offset + 1, as: UInt8.self))
            let size: Int
            switch header {
            case Self.fragment:
                guard start.bigEndian16(at: offset + 2) & 0xfff8 == 0 else { return .laterFragment }
                size = 8
            case Self.authentication:
                // Counted in units of four bytes (RFC 4302 §2.2); the shortest is rounded up so that the walk ends.
                size = max(8, (units + 2) * 4)
            default:
                size = (units + 1) * 8
            }
            header = start.load(fromByteOffset: offset, as: UInt8.self)
            offset += size
        }
        return .transport(header, offset: offset)
    }

    /// Whether in IPv6 another header follows one of this number.
    @inlinable
    public static func isExtensionHeader(_ number: UInt8) -> Bool {
        switch number {
        case hopByHop, routing, fragment, authentication, destination, mobility: true
        default: false
        }
    }

    @usableFromInline static let hopByHop: UInt8 = 0
    @usableFromInline static let routing: UInt8 = 43
    @usableFromInline static let fragment: UInt8 = 44
    @usableFromInline static let authentication: UInt8 = 51
    @usableFromInline static let destination: UInt8 = 60
    @usableFromInline static let mobility: UInt8 = 135
}
