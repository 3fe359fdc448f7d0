/// The newer capture file: sections of blocks, with any number of interfaces.
struct PcapngFormat {
    static let sectionHeader: UInt32 = 0x0a0d_0d0a
    private static let byteOrderMagic: UInt32 = 0x1a2b_3c4d
    private static let mostInterfaces = 4096

    private enum Block {
        static let interface: UInt32 = 1
        static let packet: UInt32 = 2
        static let simplePacket: UInt32 = 3
        static let enhancedPacket: UInt32 = 6
    }

    private struct Interface {
        var link: LinkType
        var snapLength: Int
        var clock = PcapngClock()
    }

    private var isBigEndian = false
    private var interfaces: [Interface] = []
    /// A simple packet has no time of its own.
    private var lastTime: Int64 = 0

    mutating func step(_ window: ByteWindow) throws(CaptureError) -> CaptureParser.Step {
        guard window.count >= 12, let type = window.number(at: 0, bigEndian: isBigEndian) else { return .needs(12) }
        if type == Self.sectionHeader {
            switch Self.byteOrderMagic {
            case window.number(at: 8, bigEndian: false): isBigEndian = false
            case window.number(at: 8, bigEndian: true): isBigEndian = true
            default: throw .damaged(offset: window.offset, what: "a section without an order of bytes")
            }
            interfaces = []
        }
        guard let announced = window.number(at: 4, bigEndian: isBigEndian) else { return .needs(12) }
        let size = Int(announced)
        guard size >= 12, size <= CaptureParser.longestBlock else {
            throw .damaged(offset: window.offset, what: "a block of \(size) bytes")
        }
        guard window.count >= size else { return .needs(size) }
        // The length is repeated behind the body.
        let body = 8..<(size - 4)
        switch type {
        case Block.interface:
            addInterface(window, body)
        case Block.enhancedPacket:
            return packet(
                window, body, interface: window.number(at: 8, bigEndian: isBigEndian).map(Int.init), size: size)
        case Block.packet:
            return packet(
                window, body, interface: window.shortNumber(at: 8, bigEndian: isBigEndian).map(Int.init), size: size)
        case Block.simplePacket:
            return simplePacket(window, body, size: size)
        default:
            break
        }
        return .skip(size)
    }

    private mutating func addInterface(_ window: ByteWindow, _ body: Range<Int>) {
        guard interfaces.count < Self.mostInterfaces, body.count >= 8,
            let link = window.shortNumber(at: 8, bigEndian: isBigEndian),
            let snapLength = window.number(at: 12, bigEndian: isBigEndian)
        else { return }
        var interface = Interface(link: LinkType(UInt32(link)), snapLength: Int(snapLength))
        var position = 16
        while position + 4 <= body.upperBound, let code = window.shortNumber(at: position, bigEndian: isBigEndian),
            let length = window.shortNumber(at: position + 2, bigEndian: isBigEndian), code != 0,
            position + 4 + Int(length) <= body.upperBound
        {
            interface.clock.take(
                option: code, window, at: position + 4, length: Int(length), isBigEndian: isBigEndian)
            position += 4 + (Int(length) + 3) / 4 * 4
        }
        interfaces.append(interface)
    }

    private mutating func packet(
        _ window: ByteWindow, _ body: Range<Int>, interface number: Int?, size: Int
    ) -> CaptureParser.Step {
        guard let number, number < interfaces.count, body.count >= 20,
            let high = window.number(at: 12, bigEndian: isBigEndian),
            let low = window.number(at: 16, bigEndian: isBigEndian),
            let captured = window.number(at: 20, bigEndian: isBigEndian),
            let original = window.number(at: 24, bigEndian: isBigEndian),
            let bytes = window.octets(at: 28, count: min(Int(captured), body.upperBound - 28))
        else { return .skip(size) }
        let interface = interfaces[number]
        lastTime = interface.clock.nanoseconds(UInt64(high) << 32 | UInt64(low))
        return .packet(
            CapturedPacket(time: lastTime, link: interface.link, originalLength: Int(original), bytes: bytes),
            size: size)
    }

    private func simplePacket(_ window: ByteWindow, _ body: Range<Int>, size: Int) -> CaptureParser.Step {
        guard let interface = interfaces.first, body.count >= 4,
            let original = window.number(at: 8, bigEndian: isBigEndian)
        else { return .skip(size) }
        let limit = interface.snapLength == 0 ? Int(original) : min(Int(original), interface.snapLength)
        guard let bytes = window.octets(at: 12, count: min(limit, body.upperBound - 12)) else { return .skip(size) }
        return .packet(
            CapturedPacket(time: lastTime, link: interface.link, originalLength: Int(original), bytes: bytes),
            size: size)
    }
}

/// How an interface of a pcapng file counts time: its options `if_tsresol` and `if_tsoffset`.
struct PcapngClock {
    private static let resolutionOption: UInt16 = 9
    private static let offsetOption: UInt16 = 14

    /// Microseconds unless told: a power of ten, or of two with the top bit set, negated.
    private var resolution: UInt8 = 6
    /// Seconds to add.
    private var offset: Int64 = 0

    mutating func take(option: UInt16, _ window: ByteWindow, at position: Int, length: Int, isBigEndian: Bool) {
        switch (option, length) {
        case (Self.resolutionOption, 1):
            resolution = window.byte(at: position) ?? resolution
        case (Self.offsetOption, 8):
            guard let first = window.number(at: position, bigEndian: isBigEndian),
                let second = window.number(at: position + 4, bigEndian: isBigEndian)
            else { return }
            let (high, low) = isBigEndian ? (first, second) : (second, first)
            offset = Int64(bitPattern: UInt64(high) << 32 | UInt64(low))
        default:
            break
        }
    }

    /// Nanoseconds since 1970, at the ends of the range where the file says more.
    func nanoseconds(_ ticks: UInt64) -> Int64 {
        let exponent = Int(resolution & 0x7f)
        var value = UInt128(ticks)
        if resolution & 0x80 != 0 {
            value = (value * 1_000_000_000) >> UInt128(exponent)
        } else if exponent <= 9 {
            for _ in exponent..<9 { value *= 10 }
        } else {
            for _ in 9..<min(exponent, 30) { value /= 10 }
        }
        let sum = Int128(clamping: value) + Int128(offset) * 1_000_000_000
        return max(Int64(clamping: sum), 0)
    }
}
