import Testing
import Wire

@testable import Inspection

/// Capture files of all kinds, made by hand.
@Suite("Capture files")
struct CaptureTests {
    /// One UDP datagram with four bytes of payload, as an IPv4 packet.
    private static let packet: [UInt8] =
        [0x45, 0, 0, 32, 0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2] + [0x9c, 0x41, 0x75, 0x31, 0, 12, 0, 0]
        + [1, 2, 3, 4]

    @Test("pcap in either order of bytes, in micro- and nanoseconds", arguments: [false, true], [false, true])
    func pcap(isBigEndian: Bool, hasNanoseconds: Bool) {
        let file = Maker(isBigEndian: isBigEndian).pcap([Self.packet], nanoseconds: hasNanoseconds)
        let packets = Report.packets(in: file)
        #expect(packets.count == 1)
        let time: Int64 = 1_700_000_000_000_000_000 + (hasNanoseconds ? 5 : 5000)
        #expect(packets.first?.time == time)
        #expect(packets.first?.bytes.bytes == Self.packet)
        #expect(packets.first?.originalLength == 100)
    }

    @Test("pcapng in either order of bytes, with any clock", arguments: [false, true], Clock.all)
    func pcapng(isBigEndian: Bool, clock: Clock) {
        let maker = Maker(isBigEndian: isBigEndian)
        let file = maker.section + maker.interface(clock) + maker.enhanced(Self.packet, ticks: clock.ticks)
        let packets = Report.packets(in: file)
        #expect(packets.count == 1)
        #expect(packets.first?.time == clock.expected)
        #expect(packets.first?.bytes.bytes == Self.packet)
    }

    struct Clock: Sendable, CustomTestStringConvertible {
        var resolution: UInt8?
        var offset: Int64?
        var ticks: UInt64
        var expected: Int64

        var testDescription: String { "\(String(describing: resolution)) \(String(describing: offset)) \(ticks)" }

        static let all = [
            Clock(resolution: nil, offset: nil, ticks: 1_700_000_000_000_005, expected: 1_700_000_000_000_005_000),
            Clock(resolution: 9, offset: nil, ticks: 1_700_000_000_000_000_005, expected: 1_700_000_000_000_000_005),
            Clock(resolution: 3, offset: 100, ticks: 1_700_000_000_005, expected: 1_700_000_100_005_000_000),
            Clock(resolution: 12, offset: nil, ticks: 5_000_000, expected: 5000),
            Clock(resolution: 0x80 | 10, offset: nil, ticks: 1536, expected: 1_500_000_000),
            Clock(resolution: 0x7f, offset: nil, ticks: .max, expected: 0),
            Clock(resolution: 0xff, offset: nil, ticks: .max, expected: 0),
            Clock(resolution: 0, offset: nil, ticks: .max, expected: .max),
            Clock(resolution: 6, offset: .min, ticks: .max, expected: 0),
            Clock(resolution: 6, offset: .max, ticks: .max, expected: .max),
        ]
    }

    @Test("pcapng's older packets and simple packets; unknown blocks, several sections")
    func otherBlocks() {
        let (little, big) = (Maker(isBigEndian: false), Maker(isBigEndian: true))
        let file =
            little.section + little.block(0xbad, [1, 2, 3, 4]) + little.interface(Clock.all[0])
            + little.simple(Self.packet) + big.section + big.interface(Clock.all[0]) + big.older(Self.packet)
        let packets = Report.packets(in: file)
        #expect(packets.map(\.bytes.bytes) == [Self.packet, Self.packet])
    }

    @Test("A file may come byte by byte")
    func pieces() {
        let maker = Maker(isBigEndian: false)
        let pcapng = maker.section + maker.interface(Clock.all[0]) + maker.enhanced(Self.packet, ticks: 1)
        for file in [maker.pcap([Self.packet, Self.packet]), pcapng + maker.enhanced(Self.packet, ticks: 2)] {
            #expect(Report.packets(in: file, pieces: 1).map(\.bytes.bytes) == [Self.packet, Self.packet])
        }
    }

