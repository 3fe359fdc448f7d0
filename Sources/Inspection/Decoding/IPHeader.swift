import Wire

/// What the headers of IPv4 or IPv6 say, extension headers included.
struct IPHeader {
    let source: IPAddress
    let destination: IPAddress
    let trafficClass: UInt8
    let upperProtocol: UInt8
    /// As much as was captured, without what the link added behind the packet.
    let payload: Octets
    /// Bytes on the wire.
    let payloadLength: Int
    let isFragmented: Bool
    /// Bytes.
    let fragmentOffset: Int

    /// Extension headers that a packet may carry.
    private static let mostExtensions = 16

    /// - Parameter missing: bytes that the capture left out.
    init?(version4 bytes: Octets, missing: Int) {
        guard let first = bytes[0], let service = bytes[1], let total = bytes.bigEndian16(at: 2),
            let fragment = bytes.bigEndian16(at: 6), let next = bytes[9], bytes.count >= 20
        else { return nil }
        let size = Int(first & 0x0f) * 4
        // A packet that was captured before its segmentation may have no length.
        let length = total == 0 ? bytes.count + missing : Int(total)
        guard size >= 20, length >= size, bytes.count >= size else { return nil }
        source = .v4(bytes.dropFirst(12).address4)
        destination = .v4(bytes.dropFirst(16).address4)
        trafficClass = service
        upperProtocol = next
        payload = bytes.prefix(length).dropFirst(size)
        payloadLength = length - size
        isFragmented = fragment & 0x3fff != 0
        fragmentOffset = Int(fragment & 0x1fff) * 8
    }

    /// - Parameter missing: bytes that the capture left out.
    init?(version6 bytes: Octets, missing: Int) {
        guard let first = bytes.bigEndian32(at: 0), let announced = bytes.bigEndian16(at: 4), var next = bytes[6],
            bytes.count >= 40
        else { return nil }
        // A jumbogram, or a packet that was captured before its segmentation, has no length here.
        let length = announced == 0 ? bytes.count - 40 + missing : Int(announced)
        let rest = bytes.dropFirst(40).prefix(length)
        var (position, isFragmented, fragmentOffset) = (0, false, 0)
        extensions: for _ in 0..<Self.mostExtensions {
            guard fragmentOffset == 0 else { break }
            switch next {
            case 0, 43, 60, 135, 139, 140:
                guard let following = rest[position], let size = rest[position + 1] else { return nil }
                next = following
                position += (Int(size) + 1) * 8
            case 44:
                guard let following = rest[position], let field = rest.bigEndian16(at: position + 2) else { return nil }
                next = following
                position += 8
                isFragmented = field & 0xfff9 != 0
                fragmentOffset = Int(field >> 3) * 8
            case 51:
                guard let following = rest[position], let size = rest[position + 1] else { return nil }
                next = following
                position += (Int(size) + 2) * 4
            default:
                break extensions
            }
        }
        guard position <= length else { return nil }
        source = .v6(bytes.dropFirst(8).address6)
        destination = .v6(bytes.dropFirst(24).address6)
        trafficClass = UInt8(truncatingIfNeeded: first >> 20)
        upperProtocol = next
        payload = rest.dropFirst(position)
        payloadLength = length - position
        self.isFragmented = isFragmented
        self.fragmentOffset = fragmentOffset
    }
}

extension Octets {
    /// Zeros stand for what isn't there.
    fileprivate var address4: IPv4Address { IPv4Address(bigEndian32(at: 0) ?? 0) }

    fileprivate var address6: IPv6Address {
        IPv6Address(high: bigEndian64(at: 0) ?? 0, low: bigEndian64(at: 8) ?? 0)
    }
}
