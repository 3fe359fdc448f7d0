import TestKit
import Testing
import Wire

@testable import Inspection

/// IP headers of all kinds, and bytes that are none.
@Suite("Packets in captures")
struct DecodingTests {
    private static let udp: [UInt8] = [0x9c, 0x41, 0x75, 0x31, 0, 12, 0, 0, 1, 2, 3, 4]

    private static func decode(_ packet: [UInt8], missing: Int = 0) -> Decoded {
        Decoded(
            CapturedPacket(
                time: 0, link: .raw, originalLength: packet.count + missing, bytes: Octets(packet)))
    }

    private static func payload(_ decoded: Decoded) -> [UInt8]? {
        if case .segment(let segment) = decoded { segment.payload.bytes } else { nil }
    }

    private static func ipv4(_ payload: [UInt8], options: [UInt8] = [], fragment: [UInt8] = [0, 0], length: Int? = nil)
        -> [UInt8]
    {
        let total = length ?? 20 + options.count + payload.count
        let first = UInt8(0x45 + options.count / 4)
        return [first, 0, UInt8(total >> 8), UInt8(total & 255), 0, 0] + fragment
            + [64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2] + options + payload
    }

    private static func ipv6(_ payload: [UInt8], next: UInt8 = 17) -> [UInt8] {
        let address: [UInt8] = [0x20, 1, 0x0d, 0xb8] + [UInt8](repeating: 0, count: 11)
        return [0x60, 0, 0, 0, 0, UInt8(payload.count), next, 64] + address + [1] + address + [2] + payload
    }

    @Test("Options, and bytes behind the packet, are no payload")
    func options() {
        #expect(Self.payload(Self.decode(Self.ipv4(Self.udp, options: [1, 1, 1, 1]) + [9, 9])) == [1, 2, 3, 4])
    }

    @Test("A first fragment tells the size of the whole; a later one has no ports")
    func fragments() {
        var long = Self.udp
        (long[4], long[5]) = (0x05, 0xdc)
        guard case .segment(let segment) = Self.decode(Self.ipv4(long, fragment: [0x20, 0])) else {
            Issue.record("no segment")
            return
        }
        #expect(segment.payloadLength == 1492)
        #expect(segment.payload.bytes == [1, 2, 3, 4])
        guard case .fragment = Self.decode(Self.ipv4(Self.udp, fragment: [0, 1])) else {
            Issue.record("not taken for a fragment")
            return
        }
    }

    @Test("A truncated packet keeps its size")
    func truncated() {
        var long = Self.udp
        (long[4], long[5]) = (0x04, 0)
        guard case .segment(let segment) = Self.decode(Self.ipv4(long, length: 1044), missing: 1012) else {
            Issue.record("no segment")
            return
        }
        #expect(segment.payloadLength == 1016)
        #expect(segment.payload.count == 4)
    }

    @Test(
        "Extension headers of IPv6",
        arguments: [
            [0, 0, 0, 0, 0, 0, 0, 0], [0, 1] + [UInt8](repeating: 0, count: 14),
        ] as [[UInt8]])
    func extensions(_ header: [UInt8]) {
        for kind: UInt8 in [0, 43, 60] {
            var header = header
            header[0] = 17
            #expect(Self.payload(Self.decode(Self.ipv6(header + Self.udp, next: kind))) == [1, 2, 3, 4])
        }
    }

    @Test("Fragments of IPv6, also behind another header")
    func fragments6() {
        let first: [UInt8] = [17, 0, 0, 1, 0, 0, 0, 1]
        #expect(
            Self.payload(Self.decode(Self.ipv6([44, 0, 0, 0, 0, 0, 0, 0] + first + Self.udp, next: 60))) == [
                1, 2, 3, 4,
            ])
        guard case .fragment = Self.decode(Self.ipv6([17, 0, 0, 8, 0, 0, 0, 1] + Self.udp, next: 44)) else {
            Issue.record("not taken for a fragment")
            return
        }
    }

    @Test(
        "Lengths that contradict each other are no datagram",
        arguments: [[0, 7], [0, 13], [0xff, 0xff]] as [[UInt8]])
    func lengths(_ length: [UInt8]) {
        var udp = Self.udp
        udp.replaceSubrange(4..<6, with: length)
        #expect(Self.payload(Self.decode(Self.ipv4(udp))) == nil)
    }

    @Test("Random bytes and broken packets never trap, in any kind of link")
    func random() {
        let random = SeededRandom(seed: 20)
        let samples = [
            Self.ipv4(Self.udp, options: [1, 1, 1, 1]), Self.ipv6([17, 0, 0, 0, 0, 0, 0, 0] + Self.udp, next: 0),
            Self.ipv6([17, 0, 0, 1, 0, 0, 0, 1] + Self.udp, next: 44),
        ]
        var table = FlowTable()
        for round in 0..<40_000 {
            var bytes = samples[round % samples.count]
            for _ in 0..<(round % 4) { bytes[Int(random.next() % UInt64(bytes.count))] = random.bytes(1)[0] }
            if round % 5 == 0 { bytes = random.bytes(Int(random.next() % 90)) }
            if round % 7 == 0 { bytes = Array(bytes.prefix(Int(random.next() % 60))) }
            let kinds: [UInt32] = [0, 1, 12, 101, 108, 113, 228, 229, 276, 99]
            table.see(
                CapturedPacket(
                    time: Int64(truncatingIfNeeded: random.next()), link: LinkType(kinds[round % kinds.count]),
                    originalLength: Int(random.next() % 5000), bytes: Octets(bytes)))
        }
        #expect(table.packets == 40_000)
        // Among them addresses that take a line each.
        let lines = Report(table).text(of: "random").split(separator: "\n")
        #expect(lines.contains { $0.contains("> [") })
        #expect(lines.allSatisfy { $0.count <= 80 })
    }

    @Test("Broken captures never trap")
    func brokenCaptures() {
        let random = SeededRandom(seed: 21)
        let maker = Maker(isBigEndian: false)
        let packet = Self.ipv4(Self.udp)
        let pcapng =
            maker.section + maker.interface(CaptureTests.Clock.all[2]) + maker.enhanced(packet, ticks: 1)
            + maker.simple(packet)
        let samples = [maker.pcap([packet, packet]), pcapng + maker.older(packet) + pcapng]
        for round in 0..<4000 {
            var file = samples[round % 2]
            for _ in 0..<(1 + round % 6) { file[4 + Int(random.next() % UInt64(file.count - 4))] = random.bytes(1)[0] }
            #expect(Report.packets(in: file).count <= 8)
        }
        for size in 0..<200 { _ = Report.packets(in: random.bytes(size)) }
    }

    @Test("Flows beyond the limit are counted and not kept")
    func manyFlows() {
        var table = FlowTable()
        var packet = Self.ipv4(Self.udp)
        for number in 0..<(FlowTable.mostFlows + 100) {
            (packet[14], packet[15]) = (UInt8(number >> 8), UInt8(number & 255))
            table.see(CapturedPacket(time: 0, link: .raw, originalLength: 0, bytes: Octets(packet)))
        }
        #expect(table.flows.count == FlowTable.mostFlows)
        #expect(table.unfollowed == 100)
    }
}
