import Testing
import Wire

@Suite struct UnreachableTests {
    /// The error about `packet`, nil when there is none.
    private func answer(_ packet: [UInt8], from source: IPAddress? = nil, room: Int = 1280) -> [UInt8]? {
        var buffer = [UInt8](repeating: 0xee, count: room)
        let length = packet.withUnsafeBytes { bytes -> Int? in
            guard let view = IPPacket(bytes) else { return nil }
            return buffer.withUnsafeMutableBytes { Unreachable.write(about: view, from: source, into: $0) }
        }
        guard let length else { return nil }
        #expect(length <= room)
        return Array(buffer[..<length])
    }

    private let udp: [UInt8] = [0x12, 0x34, 0, 53, 0, 12, 0xab, 0xcd, 1, 2, 3, 4]

    @Test func bytesOverIPv4() {
        let packet = packet4(payload: udp)
        let expected = hexBytes(
            """
            45c0003c 00000000 400165ff 0a000002 0a000001 03013ab6 00000000
            45000020 12340000 40115497 0a000001 0a000002 12340035 000cabcd 01020304
            """)
        #expect(answer(packet) == expected)
    }

    @Test func bytesOverIPv6() {
        let packet = packet6(payload: udp)
        let expected = hexBytes(
            """
            60000000 003c3a40 20010db8000000000000000000000002 20010db8000000000000000000000001 01031407 00000000
            60000000 000c1140 20010db8000000000000000000000001 20010db8000000000000000000000002
            12340035 000cabcd 01020304
            """)
        #expect(answer(packet) == expected)
    }

    @Test func checksumsAndSourceOfTheCaller() throws {
        let four = try #require(answer(packet4(payload: udp), from: IPAddress("192.0.2.7")))
        #expect(four[12..<16] == [192, 0, 2, 7])
        #expect(slowChecksum(four[..<20]) == 0)
        #expect(slowChecksum(four[20...]) == 0)
        let six = try #require(answer(packet6(payload: udp), from: IPAddress("2001:db8::7")))
        #expect(six[23] == 7)
        #expect(slowChecksum(six[8..<40] + [0, 0, six[4], six[5], 0, 0, 0, 58] + six[40...]) == 0)
        #expect(answer(packet4(payload: udp), from: IPAddress("2001:db8::7")) == nil)
        #expect(answer(packet6(payload: udp), from: IPAddress("192.0.2.7")) == nil)
    }

    @Test func quotesNoMoreThanAllowed() throws {
        let long = [UInt8](repeating: 7, count: 2000)
        let four = packet4(payload: long)
        #expect(answer(four, room: 4000)?.count == 576)
        #expect(answer(four, room: 100)?.count == 100)
        #expect(try #require(answer(four))[28...] == four[..<548])
        #expect(answer(four, room: 56)?.count == 56)
        #expect(answer(four, room: 55) == nil)
        let six = packet6(payload: long)
        #expect(answer(six, room: 4000)?.count == 1280)
        #expect(try #require(answer(six))[48...] == six[..<1232])
        #expect(answer(six, room: 96)?.count == 96)
        #expect(answer(six, room: 95) == nil)
        #expect(answer(four, room: 0) == nil)
        #expect(answer(packet4(payload: [1, 2, 3]))?.count == 51)
        #expect(answer(packet6(payload: []))?.count == 88)
    }

    @Test func noErrorToASourceThatIsNoSingleHost() throws {
        let sources = ["0.0.0.0", "0.1.2.3", "127.0.0.1", "224.0.0.1", "239.1.2.3", "240.0.0.1", "255.255.255.255"]
        for text in sources {
            let address = try #require(IPv4Address(Substring(text)))
            var source = [UInt8](repeating: 0, count: 4)
            source.withUnsafeMutableBytes { address.store(to: $0.baseAddress!) }
            #expect(answer(packet4(source: source, payload: udp)) == nil, "\(text)")
        }
    }

    @Test func noErrorAboutManyReceivers() {
        for destination: [UInt8] in [[224, 0, 0, 251], [239, 255, 255, 255], [255, 255, 255, 255]] {
            #expect(answer(packet4(destination: destination, payload: udp)) == nil)
        }
        let all: [UInt8] = [0xff, 2] + [UInt8](repeating: 0, count: 13) + [1]
        #expect(answer(packet6(destination: all, payload: udp)) == nil)
        #expect(answer(packet6(source: all, payload: udp)) == nil)
        let unspecified = [UInt8](repeating: 0, count: 16)
        #expect(answer(packet6(source: unspecified, payload: udp)) == nil)
        #expect(answer(packet6(source: unspecified.dropLast() + [1], payload: udp)) == nil)
    }

    @Test func noErrorAboutErrors() {
        let queries4: Set<UInt8> = [0, 8, 13, 14, 15, 16, 17, 18]
        for type: UInt8 in 0...255 {
            let four = answer(packet4(transport: 1, payload: [type, 0, 0, 0, 0, 0, 0, 0]))
            #expect((four != nil) == queries4.contains(type), "ICMP type \(type)")
            let six = answer(packet6(nextHeader: 58, payload: [type, 0, 0, 0, 0, 0, 0, 0]))
            #expect((six != nil) == (type >= 128 && type != 137), "ICMPv6 type \(type)")
        }
        // Behind an extension header as well.
        let options: [UInt8] = [58, 0, 1, 4, 0, 0, 0, 0]
        #expect(answer(packet6(nextHeader: 60, payload: options + [1, 0, 0, 0, 0, 0, 0, 0])) == nil)
        #expect(answer(packet6(nextHeader: 60, payload: options + [128, 0, 0, 0, 0, 0, 0, 0])) != nil)
        // An ICMP type that isn't there could be an error.
        #expect(answer(packet4(transport: 1, payload: [])) == nil)
        #expect(answer(packet6(nextHeader: 58, payload: [])) == nil)
    }

    @Test func onlyTheFirstFragmentIsAnswered() {
        #expect(answer(packet4(fragment: 0x2000, payload: udp)) != nil)
        #expect(answer(packet4(fragment: 0x0001, payload: udp)) == nil)
        #expect(answer(packet6(nextHeader: 44, payload: [17, 0, 0, 1, 0, 0, 0, 1] + udp)) != nil)
        #expect(answer(packet6(nextHeader: 44, payload: [17, 0, 0, 9, 0, 0, 0, 1] + udp)) == nil)
        #expect(answer(packet6(nextHeader: 44, payload: [17, 0, 0])) == nil)
    }

    @Test func hostileBytes() {
        var random = PacketRandom(state: 5)
        let whole = [
            packet4(transport: 1, options: [1, 1, 1, 1], payload: [8, 0, 1, 2, 3, 4, 5, 6]),
            packet6(nextHeader: 60, payload: [58, 0, 0, 0, 0, 0, 0, 0, 128, 0, 1, 2, 3, 4, 5, 6]),
        ]
        var answered = 0
        for round in 0..<100_000 {
            var bytes = round % 8 == 7 ? random.bytes(Int(random.next() % 64)) : whole[round & 1]
            for _ in 0..<Int(random.next() % 3) where !bytes.isEmpty {
                let position = Int(random.next() % UInt64(bytes.count))
                bytes[position] = UInt8.random(in: 0...255, using: &random)
            }
            let result = answer(bytes, room: Int(random.next() % 128))
            guard let result else { continue }
            answered += 1
            let headers = result[0] >> 4 == 4 ? 28 : 48
            if result[headers...] != bytes[..<(result.count - headers)] { Issue.record("wrong quotation of \(bytes)") }
        }
        #expect(answered > 10_000)
    }
}