    @Test("What is no capture is refused at once; damage is told with its place")
    func refusals() throws {
        var parser = CaptureParser()
        parser.append(Array("hello, world".utf8))
        #expect(throws: CaptureError.noCapture) { try parser.next() }
        var file = Maker(isBigEndian: false).pcap([Self.packet, Self.packet])
        let second = 24 + 16 + Self.packet.count
        file.replaceSubrange((second + 8)..<(second + 12), with: [0xff, 0xff, 0xff, 0x7f])
        parser = CaptureParser()
        parser.append(file)
        #expect(try parser.next() != nil)
        #expect(throws: CaptureError.damaged(offset: second, what: "a packet of 2147483647 bytes")) {
            try parser.next()
        }
    }

    @Test("A capture that is cut off anywhere gives the packets in front of the cut", arguments: [false, true])
    func cutOff(isPcapng: Bool) {
        let maker = Maker(isBigEndian: false)
        let file =
            isPcapng
            ? maker.section + maker.interface(Clock.all[0]) + maker.enhanced(Self.packet, ticks: 1)
                + maker.enhanced(Self.packet, ticks: 2)
            : maker.pcap([Self.packet, Self.packet])
        for length in 0..<file.count {
            #expect(Report.packets(in: Array(file.prefix(length))).count <= 1)
        }
        #expect(Report.packets(in: file).count == 2)
    }

    @Test("Every kind of link leads to the same packet", arguments: Link.all)
    func links(_ link: Link) {
        let frame = CapturedPacket(
            time: 0, link: LinkType(link.number), originalLength: 0,
            bytes: Octets(link.header + Self.packet + link.trailer))
        guard case .segment(let segment) = Decoded(frame) else {
            Issue.record("no segment")
            return
        }
        #expect(segment.source.description == "192.0.2.1:40001")
        #expect(segment.payload.bytes == [1, 2, 3, 4])
        #expect(segment.payloadLength == 4)
    }

    struct Link: Sendable, CustomTestStringConvertible {
        var name: String
        var number: UInt32
        var header: [UInt8]
        var trailer: [UInt8] = []

        var testDescription: String { name }

        private static let addresses = [UInt8](repeating: 2, count: 12)

        static let all = [
            Link(name: "Ethernet", number: 1, header: addresses + [8, 0], trailer: [0, 0, 0, 0]),
            Link(name: "VLAN", number: 1, header: addresses + [0x81, 0, 0, 7, 8, 0]),
            Link(name: "VLAN in VLAN", number: 1, header: addresses + [0x88, 0xa8, 0, 7, 0x81, 0, 0, 8, 8, 0]),
            Link(name: "raw", number: 101, header: []),
            Link(name: "IPv4", number: 228, header: []),
            Link(name: "BSD loopback", number: 0, header: [2, 0, 0, 0]),
            Link(name: "OpenBSD loopback", number: 108, header: [0, 0, 0, 2]),
            Link(name: "cooked", number: 113, header: [UInt8](repeating: 0, count: 14) + [8, 0]),
            Link(name: "cooked VLAN", number: 113, header: [UInt8](repeating: 0, count: 14) + [0x81, 0, 0, 1, 8, 0]),
            Link(name: "cooked 2", number: 276, header: [8, 0] + [UInt8](repeating: 0, count: 18)),
        ]
    }
}

/// Writes captures in one order of bytes.
struct Maker {
    let isBigEndian: Bool

    func pcap(_ packets: [[UInt8]], nanoseconds: Bool = false) -> [UInt8] {
        var file = number(UInt32(nanoseconds ? 0xa1b2_3c4d : 0xa1b2_c3d4)) + number(UInt16(2)) + number(UInt16(4))
        file += number(UInt64(0)) + number(UInt32(65_535)) + number(UInt32(101))
        for packet in packets {
            file +=
                number(UInt32(1_700_000_000)) + number(UInt32(5)) + number(UInt32(packet.count)) + number(UInt32(100))
            file += packet
        }
        return file
    }

    var section: [UInt8] { block(0x0a0d_0d0a, number(UInt32(0x1a2b_3c4d)) + number(UInt32(1)) + number(UInt64.max)) }

    func interface(_ clock: CaptureTests.Clock) -> [UInt8] {
        var body = number(UInt16(101)) + number(UInt16(0)) + number(UInt32(0))
        // A name, which is of no interest.
        body += number(UInt16(2)) + number(UInt16(3)) + [0x65, 0x74, 0x68, 0]
        if let resolution = clock.resolution { body += number(UInt16(9)) + number(UInt16(1)) + [resolution, 0, 0, 0] }
        if let offset = clock.offset { body += number(UInt16(14)) + number(UInt16(8)) + number(offset) }
        return block(1, body + number(UInt32(0)))
    }

    func enhanced(_ packet: [UInt8], ticks: UInt64) -> [UInt8] {
        block(6, number(UInt32(0)) + time(ticks) + number(UInt32(packet.count)) + number(UInt32(100)) + packet)
    }

    func older(_ packet: [UInt8]) -> [UInt8] {
        block(
            2,
            number(UInt16(0)) + number(UInt16(0)) + time(7) + number(UInt32(packet.count)) + number(UInt32(100))
                + packet)
    }

    func simple(_ packet: [UInt8]) -> [UInt8] { block(3, number(UInt32(packet.count)) + packet) }

    func block(_ type: UInt32, _ body: [UInt8]) -> [UInt8] {
        let padded = body + [UInt8](repeating: 0, count: (4 - body.count % 4) % 4)
        let length = number(UInt32(padded.count + 12))
        return number(type) + length + padded + length
    }

    private func time(_ ticks: UInt64) -> [UInt8] {
        number(UInt32(ticks >> 32)) + number(UInt32(truncatingIfNeeded: ticks))
    }

    func number(_ value: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: isBigEndian ? value.bigEndian : value.littleEndian) { Array($0) }
    }
}
