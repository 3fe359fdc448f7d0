/// The older capture file: one header for all, then packets.
struct PcapFormat {
    static let headerSize = 24
    private static let recordHeaderSize = 16
    private static let microseconds: UInt32 = 0xa1b2_c3d4
    private static let nanoseconds: UInt32 = 0xa1b2_3c4d

    private let isBigEndian: Bool
    private let link: LinkType
    /// Nanoseconds in the smaller unit of time.
    private let unit: Int64

    /// Nil when the header isn't all there.
    init?(_ window: ByteWindow) {
        guard let order = Self.order(of: window), window.count >= Self.headerSize,
            let network = window.number(at: 20, bigEndian: order.isBigEndian)
        else { return nil }
        isBigEndian = order.isBigEndian
        unit = order.unit
        // The upper half tells of checksums behind the packets, which the lengths in them leave out.
        link = LinkType(network & 0xffff)
    }

    /// The order of bytes and the unit of time that the first four bytes tell; nil when they are another file's.
    static func order(of window: ByteWindow) -> (isBigEndian: Bool, unit: Int64)? {
        for isBigEndian in [false, true] {
            switch window.number(at: 0, bigEndian: isBigEndian) {
            case microseconds: return (isBigEndian, 1000)
            case nanoseconds: return (isBigEndian, 1)
            default: continue
            }
        }
        return nil
    }

    func step(_ window: ByteWindow) throws(CaptureError) -> CaptureParser.Step {
        guard let seconds = window.number(at: 0, bigEndian: isBigEndian),
            let fraction = window.number(at: 4, bigEndian: isBigEndian),
            let captured = window.number(at: 8, bigEndian: isBigEndian),
            let original = window.number(at: 12, bigEndian: isBigEndian)
        else { return .needs(Self.recordHeaderSize) }
        let length = Int(captured)
        guard length <= CaptureParser.longestPacket else {
            throw .damaged(offset: window.offset, what: "a packet of \(length) bytes")
        }
        let size = Self.recordHeaderSize + length
        guard let bytes = window.octets(at: Self.recordHeaderSize, count: length) else { return .needs(size) }
        // Safe: 2^32 seconds and 2^32 microseconds are less than 2^63 nanoseconds.
        let time = Int64(seconds) * 1_000_000_000 + Int64(fraction) * unit
        return .packet(
            CapturedPacket(time: time, link: link, originalLength: Int(original), bytes: bytes), size: size)
    }
}
