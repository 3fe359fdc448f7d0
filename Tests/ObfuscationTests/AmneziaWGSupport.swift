import NoisePrimitives
import Obfuscation
import TestKit
import Testing
import Tunnel
import Wire

/// One side of a relation that speaks AmneziaWG, and what it can tell genuine messages by.
final class AmneziaWGParty {
    let disguise: AmneziaWGDisguise
    let codec: AmneziaWGInboundCodec
    let publicKey: PublicKey
    var random: KeystreamGenerator
    let seeded: SeededRandom
    static let number = 7
    /// Indices that cookie replies may name.
    var knownIndices: Set<UInt32> = []

    init(_ settings: AmneziaWGSettings, own: PublicKey, peer: PublicKey, seed: UInt64) throws {
        try settings.validate()
        disguise = AmneziaWGDisguise(settings, number: Self.number, peer: peer)
        codec = AmneziaWGInboundCodec(settings, number: Self.number)
        publicKey = own
        seeded = SeededRandom(seed: seed)
        random = KeystreamGenerator(seededBy: seeded)
    }

    /// What the tunnel says of a message: MAC1 right, or index known.
    func isGenuine(_ message: UnsafeRawBufferPointer) -> Bool {
        guard let start = message.baseAddress else { return false }
        switch Message.kind(ofHandshakeSize: message.count) {
        case .initiation, .response:
            return MACKeys(of: publicKey).mac1(of: message) == Bytes16(loading: start + message.count - 32)
        case .cookieReply:
            return knownIndices.contains(start.littleEndian32(at: Message.CookieReply.receiver))
        case .data, nil:
            return false
        }
    }

    /// What the codec finds in a datagram.
    func finding(in datagram: [UInt8]) -> HandshakeFinding { take(datagram).finding }

    /// The message in a datagram, if the codec finds one.
    func handshake(in datagram: [UInt8]) -> [UInt8]? {
        let (finding, output) = take(datagram)
        guard case .message(let count, _) = finding else {
            #expect(finding == .none)
            return nil
        }
        return Array(output[..<count])
    }

    private func take(_ datagram: [UInt8]) -> (finding: HandshakeFinding, output: [UInt8]) {
        var output = [UInt8](repeating: 0xee, count: DisguiseLimits.datagram)
        let finding = datagram.withUnsafeBytes { datagram in
            output.withUnsafeMutableBytes { output in
                codec.handshake(in: datagram, into: output, at: SimulatedClock().now, isGenuine: isGenuine)
            }
        }
        #expect(output[Message.Initiation.size...].allSatisfy { $0 == 0xee })
        return (finding, output)
    }

    /// An initiation or response for the party with the key `receiver`, as the tunnel makes it, or a cookie reply.
    func message(_ kind: Message.Kind, for receiver: PublicKey) -> [UInt8] {
        let size =
            switch kind {
            case .initiation: Message.Initiation.size
            case .response: Message.Response.size
            default: Message.CookieReply.size
            }
        var message = seeded.bytes(size)
        message.withUnsafeMutableBytes { bytes in
            let start = bytes.baseAddress!
            guard kind != .cookieReply else { return start.storeLittleEndian(kind.rawValue, at: 0) }
            start.storeLittleEndian(disguise.messageType(of: kind, random: seeded), at: 0)
            MACKeys(of: receiver).mac1(of: UnsafeRawBufferPointer(bytes)).store(to: start + size - 32)
        }
        return message
    }

    /// The datagram of a handshake message.
    func encode(_ message: [UInt8]) -> [UInt8] {
        var output = [UInt8](repeating: 0xee, count: DisguiseLimits.datagram)
        let count = message.withUnsafeBytes { message in
            output.withUnsafeMutableBytes { output in
                disguise.encode(message, into: output, at: SimulatedClock().now, random: &random)
            }
        }
        return Array(output[..<count])
    }

    /// Datagrams with these bodies of ciphertext and tag, the first the longest and the others as long but for the last.
    func conceal(_ bodies: [[UInt8]], receiver: UInt32, counter: UInt64) -> [[UInt8]] {
        let prefix = disguise.layout(ofSealed: 0, draw: 0).prefix
        let stride = prefix + bodies[0].count
        var memory: [UInt8] = []
        for body in bodies { memory += [UInt8](repeating: 0xdd, count: prefix) + body }
        memory.withUnsafeMutableBytes { bytes in
            let start = bytes.baseAddress!
            for index in bodies.indices {
                DataHeader.store(
                    .whole, receiver: receiver, counter: counter + UInt64(index), suffix: 0,
                    before: start + index * stride + prefix)
            }
            disguise.conceal(
                DataRun(start: start, length: bytes.count, stride: stride, prefix: prefix, position: 0), random: &random
            )
        }
        return Swift.stride(from: 0, to: memory.count, by: stride).map {
            Array(memory[$0..<min($0 + stride, memory.count)])
        }
    }

    struct Revealed: Equatable {
        let counter: UInt64
        let body: [UInt8]
    }

    /// What the codec finds at the start of a run; nil when the first datagram is no data message.
    func reveal(_ datagrams: [[UInt8]]) -> (receiver: UInt32, messages: [Revealed])? {
        guard let receiver = datagrams[0].withUnsafeBytes({ codec.receiver(of: $0) }) else { return nil }
        var memory = Array(datagrams.joined())
        let messages = UnsafeMutablePointer<DataMessage>.allocate(capacity: datagrams.count)
        defer { messages.deallocate() }
        return memory.withUnsafeMutableBytes { bytes in
            let run = codec.reveal(
                ReceivedRun(start: bytes.baseAddress!, length: bytes.count, stride: datagrams[0].count),
                receiver: receiver, into: messages)
            #expect(run.datagrams == run.messages && run.datagrams >= 1)
            let found = (0..<run.messages).map { index in
                let message = messages[index]
                return Revealed(
                    counter: message.counter,
                    body: Array(UnsafeRawBufferPointer(start: message.body, count: message.length)))
            }
            return (receiver, found)
        }
    }
}

