import Obfuscation
import TestKit
import Testing
import Tunnel
import Wire

@Suite struct LWOTests {
    private static let key = PublicKey(Bytes32(1...32)!)
    /// Obfuscation §4.1.
    private static let plain = hex(
        "04000000000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b")
    private static let wire = hex(
        "059c03040507050b0d0f0d0b0507051b1d1f1d1b0507050b0d0f0d0b0507053b1c1d1e1f202122232425262728292a2b")

    private var random: SeededRandom { SeededRandom(seed: 1) }

    @Test func givenDatagramIsTaken() throws {
        let codec = try #require(
            Dialect.lwo.inboundCodec(
                number: 1, keys: CodecKeys(own: Self.key, peer: nil, isPeerServer: false),
                replays: ReplayGuard(floor: 0), random: random))
        var bytes = Self.wire
        let receiver = bytes.withUnsafeBytes { codec.receiver(of: $0) }
        #expect(receiver == 0x0302_0100)
        withUnsafeTemporaryAllocation(of: DataMessage.self, capacity: 1) { messages in
            let run = bytes.withUnsafeMutableBytes {
                codec.reveal(
                    ReceivedRun(start: $0.baseAddress!, length: $0.count, stride: 48), receiver: 0x0302_0100,
                    into: messages.baseAddress!)
            }
            #expect(run == RevealedRun(datagrams: 1, messages: 1))
            #expect(messages[0].counter == 0x0b0a_0908_0706_0504)
            #expect(messages[0].length == 32)
        }
        #expect(bytes == Self.plain)
    }

    @Test func givenDatagramIsMade() throws {
        let disguise = try #require(
            Dialect.lwo.disguise(number: 1, keys: CodecKeys(own: nil, peer: Self.key, isPeerServer: true)))
        var generator = makeGenerator(1)
        var second: Set<UInt8> = []
        for _ in 0..<2000 {
            var bytes = Self.plain
            bytes.withUnsafeMutableBytes {
                let run = DataRun(start: $0.baseAddress!, length: $0.count, stride: 48, prefix: 16, position: 0)
                disguise.conceal(run, random: &generator)
            }
            second.insert(bytes[1])
            bytes[1] = 0x9c
            #expect(bytes == Self.wire)
        }
        #expect(second == Set(0x80...0xff))
    }

    @Test func wholeHandshakesAreCovered() throws {
        let direction = Direction(.lwo)
        var generator = makeGenerator(2)
        let key = Direction.server.bytes.array
        for kind: Message.Kind in [.initiation, .response, .cookieReply] {
            let message = direction.message(kind, random)
            var expected = message.enumerated().map { $0.element ^ key[$0.offset % 32] }
            let datagram = direction.encode(message, &generator)
            expected[1] = datagram[1]
            #expect(datagram == expected)
            #expect(datagram[1] >= 0x80)
        }
    }

    @Test func withoutTheMarkerNothingIsTaken() {
        let direction = Direction(.lwo)
        var generator = makeGenerator(3)
        let message = direction.message(.initiation, random)
        var datagram = direction.encode(message, &generator)
        datagram[1] &= 0x7f
        #expect(direction.handshake(datagram, genuine: [message]).finding == .none)
        var data = direction.conceal(packets: [64], receiver: 5, random, &generator).bytes
        data[1] &= 0x7f
        #expect(direction.receiver(of: data) == nil)
    }

    @Test func withoutKeysThereIsNone() {
        let keys = CodecKeys(own: nil, peer: nil, isPeerServer: false)
        #expect(Dialect.lwo.disguise(number: 1, keys: keys) == nil)
        let codec = Dialect.lwo.inboundCodec(number: 1, keys: keys, replays: ReplayGuard(floor: 0), random: random)
        #expect(codec == nil)
    }
}
