import NoisePrimitives
import Obfuscation
import TestKit
import Testing
import Tunnel
import Wire

/// Obfuscation §2; the datagrams are given there.
@Suite struct SWGPTests {
    private static let key = Secret32(Bytes32(0..<32)!)
    private static let block = hex("611f917e6b6c7785e5db446cd7e02ca7")
    private static let blockPlain = hex("04000000ddccbbaa0700000000000000")
    private static let response: [UInt8] = [2, 0, 0, 0] + (0..<88).map { UInt8($0) }
    private static let legacy = hex(
        """
        3ceaf7a1627ccabc151316867988164a4ee35756f7855179080d35ec57a402ca658c42cea3da98dac44f4cfd9ffb365a41614d3e488bb29987b0cd8d31d0
        0c0917bb8e22512260f3a2941d26723bc341411d938a6db2d867699288a3b7db92b4495f740a58999cc7064d98bf6bfd01a68faba6808182838485868788
        898a8b8c8d8e8f9091929394959697
        """)
    private static let dated = hex(
        """
        3ceaf7a1627ccabc151316867988164a4ee35756f7855179080d35ec57a402ca658c42cea3da98dac44f4cfd9ffb365a41614d3e488bb29987b0cd8d31d0
        0c0917bb8e22512260f3a2941d26723bc341411d938a6db2d867699288a3b7db92b4491338d4f142cd025b76e178ea6cf0069416fd0e9cf3eaf45c31d180
        8182838485868788898a8b8c8d8e8f9091929394959697
        """)
    private static let datedAt: Int64 = 1_700_000_000

    private static func settings(
        isParanoid: Bool = false, isDated: Bool = false, pathMTU: Int = 1500
    ) -> SWGPSettings {
        SWGPSettings(isParanoid: isParanoid, isDated: isDated, key: key, pathMTU: pathMTU)
    }

    private static func moment(_ seconds: Int64) -> Moment {
        Moment(instant: Instant(nanoseconds: 5), wall: WallTime(seconds: seconds, nanoseconds: 0))
    }

    private var random: SeededRandom { SeededRandom(seed: 1) }

    @Test(arguments: [false, true]) func givenDataIsTakenAndMade(isDated: Bool) {
        let direction = Direction(.swgp(Self.settings(isDated: isDated)))
        let body = random.bytes(80)
        let (run, messages) = direction.reveal(Self.block + body, stride: 96, receiver: 0xaabb_ccdd)
        #expect(direction.receiver(of: Self.block + body) == 0xaabb_ccdd)
        #expect(run == RevealedRun(datagrams: 1, messages: 1))
        #expect(messages[0].counter == 7 && messages[0].body == body)
        var generator = makeGenerator(1)
        let sent = direction.conceal(packets: [64], receiver: 0xaabb_ccdd, firstCounter: 7, random, &generator)
        #expect(sent.bytes == Self.block + sent.messages[0].body)
    }

    @Test func givenHandshakeIsTaken() {
        let direction = Direction(.swgp(Self.settings()))
        let (finding, output) = direction.handshake(Self.legacy, genuine: [Self.response])
        #expect(finding == .message(92))
        #expect(Array(output[..<92]) == Self.response)
    }

    @Test func givenDatedHandshakeIsTakenOnceAndInTime() {
        for (now, expected) in [
            (Self.datedAt, HandshakeFinding.message(92)), (Self.datedAt + 14, .message(92)),
            (Self.datedAt - 14, .message(92)), (Self.datedAt + 17, .refused(.disguiseWrongTime)),
            (Self.datedAt - 17, .refused(.disguiseWrongTime)),
        ] {
            let direction = Direction(.swgp(Self.settings(isDated: true)))
            let first = direction.handshake(Self.dated, genuine: [Self.response], at: Self.moment(now))
            #expect(first.finding == expected)
            guard case .message = expected else { continue }
            #expect(Array(first.output[..<92]) == Self.response)
            let second = direction.handshake(Self.dated, genuine: [Self.response], at: Self.moment(now))
            #expect(second.finding == .refused(.disguiseReplayed))
        }
    }

    @Test func modesDontMix() {
        let legacy = Direction(.swgp(Self.settings()))
        let dated = Direction(.swgp(Self.settings(isDated: true)))
        let now = Self.moment(Self.datedAt)
        #expect(legacy.handshake(Self.dated, genuine: [Self.response], at: now).finding == .none)
        #expect(dated.handshake(Self.legacy, genuine: [Self.response], at: now).finding == .none)
    }

