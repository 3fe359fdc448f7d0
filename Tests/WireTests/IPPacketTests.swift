import Testing
import Wire

@Suite struct IPPacketTests {
    /// Calls `body` with the packet at the start of `bytes`, nil where there is none.
    private func parse<R>(_ bytes: [UInt8], _ body: (IPPacket?) -> R) -> R {
        bytes.withUnsafeBytes { body(IPPacket($0)) }
    }

    @Test func fieldsOfIPv4() {
        let bytes = packet4(trafficClass: 0xb9, transport: 6, options: [1, 1, 1, 0], payload: [9, 9, 9])
        parse(bytes + [0, 0, 0, 0, 0]) { packet in
            #expect(packet?.length == 27)
            #expect(packet?.headerLength == 24)
            #expect(packet?.isIPv6 == false)
            #expect(packet?.source == IPAddress("10.0.0.1"))
            #expect(packet?.destination == IPAddress("10.0.0.2"))
            #expect(packet?.trafficClass == 0xb9)
            #expect(packet?.ecn == .capable1)
            #expect(packet?.nextHeader == 6)
            #expect(packet?.payload == .transport(6, offset: 24))
        }
    }

    @Test func fieldsOfIPv6() {
        let bytes = packet6(trafficClass: 0xb6, nextHeader: 58, payload: [9, 9, 9])
        parse(bytes + [0, 0]) { packet in
            #expect(packet?.length == 43)
            #expect(packet?.headerLength == 40)
            #expect(packet?.isIPv6 == true)
            #expect(packet?.source == IPAddress("2001:db8::1"))
            #expect(packet?.destination == IPAddress("2001:db8::2"))
            #expect(packet?.trafficClass == 0xb6)
            #expect(packet?.ecn == .capable0)
            #expect(packet?.nextHeader == 58)
        }
    }

    @Test func refusesEveryTruncation() {
        for bytes in [packet4(payload: [1, 2, 3, 4]), packet6(payload: [1, 2, 3, 4])] {
            #expect(parse(bytes) { $0 != nil })
            for count in 0..<bytes.count {
                #expect(parse(Array(bytes[..<count])) { $0 == nil }, "\(count) bytes")
            }
        }
    }

    @Test func refusesLengthsThatDoNotFit() {
        var short = packet4(payload: [1, 2, 3, 4])
        short[2] = 0
        for length: UInt8 in [0, 1, 19] {
            short[3] = length
            #expect(parse(short) { $0 == nil })
        }
        short[3] = 20
        #expect(parse(short) { $0?.length } == 20)
        short[0] = 0x46
        #expect(parse(short) { $0 == nil })
        short[0] = 0x44
        #expect(parse(short) { $0 == nil })
        var long = packet6(payload: [1, 2, 3, 4])
        // 65535 + 40 is 39 in sixteen bits.
        long[4] = 0xff
        long[5] = 0xff
        #expect(parse(long) { $0 == nil })
        #expect(parse(long + [UInt8](repeating: 0, count: 65531)) { $0?.length } == 65575)
    }

    @Test func refusesOtherVersions() {
        var bytes = packet4(payload: [UInt8](repeating: 0, count: 40))
        for version: UInt8 in 0...15 where version != 4 && version != 6 {
            bytes[0] = version << 4 | 5
            #expect(parse(bytes) { $0 == nil })
        }
    }

    @Test func findsTheTransportBehindExtensionHeaders() {
        let udp: [UInt8] = [0, 1, 0, 2, 0, 8, 0, 0]
        let destinationOptions: [UInt8] = [43, 1] + [UInt8](repeating: 0, count: 14)
        let routing: [UInt8] = [51, 0] + [UInt8](repeating: 0, count: 6)
        let authentication: [UInt8] = [44, 4] + [UInt8](repeating: 0, count: 22)
        let fragment: [UInt8] = [17, 0, 0, 1, 0, 0, 0, 7]
        let headers = destinationOptions + routing + authentication + fragment
        let bytes = packet6(nextHeader: 60, payload: headers + udp)
        #expect(parse(bytes) { $0?.payload } == .transport(17, offset: 40 + headers.count))

        var later = bytes
        later[40 + headers.count - 5] = 0x09
        #expect(parse(later) { $0?.payload } == .laterFragment)

        var cut = Array(bytes[..<(40 + headers.count - 3)])
        cut[5] = UInt8(headers.count - 3)
        #expect(parse(cut) { $0?.payload } == .truncated)

        #expect(parse(packet4(fragment: 0x2000, payload: udp)) { $0?.payload } == .transport(17, offset: 20))
        #expect(parse(packet4(fragment: 0x2001, payload: udp)) { $0?.payload } == .laterFragment)
    }

    @Test func hostileBytes() {
        var random = PacketRandom(state: 4)
        let whole = [
            packet4(options: [1, 1, 1, 1], payload: random.bytes(24)),
            packet6(nextHeader: 0, payload: [60, 0, 0, 0, 0, 0, 0, 0, 51, 1, 0, 0, 0, 0, 0, 0] + random.bytes(16)),
        ]
        var accepted = 0
        for round in 0..<100_000 {
            var bytes = round % 4 == 3 ? random.bytes(Int(random.next() % 64)) : whole[round & 1]
            for _ in 0..<Int(random.next() % 4) where !bytes.isEmpty {
                let position = Int(random.next() % UInt64(min(bytes.count, 60)))
                bytes[position] = UInt8.random(in: 0...255, using: &random)
            }
            bytes.removeLast(Int(random.next() % 3) * bytes.count / 5)
            let isRight = parse(bytes) { packet in
                guard let packet else { return true }
                accepted += 1
                _ = packet.payload
                _ = packet.ecn
                return packet.length <= bytes.count && packet.headerLength <= packet.length
                    && packet.source.isIPv6 == packet.isIPv6 && packet.destination.isIPv6 == packet.isIPv6
            }
            if !isRight { Issue.record("wrong view of \(bytes)") }
        }
        #expect(accepted > 10_000)
    }
}
