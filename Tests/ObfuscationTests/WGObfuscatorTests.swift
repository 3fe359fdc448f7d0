import NoisePrimitives
import TestKit
import Testing
import Tunnel
import Wire

@testable import Obfuscation

/// Obfuscation §3; keystreams and datagram are given there.
@Suite struct WGObfuscatorTests {
    private static let old: UInt8 = 1
    private static let masked: UInt8 = 2
    private static let plain = [4, 0, 0, 0] + (0..<28).map { UInt8($0) }
    private static let wire = hex("6f95e7b99f7ed4b827eb9fbba889e931fd085ee5b64c5bf8ec8cf4732db7c53c6e9ff5")

    private static func direction(_ key: String = "test", usesSTUN: Bool = false) -> Direction {
        Direction(.wgObfuscator(WGObfuscatorSettings(key: ObfuscationKey(Array(key.utf8)), usesSTUN: usesSTUN)))
    }

    private var random: SeededRandom { SeededRandom(seed: 1) }

    private static func keystream(_ key: String, _ length: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: length)
        let keystream = WGObfuscatorKeystream(key: Array(key.utf8))
        bytes.withUnsafeMutableBytes { keystream.apply(to: $0) }
        return bytes
    }

    // MARK: Keystream

    @Test(arguments: [
        (32, "d3a5026ff7e7f8658900927e34cf19d2", "c759d5bb"), (92, "3696795251704d8d47300b1676d0e263", "d1fc62ef"),
        (148, "a3c48b0fe2dcd4958df8966f87867105", "2b8ad248"),
    ])
    func keystreamsAreTheGivenOnes(_ length: Int, _ first: String, _ last: String) {
        let keystream = Self.keystream("test", length)
        #expect(Array(keystream.prefix(16)) == hex(first))
        #expect(Array(keystream.suffix(4)) == hex(last))
    }

    /// Against the checksum taken bit by bit, also where nothing is kept.
    @Test func keystreamsAreAsSpecified() {
        for key in ["k", "test", String(repeating: "long key ", count: 28)] {
            for length in [0, 1, 31, 32, 33, 255, 256, 1452, 2047, 2048, 2049, 3000, 9000] {
                var state: UInt8 = 0
                let bytes = Array(key.utf8)
                let expected = (0..<length).map { index -> UInt8 in
                    var byte = UInt8((Int(bytes[index % bytes.count]) + length % 256 + bytes.count) % 256)
                    for _ in 0..<8 {
                        let mixed = (state ^ byte) & 1
                        state >>= 1
                        if mixed != 0 { state ^= 0x8c }
                        byte >>= 1
                    }
                    return state
                }
                #expect(Self.keystream(key, length) == expected)
            }
        }
    }

    // MARK: Version 1

    @Test func givenDatagramIsTaken() {
        let direction = Self.direction()
        #expect(direction.receiver(of: Self.wire) == 0x0302_0100)
        let (run, messages) = direction.reveal(Self.wire, stride: Self.wire.count, receiver: 0x0302_0100)
        #expect(run == RevealedRun(datagrams: 1, messages: 1, hint: 0))
        #expect(messages[0].counter == 0x0b0a_0908_0706_0504)
        #expect(messages[0].body == Array(Self.plain[16...]))
    }

    @Test func givenDatagramIsMade() {
        let direction = Self.direction()
        var generator = makeGenerator(1)
        let layout = direction.disguise.layout(ofSealed: 0, draw: 3)
        #expect(layout == DataLayout(prefix: 16, content: 0, suffix: 3))
        // Its random byte is 0x5a, one in 255.
        var made: Set<[UInt8]> = []
        for _ in 0..<4000 {
            var bytes = Self.plain + [1, 2, 3]
            bytes.withUnsafeMutableBytes {
                DataHeader.store(
                    .whole, receiver: 0x0302_0100, counter: 0x0b0a_0908_0706_0504, suffix: 3,
                    before: $0.baseAddress! + 16)
                let run = DataRun(start: $0.baseAddress!, length: 35, stride: 35, prefix: 16, position: 0)
                direction.disguise.conceal(run, random: &generator)
            }
            made.insert(bytes)
        }
        #expect(made.contains(Self.wire))
        #expect(made.count == 255)
    }

    @Test func handshakesHaveAnyNumberOfBytesBehindThem() {
        let direction = Self.direction()
        var generator = makeGenerator(2)
        var lengths: [Int: Set<Int>] = [:]
        for round in 0..<6000 {
            let message = direction.message([.initiation, .response, .cookieReply][round % 3], random)
            lengths[message.count, default: []].insert(direction.encode(message, &generator).count - message.count)
        }
        for size in [148, 92] {
            #expect(lengths[size]!.min()! < 4 && lengths[size]!.max()! > 507 && lengths[size]!.max()! < 512)
        }
        #expect(lengths[64] == [0, 1, 2, 3])
    }

    @Test func longDataHasNothingBehindIt() {
        let disguise = Self.direction().disguise
        for draw in UInt64(0)..<16 {
            #expect((0...3).contains(disguise.layout(ofSealed: 900, draw: draw).suffix))
            #expect(disguise.layout(ofSealed: 1024 - 32, draw: draw).suffix == 0)
            #expect(disguise.layout(ofSealed: 1024 - 34, draw: draw).suffix == Int(draw % 2))
            #expect(disguise.layout(ofSealed: 1380, draw: draw).suffix == 0)
        }
    }

    // MARK: Version 0

    @Test func oldPeersAreUnderstoodAndAnsweredInKind() throws {
        let direction = Self.direction()
        var generator = makeGenerator(3)
        let message = direction.message(.initiation, random)
        let old = zip(message, Self.keystream("test", 148)).map { $0 ^ $1 }
        let (finding, output) = direction.handshake(old, genuine: [message])
        #expect(finding == .message(148, hint: Self.old))
        #expect(Array(output[..<148]) == message)

        direction.disguise.noticed(hint: Self.old, length: 148)
        #expect(direction.encode(message, &generator) == old)
        let sent = direction.conceal(packets: [80, 80, 16], receiver: 7, random, &generator)
        for (datagram, message) in zip(sent.datagrams, sent.messages) {
            let keystream = Self.keystream("test", datagram.count)
            let head = zip(datagram, keystream).map { $0 ^ $1 }.prefix(8)
            #expect(Array(head) == [4, 0, 0, 0, 7, 0, 0, 0])
            #expect(datagram.count == message.body.count + 16)
        }
        let (run, messages) = direction.reveal(sent.bytes, stride: sent.stride, receiver: 7)
        #expect(run == RevealedRun(datagrams: 3, messages: 3, hint: Self.old))
        #expect(messages.map(\.body) == sent.messages.map(\.body))

        direction.disguise.noticed(hint: 0, length: 148)
        #expect(direction.encode(message, &generator) != old)
    }

    @Test func changingTheVersionBetweenLayoutAndSendingDoesNoHarm() {
        let random = random
        var generator = makeGenerator(4)
        for (before, after) in [(Self.old, 0), (0, Self.old), (0, Self.masked), (Self.masked, 0), (Self.masked, 3)] {
            let direction = Self.direction()
            direction.disguise.noticed(hint: before, length: 100)
            let layout = direction.disguise.layout(ofSealed: 64, draw: 2)
            let body = random.bytes(80)
            var bytes = random.bytes(layout.total)
            bytes.withUnsafeMutableBytes { bytes in
                bytes[layout.prefix..<layout.prefix + 80].copyBytes(from: body)
                DataHeader.store(
                    .whole, receiver: 1, counter: 2, suffix: layout.suffix, before: bytes.baseAddress! + layout.prefix)
                direction.disguise.noticed(hint: UInt8(after), length: 100)
                let run = DataRun(
                    start: bytes.baseAddress!, length: bytes.count, stride: bytes.count, prefix: layout.prefix,
                    position: 0)
                direction.disguise.conceal(run, random: &generator)
            }
            #expect(direction.reveal(bytes, stride: bytes.count, receiver: 1).messages.map(\.body) == [body])
        }
    }

    // MARK: STUN

    @Test func maskedDataIsAsSpecified() {
        let direction = Self.direction(usesSTUN: true)
        var generator = makeGenerator(5)
        let sent = direction.conceal(packets: [1300], receiver: 7, random, &generator)
        let header = Array(sent.bytes[..<24])
        #expect(Array(header[..<8]) == [0x01, 0x15, 0, 0, 0x21, 0x12, 0xa4, 0x42])
        let length = sent.bytes.count - 24
        #expect(Array(header[20...]) == [0, 0x13, UInt8(length >> 8), UInt8(length & 0xff)])
        let other = direction.conceal(packets: [1300], receiver: 7, random, &generator)
        #expect(header[8..<20] != other.bytes[8..<20])
    }

    @Test func withTheWishOnlyWhatIsMaskedIsTaken() {
        let masked = Self.direction(usesSTUN: true)
        let follows = Self.direction()
        var generator = makeGenerator(6)
        let message = follows.message(.initiation, random)
        let bare = follows.encode(message, &generator)
        let wrapped = masked.encode(message, &generator)
        #expect(masked.handshake(bare, genuine: [message]).finding == .none)
        #expect(follows.handshake(bare, genuine: [message]).finding == .message(148, hint: 0))
        #expect(masked.handshake(wrapped, genuine: [message]).finding == .message(148, hint: Self.masked))
        #expect(follows.handshake(wrapped, genuine: [message]).finding == .message(148, hint: Self.masked))
    }

    @Test func withoutTheWishItDoesAsTheOtherSide() {
        let follows = Self.direction()
        var generator = makeGenerator(7)
        #expect(follows.disguise.prelude(at: Direction.now, random: &generator).isEmpty)
        follows.disguise.noticed(hint: Self.masked, length: 200)
        #expect(follows.disguise.prelude(at: Direction.now, random: &generator).count == 1)
        let sent = follows.conceal(packets: [64, 64], receiver: 7, random, &generator)
        #expect(sent.prefix == 40)
        let (run, messages) = Self.direction(usesSTUN: true).reveal(sent.bytes, stride: sent.stride, receiver: 7)
        #expect(run == RevealedRun(datagrams: 2, messages: 2, hint: Self.masked))
        #expect(messages.map(\.body) == sent.messages.map(\.body))
        // What was wished for stays.
        let masked = Self.direction(usesSTUN: true)
        masked.disguise.noticed(hint: 0, length: 200)
        #expect(masked.disguise.layout(ofSealed: 0, draw: 0).prefix == 40)
    }

    @Test func requestGoesBeforeAnInitiationAndIsAnswered() throws {
        let direction = Self.direction(usesSTUN: true)
        var generator = makeGenerator(8)
        let preludes = direction.disguise.prelude(at: Direction.now, random: &generator)
        let request = try #require(preludes.first)
        #expect(preludes.count == 1 && request.count == 28)
        #expect(Array(request[..<8]) == [0, 1, 0, 8, 0x21, 0x12, 0xa4, 0x42])
        expectFingerprint(request)

        var (finding, output) = direction.handshake(request, genuine: [])
        guard case .answer(let length) = finding else {
            Issue.record("found \(finding)")
            return
        }
        let answer = Array(output[..<length])
        #expect(Array(answer[..<8]) == [1, 1, 0, 8, 0x21, 0x12, 0xa4, 0x42])
        #expect(answer[8..<20] == request[8..<20])
        expectFingerprint(answer)
        #expect(direction.handshake(answer, genuine: []).finding == .ignored)

        let address = IPv4Address(0xc000_0201)
        let complete = output.withUnsafeMutableBytes {
            direction.codec.complete($0, length: length, for: Endpoint(.v4(address), port: 0x1234))
        }
        let whole = Array(output[..<complete])
        #expect(whole.count == 40 && Array(whole[..<4]) == [1, 1, 0, 20])
        // Port and address are combined with the cookie.
        #expect(Array(whole[20..<32]) == hex("0020 0008 0001 3326 e112a643"))
        expectFingerprint(whole)
    }

    @Test func answersTellIPv6Addresses() {
        let direction = Self.direction(usesSTUN: true)
        var generator = makeGenerator(9)
        let request = direction.disguise.prelude(at: Direction.now, random: &generator)[0]
        var (_, output) = direction.handshake(request, genuine: [])
        let address = IPv6Address(high: 0x2001_0db8_0000_0001, low: 0x0002_0003_0004_0005)
        let length = output.withUnsafeMutableBytes {
            direction.codec.complete($0, length: 28, for: Endpoint(.v6(address), port: 1))
        }
        #expect(length == 52)
        let mask = Array(output[4..<20])
        let expected = withUnsafeBytes(of: (address.high.bigEndian, address.low.bigEndian)) { Array($0) }
        #expect(zip(output[28..<44], mask).map { $0 ^ $1 } == expected)
        expectFingerprint(Array(output[..<length]))
    }

    @Test func strangersGetNoAnswerUnlessMaskingIsWishedFor() {
        let direction = Self.direction()
        var generator = makeGenerator(10)
        let request = Self.direction(usesSTUN: true).disguise.prelude(at: Direction.now, random: &generator)[0]
        #expect(direction.handshake(request, genuine: []).finding == .ignored)
    }

    /// Taken over a length of zero, as the original does.
    private func expectFingerprint(_ message: [UInt8]) {
        var covered = Array(message.dropLast(8))
        (covered[2], covered[3]) = (0, 0)
        let sum = covered.withUnsafeBytes { CRC32.checksum(of: $0) } ^ 0x5354_554e
        let expected = withUnsafeBytes(of: sum.bigEndian) { Array($0) }
        #expect(Array(message.suffix(8)) == [0x80, 0x28, 0, 4] + expected)
    }

    @Test func checksumIsTheKnownOne() {
        #expect(Array("123456789".utf8).withUnsafeBytes { CRC32.checksum(of: $0) } == 0xcbf4_3926)
    }
}