/// Two parties with the same settings, or with different ones.
struct AmneziaWGPair {
    let client: AmneziaWGParty
    let server: AmneziaWGParty

    init(_ client: AmneziaWGSettings, _ server: AmneziaWGSettings? = nil, seed: UInt64 = 1) throws {
        let random = SeededRandom(seed: seed)
        let keys = (PublicKey(random.bytes32()), PublicKey(random.bytes32()))
        self.client = try AmneziaWGParty(client, own: keys.0, peer: keys.1, seed: seed &+ 100)
        self.server = try AmneziaWGParty(server ?? client, own: keys.1, peer: keys.0, seed: seed &+ 200)
    }
}

/// ChaCha20 of RFC 8439 as slow and plain as can be.
enum SlowChaCha20 {
    static func keystream(key: [UInt8], nonce: [UInt8], count: Int) -> [UInt8] {
        var result: [UInt8] = []
        var block: UInt32 = 0
        while result.count < count {
            result += self.block(key, nonce, block)
            block += 1
        }
        return Array(result[..<count])
    }

    private static func block(_ key: [UInt8], _ nonce: [UInt8], _ counter: UInt32) -> [UInt8] {
        let start =
            [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574] + words(key) + [counter] + words(Array(nonce[..<12]))
        var state = start
        func quarter(_ a: Int, _ b: Int, _ c: Int, _ d: Int) {
            for (x, y, z, turn) in [(a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)] {
                state[x] = state[x] &+ state[y]
                state[z] ^= state[x]
                state[z] = state[z] << UInt32(turn) | state[z] >> UInt32(32 - turn)
            }
        }
        for _ in 0..<10 {
            quarter(0, 4, 8, 12)
            quarter(1, 5, 9, 13)
            quarter(2, 6, 10, 14)
            quarter(3, 7, 11, 15)
            quarter(0, 5, 10, 15)
            quarter(1, 6, 11, 12)
            quarter(2, 7, 8, 13)
            quarter(3, 4, 9, 14)
        }
        return zip(state, start).flatMap { word, first in
            withUnsafeBytes(of: (word &+ first).littleEndian) { Array($0) }
        }
    }

    private static func words(_ bytes: [UInt8]) -> [UInt32] {
        stride(from: 0, to: bytes.count, by: 4).map { AmneziaWGBytes.number(Array(bytes[$0..<$0 + 4])) }
    }
}

enum AmneziaWGBytes {
    /// A little-endian number of four bytes.
    static func number(_ bytes: [UInt8]) -> UInt32 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }

    /// The bytes of hexadecimal text.
    static func hex(_ text: String) -> [UInt8] {
        let digits = text.map { UInt8($0.hexDigitValue!) }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }
}

extension AmneziaWGSettings {
    init(_ body: (inout Self) -> Void) {
        self.init()
        body(&self)
    }

    /// 0x00, 0x01 … 0x1f.
    static var countingKey: Secret32 { Secret32(Bytes32(0..<32)!) }

    /// A sane set-up of each generation.
    static var generation1: Self {
        Self {
            ($0.junkCount, $0.junkMinimum, $0.junkMaximum) = (4, 8, 80)
            $0.prefixes = [15, 22, 0, 0]
            $0.headers = [123_456...123_456, 67_543...67_543, 32_345...32_345, 9_999_999...9_999_999]
        }
    }

    static var generation2: Self {
        Self {
            $0.prefixes = [40, 61, 17, 9]
            $0.headers = [5...1_000_000, 2_000_000...3_000_000, 4_000_000...4_000_100, 0x4000_0000...0x7fff_ffff]
            $0.specialPackets[0] = "<b 0xc0ff><r 16><t>"
        }
    }

    static var generation3: Self {
        Self {
            $0.prefixes = [12, 33, 64, 20]
            $0.headers = generation2.headers
            $0.headerProtectionKey = countingKey
            $0.contentPadding = 5...110
        }
    }

    static var generation3WithTrailers: Self {
        Self {
            $0.prefixes = [12, 12, 12, 12]
            $0.headerProtectionKey = countingKey
            $0.randomTrailers = true
            $0.disablesCookies = true
        }
    }

    /// Anything that is allowed.
    static func random(_ random: SeededRandom) -> Self {
        func below(_ bound: Int) -> Int { Int(random.below(UInt64(bound))) }
        return Self {
            let isProtected = random.chance(0.5)
            if isProtected { $0.headerProtectionKey = random.secret() }
            $0.prefixes = (0..<4).map { _ in UInt16((isProtected ? 12 : 0) + below(random.chance(0.3) ? 1 : 200)) }
            if random.chance(0.7) {
                // Four ranges in disorder, from one number to a quarter of all.
                var ranges: [ClosedRange<UInt32>] = []
                for quarter in 0..<4 {
                    let width = random.chance(0.3) ? 1 : 1 << below(31)
                    let from = UInt32(quarter) << 30 + UInt32(below((1 << 30) - min(width, 1 << 30) + 1))
                    ranges.append(from...(from + (UInt32(min(width, 1 << 30)) - 1)))
                }
                var generator = random
                ranges.shuffle(using: &generator)
                $0.headers = ranges
            }
            $0.randomTrailers = random.chance(0.5)
            if random.chance(0.5) { $0.contentPadding = UInt16(below(20))...UInt16(20 + below(200)) }
        }
    }
}
