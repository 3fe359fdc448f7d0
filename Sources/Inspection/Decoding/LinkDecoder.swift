/// Finds the IP packet in a captured frame.
enum LinkDecoder {
    private static let ipv4Type: UInt16 = 0x0800
    private static let ipv6Type: UInt16 = 0x86dd
    private static let tagTypes: Set<UInt16> = [0x8100, 0x88a8, 0x9100]
    /// Tags that one frame may carry.
    private static let mostTags = 4

    /// The bytes from the IP header on; nil for what is no IP, or of a kind of link that isn't known here.
    static func packet(in frame: CapturedPacket) -> Octets? {
        let bytes = frame.bytes
        switch frame.link {
        case .raw, .ipv4, .ipv6, LinkType.olderRaw[0], LinkType.olderRaw[1]:
            return bytes
        case .null, .loop:
            return bytes.dropFirst(4)
        case .ethernet:
            return afterTags(bytes, type: bytes.bigEndian16(at: 12), header: 14)
        case .cooked:
            return afterTags(bytes, type: bytes.bigEndian16(at: 14), header: 16)
        case .cooked2:
            return afterTags(bytes, type: bytes.bigEndian16(at: 0), header: 20)
        default:
            return nil
        }
    }

    private static func afterTags(_ bytes: Octets, type: UInt16?, header: Int) -> Octets? {
        var (type, position) = (type, header)
        for _ in 0...mostTags {
            guard let known = type else { return nil }
            if known == ipv4Type || known == ipv6Type { return bytes.dropFirst(position) }
            guard tagTypes.contains(known) else { return nil }
            type = bytes.bigEndian16(at: position + 2)
            position += 4
        }
        return nil
    }
}
