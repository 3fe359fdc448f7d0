/// Takes the packets out of a capture file, pcap or pcapng, which is handed to it piece by piece.
///
/// It holds no more than one record and one piece. Nothing in the file makes it trap, hang or grow.
package struct CaptureParser {
    private enum Format {
        case undecided
        case pcap(PcapFormat)
        case pcapng(PcapngFormat)
    }

    /// What a record parser made of the bytes in front of it.
    enum Step {
        /// A record of so many bytes, without a packet in it.
        case skip(Int)
        case packet(CapturedPacket, size: Int)
        /// Nothing can be said before there are so many bytes.
        case needs(Int)
    }

    /// Bytes that a packet may have: what tcpdump and Wireshark take at most.
    static let longestPacket = 262_144
    /// Bytes that any other record may have.
    static let longestBlock = 16 << 20

    private var format = Format.undecided
    private var buffer: [UInt8] = []
    /// Where the next record begins in `buffer`.
    private var position = 0
    /// Bytes of the file in front of `buffer`.
    private var base = 0

    package init() {}

    /// Whether a part of a record waits for its rest; at the end of a file the capture was cut off there.
    package var isInsideRecord: Bool { position < buffer.count }

    package mutating func append(_ bytes: some Collection<UInt8>) {
        if position > 0 {
            buffer.removeFirst(position)
            base += position
            position = 0
        }
        buffer += bytes
    }

    /// The next packet; nil when more of the file is needed for it.
    package mutating func next() throws(CaptureError) -> CapturedPacket? {
        while true {
            switch try step() {
            case .needs:
                return nil
            case .skip(let size):
                position += size
            case .packet(let packet, let size):
                position += size
                return packet
            }
        }
    }

    private mutating func step() throws(CaptureError) -> Step {
        let window = ByteWindow(bytes: buffer, start: position, offset: base + position)
        switch format {
        case .undecided:
            guard window.count >= 4 else { return .needs(4) }
            if let magic = window.number(at: 0, bigEndian: true), magic == PcapngFormat.sectionHeader {
                format = .pcapng(PcapngFormat())
                return .skip(0)
            }
            guard PcapFormat.order(of: window) != nil else { throw .noCapture }
            guard let pcap = PcapFormat(window) else { return .needs(PcapFormat.headerSize) }
            format = .pcap(pcap)
            return .skip(PcapFormat.headerSize)
        case .pcap(let pcap):
            return try pcap.step(window)
        case .pcapng(var pcapng):
            let result = try pcapng.step(window)
            format = .pcapng(pcapng)
            return result
        }
    }
}

/// The unread part of a file.
struct ByteWindow {
    let bytes: [UInt8]
    let start: Int
    /// Of the window's first byte in the file.
    let offset: Int

    var count: Int { bytes.count - start }

    func number(at position: Int, bigEndian: Bool) -> UInt32? {
        guard position >= 0, position <= count - 4 else { return nil }
        let value = bytes[(start + position)..<(start + position + 4)].reduce(0) { $0 << 8 | UInt32($1) }
        return bigEndian ? value : value.byteSwapped
    }

    func shortNumber(at position: Int, bigEndian: Bool) -> UInt16? {
        guard position >= 0, position <= count - 2 else { return nil }
        let value = UInt16(bytes[start + position]) << 8 | UInt16(bytes[start + position + 1])
        return bigEndian ? value : value.byteSwapped
    }

    func byte(at position: Int) -> UInt8? {
        position >= 0 && position < count ? bytes[start + position] : nil
    }

    /// A copy; nil when there are not so many bytes.
    func octets(at position: Int, count length: Int) -> Octets? {
        guard position >= 0, length >= 0, position <= count, length <= count - position else { return nil }
        return Octets(Array(bytes[(start + position)..<(start + position + length)]))
    }
}