    /// What is made is what the specification says, opened piece by piece.
    @Test(arguments: [false, true]) func madeHandshakesAreAsSpecified(isDated: Bool) throws {
        let direction = Direction(.swgp(Self.settings(isDated: isDated)))
        var generator = makeGenerator(2)
        var lengths: Set<Int> = []
        for round in 0..<300 {
            let kind: Message.Kind = [.initiation, .response, .cookieReply][round % 3]
            let message = direction.message(kind, SeededRandom(seed: UInt64(round)))
            let datagram = direction.encode(message, &generator, at: Self.moment(Self.datedAt))
            lengths.insert(datagram.count)
            var head = [UInt8](repeating: 0, count: 16)
            datagram.withUnsafeBytes { datagram in
                head.withUnsafeMutableBytes {
                    AES256(key: Self.key).decrypt(datagram.baseAddress!, into: $0.baseAddress!)
                }
            }
            #expect(head == Array(message[..<16]))
            let plain = try #require(
                Self.open(
                    Array(datagram[16..<datagram.count - 24]), nonce: Array(datagram.suffix(24)), isDated ? head : []))
            #expect(Array(plain[..<(message.count - 16)]) == Array(message[16...]))
            let size = UInt8(message.count - 16)
            let end = isDated ? [size, 0] + Self.bytes(of: Self.datedAt) : [0, size]
            #expect(Array(plain.suffix(end.count)) == end)
            #expect(plain.count > message.count - 16 + end.count)
        }
        // 1452 bytes at most, on IPv6.
        #expect(lengths.min()! < 300 && lengths.max()! > 1350 && lengths.max()! <= 1452 && lengths.count > 200)
    }

    // MARK: Paranoid

    /// The given datagram has 128 bytes, which no path is so small for: its key, nonce and content in one for 1500.
    @Test(arguments: [false, true]) func paranoidDataIsAsSpecified(isDated: Bool) throws {
        let direction = Direction(.swgp(Self.settings(isParanoid: true, isDated: isDated)))
        var generator = makeGenerator(3)
        for length in [0, 100, 1376, 1392] {
            let sent = direction.conceal(
                packets: [length], receiver: 0xaabb_ccdd, firstCounter: 7, mtu: 1392, random, &generator)
            #expect(sent.bytes.count == 1472)
            let plain = try #require(Self.open(Array(sent.bytes[24...]), nonce: Array(sent.bytes[..<24]), []))
            let message = Self.blockPlain + sent.messages[0].body
            let size = UInt16(message.count)
            let bytes = [UInt8(size >> 8), UInt8(size & 0xff)]
            #expect(Array(plain[..<2]) == (isDated ? bytes.reversed() : bytes))
            #expect(Array(plain[2..<2 + message.count]) == message)
            #expect(plain[(2 + message.count)...].allSatisfy { $0 == 0 })
        }
    }

    @Test func givenParanoidDatagramIsAsSpecified() throws {
        let wire = hex(
            """
            808182838485868788898a8b8c8d8e8f909192939495969742ce5d59e794436b1e1b27fe49ba10d8739a50dc8df4aae8f2797ecfa1c504687757631178
            ba80aab385fbba09e936322b86b01d116322b0e6d15b613a72890a0d50ddc53de38a343dc7def4b7db92b4495f38d40011a802bc3ebe88201c2c3b1d38
            ecb8547c9227
            """)
        let plain = try #require(Self.open(Array(wire[24...]), nonce: Array(wire[..<24]), []))
        let head: [UInt8] = [0, 32, 4, 0, 0, 0] + (0..<28).map { UInt8($0) }
        #expect(plain == head + [UInt8](repeating: 0, count: 54))
        // The smallest that there is room for, read by the codec: the path that leaves 1232 bytes on IPv6.
        let direction = Direction(.swgp(Self.settings(isParanoid: true, pathMTU: 1280)))
        let padded = head + [UInt8](repeating: 0, count: 1232 - 40 - 34)
        let datagram = Array(wire[..<24]) + Self.seal(padded, nonce: Array(wire[..<24]))
        #expect(datagram.count == 1232)
        // Its beginning is the given one's, since nothing there depends on what follows.
        #expect(Array(datagram[..<112]) == Array(wire[..<112]))
        #expect(direction.receiver(of: datagram) == 0x0302_0100)
        let (run, messages) = direction.reveal(datagram, stride: 1232, receiver: 0x0302_0100)
        #expect(run == RevealedRun(datagrams: 1, messages: 1))
        #expect(messages[0].counter == 0x0b0a_0908_0706_0504)
        #expect(messages[0].body == (0x0c...0x1b).map { UInt8($0) })
    }

    @Test func datedParanoidHandshakesHaveTheTimeBehindTheMessage() throws {
        let direction = Direction(.swgp(Self.settings(isParanoid: true, isDated: true)))
        var generator = makeGenerator(4)
        let message = direction.message(.initiation, random)
        let datagram = direction.encode(message, &generator, at: Self.moment(Self.datedAt))
        let plain = try #require(Self.open(Array(datagram[24...]), nonce: Array(datagram[..<24]), []))
        let expected = [148, 0] + message + Self.bytes(of: Self.datedAt)
        #expect(Array(plain[..<158]) == expected)
        for (seconds, expected) in [
            (Int64(20), HandshakeFinding.refused(.disguiseWrongTime)), (10, .message(148)),
            (11, .refused(.disguiseReplayed)),
        ] {
            let now = Self.moment(Self.datedAt + seconds)
            #expect(direction.handshake(datagram, genuine: [message], at: now).finding == expected)
        }
    }

    @Test func damagedParanoidDataIsCountedAndPassedOver() {
        let direction = Direction(.swgp(Self.settings(isParanoid: true)))
        var generator = makeGenerator(5)
        let sent = direction.conceal(packets: [100, 200, 300], receiver: 9, mtu: 1392, random, &generator)
        var bytes = sent.bytes
        bytes[1472 + 700] ^= 1
        let (run, messages) = direction.reveal(bytes, stride: 1472, receiver: 9)
        #expect(run == RevealedRun(datagrams: 3, messages: 2))
        #expect(messages.map(\.counter) == [0, 2])
    }

    @Test func paranoidFollowsTheOtherSidesLength() {
        let direction = Direction(.swgp(Self.settings(isParanoid: true)))
        var generator = makeGenerator(6)
        func next(_ kind: Message.Kind = .initiation) -> Int {
            direction.encode(direction.message(kind, random), &generator).count
        }
        // Nothing is known: both in turn.
        #expect([next(), next(), next(), next()] == [1472, 1452, 1472, 1452])
        direction.disguise.noticed(hint: 0, length: 1452)
        #expect(next(.response) == 1452)
        #expect(direction.disguise.layout(ofPacket: 100, mtu: 1376, draw: 1).total == 1452)
        // It is known, and only doubted when there is no answer.
        #expect([next(), next(), next(), next(), next(), next()] == [1452, 1452, 1452, 1452, 1472, 1452])
        #expect(next(.response) == 1452)
        direction.disguise.noticed(hint: 0, length: 1472)
        #expect([next(), next()] == [1472, 1472])
    }

    @Test func handshakesFromBeforeTheStartAreRefused() {
        var generator = makeGenerator(7)
        for isParanoid in [false, true] {
            let dialect = Dialect.swgp(Self.settings(isParanoid: isParanoid, isDated: true))
            let sender = Direction(dialect)
            let message = sender.message(.initiation, random)
            let datagram = sender.encode(message, &generator, at: Self.moment(Self.datedAt))
            let keys = CodecKeys(own: Direction.server, peer: nil, isPeerServer: false)
            let replays = ReplayGuard(floor: (Self.datedAt + 2) * 1000)
            let codec = dialect.inboundCodec(number: 1, keys: keys, replays: replays, random: random)!
            var output = [UInt8](repeating: 0, count: DisguiseLimits.datagram)
            let finding = output.withUnsafeMutableBytes { output in
                datagram.withUnsafeBytes {
                    codec.handshake(in: $0, into: output, at: Self.moment(Self.datedAt + 3)) { _ in true }
                }
            }
            #expect(finding == .refused(.disguiseBeforeStart))
        }
    }

    // MARK: Helpers

    private static func bytes(of seconds: Int64) -> [UInt8] {
        withUnsafeBytes(of: seconds.littleEndian) { Array($0) }
    }

    private static func seal(_ plaintext: [UInt8], nonce: [UInt8]) -> [UInt8] {
        var output = [UInt8](repeating: 0, count: plaintext.count + 16)
        output.withUnsafeMutableBytes { output in
            plaintext.withUnsafeBytes { plaintext in
                nonce.withUnsafeBytes {
                    XChaCha20Poly1305.seal(
                        key: key.bytes, nonce: $0, plaintext, associatedData: .empty, into: output.baseAddress!)
                }
            }
        }
        return output
    }

    private static func open(_ ciphertext: [UInt8], nonce: [UInt8], _ associatedData: [UInt8]) -> [UInt8]? {
        var output = [UInt8](repeating: 0, count: ciphertext.count)
        let opened = output.withUnsafeMutableBytes { output in
            ciphertext.withUnsafeBytes { ciphertext in
                nonce.withUnsafeBytes { nonce in
                    associatedData.withUnsafeBytes {
                        XChaCha20Poly1305.open(
                            key: key.bytes, nonce: nonce, ciphertext, associatedData: $0, into: output.baseAddress!)
                    }
                }
            }
        }
        return opened ? output.dropLast(16) : nil
    }
}
