import NoisePrimitives
import TestKit
import Testing
import Tunnel
import Wire

@testable import Obfuscation

/// A dialect with a name for the reports of tests.
struct NamedDialect: Sendable, CustomTestStringConvertible {
    let name: String
    let dialect: Dialect

    init(_ name: String, _ dialect: Dialect) {
        self.name = name
        self.dialect = dialect
    }

    var testDescription: String { name }

    /// Whether nothing but a data message has a receiver.
    var tellsDataFromHandshakes: Bool { !name.hasPrefix("veil") && !name.hasPrefix("amneziawg") }

    /// Every dialect in which messages can be told from noise, with one set of keys.
    static let all: [NamedDialect] = make(key: 1)
    /// The same with other keys, where they have keys of their own.
    static let others: [NamedDialect] = make(key: 2)

    private static func make(key: UInt8) -> [NamedDialect] {
        let text = ObfuscationKey(Array("\(key) is a key".utf8))
        let secret = Secret32(Bytes32(Array(repeating: key, count: 32))!)
        func swgp(_ isParanoid: Bool, _ isDated: Bool) -> Dialect {
            .swgp(SWGPSettings(isParanoid: isParanoid, isDated: isDated, key: secret))
        }
        func amneziaWG(_ key: UInt8, hasKey: Bool) -> AmneziaWGSettings {
            var settings = AmneziaWGSettings()
            settings.prefixes = [30, 41, 52, 20]
            let first = UInt32(key) * 1_000_000
            settings.headers = (0..<4).map { first + $0 * 1000...first + $0 * 1000 + 999 }
            if hasKey {
                settings.headerProtectionKey = secret
                settings.contentPadding = 0...40
                settings.randomTrailers = true
            }
            return settings
        }
        return [
            NamedDialect("plain", .plain),
            NamedDialect("xor", .xor(XORSettings(key: text))),
            NamedDialect("xor with a letter", .xor(XORSettings(key: ObfuscationKey([0x60 + key])))),
            NamedDialect("xor-batch", .xorBatch),
            NamedDialect("warp", .warp(WARPSettings(reserved: [key, 2, 3]))),
            NamedDialect("lwo", .lwo),
            NamedDialect("swgp", swgp(false, false)),
            NamedDialect("swgp-2026", swgp(false, true)),
            NamedDialect("swgp-paranoid", swgp(true, false)),
            NamedDialect("swgp-paranoid-2026", swgp(true, true)),
            NamedDialect("wg-obfuscator", .wgObfuscator(WGObfuscatorSettings(key: text, usesSTUN: false))),
            NamedDialect("wg-obfuscator-stun", .wgObfuscator(WGObfuscatorSettings(key: text, usesSTUN: true))),
            NamedDialect("amneziawg", .amneziaWG(amneziaWG(key, hasKey: false))),
            NamedDialect("amneziawg with a key", .amneziaWG(amneziaWG(key, hasKey: true))),
            NamedDialect("veil", .veil(VeilSettings(secret: text))),
        ]
    }
}

/// One direction: what puts a dialect on and what takes it off.
struct Direction {
    static let client = PublicKey(Bytes32(Array(0x40..<0x60))!)
    static let server = PublicKey(Bytes32(Array(0x80..<0xa0))!)
    static let now = Moment(
        instant: Instant(nanoseconds: 1 << 40), wall: WallTime(seconds: 1_800_000_000, nanoseconds: 0))

    let disguise: any Disguise
    let codec: any InboundCodec

    /// - Parameter toServer: whether the side that calls is the one that sends.
    init(_ dialect: Dialect, toServer: Bool = true) {
        let replays = ReplayGuard(floor: 0)
        let (sender, receiver) = toServer ? (Self.client, Self.server) : (Self.server, Self.client)
        let random = SeededRandom(seed: 99)
        disguise = dialect.disguise(
            number: 7, keys: CodecKeys(own: sender, peer: receiver, isPeerServer: toServer))!
        codec = dialect.inboundCodec(
            number: 7, keys: CodecKeys(own: receiver, peer: toServer ? nil : sender, isPeerServer: !toServer),
            replays: replays, random: random)!
    }
}

/// Messages before and after their disguise.
extension Direction {
    /// A handshake message of random bytes with the type that the tunnel would give it.
    func message(_ kind: Message.Kind, _ random: SeededRandom) -> [UInt8] {
        let size =
            switch kind {
            case .initiation: Message.Initiation.size
            case .response: Message.Response.size
            case .cookieReply, .data: Message.CookieReply.size
            }
        let type = kind == .cookieReply ? kind.rawValue : disguise.messageType(of: kind, random: random)
        return withUnsafeBytes(of: type.littleEndian) { Array($0) } + random.bytes(size - 4)
    }

    func encode(
        _ message: [UInt8], _ random: inout KeystreamGenerator, at now: Moment = Direction.now
    ) -> [UInt8] {
        var output = [UInt8](repeating: 0xee, count: DisguiseLimits.datagram)
        let length = output.withUnsafeMutableBytes { output in
            message.withUnsafeBytes { disguise.encode($0, into: output, at: now, random: &random) }
        }
        return Array(output[..<length])
    }

    /// What the codec finds; genuine is a message whose bytes behind the type are one of `genuine`'s.
    func handshake(
        _ datagram: [UInt8], genuine: [[UInt8]], at now: Moment = Direction.now
    ) -> (finding: HandshakeFinding, output: [UInt8]) {
        // Memory that ends where the datagram does.
        let input = UnsafeMutableRawBufferPointer.allocate(byteCount: datagram.count, alignment: 1)
        defer { input.deallocate() }
        input.copyBytes(from: datagram)
        var output = [UInt8](repeating: 0xee, count: DisguiseLimits.datagram)
        let finding = output.withUnsafeMutableBytes { output in
            codec.handshake(in: UnsafeRawBufferPointer(input), into: output, at: now) { message in
                genuine.contains { $0.count == message.count && $0[4...].elementsEqual(message[4...]) }
            }
        }
        precondition(Array(input) == datagram, "a codec leaves the bytes for the next one")
        return (finding, output)
    }

    /// A run of data messages in their final form, its stride, and what is in them.
    struct Sent {
        var bytes: [UInt8]
        var stride: Int
        var prefix: Int
        var messages: [(counter: UInt64, body: [UInt8])] = []

        /// Each datagram.
        var datagrams: [[UInt8]] {
            Swift.stride(from: 0, to: bytes.count, by: stride).map { Array(bytes[$0..<min($0 + stride, bytes.count)]) }
        }
    }

    /// Lays out packets of these lengths, of which only the last differs and isn't longer, as the data path does.
    func conceal(
        packets lengths: [Int], receiver: UInt32, firstCounter: UInt64 = 0, position: Int = 0, mtu: Int = 1380,
        draw: UInt64 = 11, _ random: SeededRandom, _ generator: inout KeystreamGenerator
    ) -> Sent {
        // A datagram that is longer than those before it isn't of their run.
        var draw = draw
        var layouts = lengths.map { disguise.layout(ofPacket: $0, mtu: mtu, draw: draw) }
        while layouts.last!.total > layouts[0].total {
            draw = random.next()
            layouts = lengths.map { disguise.layout(ofPacket: $0, mtu: mtu, draw: draw) }
        }
        var sent = Sent(bytes: [], stride: layouts[0].total, prefix: layouts[0].prefix)
        for (index, layout) in layouts.enumerated() {
            precondition(layout.prefix == sent.prefix, "datagrams of a run begin alike")
            let counter = firstCounter + UInt64(index)
            let body = random.bytes(layout.content + Message.tagSize)
            var slot = random.bytes(layout.total)
            slot.withUnsafeMutableBytes { slot in
                let start = slot.baseAddress! + layout.prefix
                slot[layout.prefix..<layout.prefix + body.count].copyBytes(from: body)
                DataHeader.store(
                    disguise.headerForm, receiver: receiver, counter: counter, suffix: layout.suffix, before: start)
            }
            sent.bytes += slot
            sent.messages.append((counter, body))
        }
        sent.bytes.withUnsafeMutableBytes { bytes in
            let run = DataRun(
                start: bytes.baseAddress!, length: bytes.count, stride: sent.stride, prefix: sent.prefix,
                position: position)
            disguise.conceal(run, random: &generator)
        }
        return sent
    }

    func receiver(of datagram: [UInt8]) -> UInt32? {
        let input = UnsafeMutableRawBufferPointer.allocate(byteCount: datagram.count, alignment: 1)
        defer { input.deallocate() }
        input.copyBytes(from: datagram)
        return codec.receiver(of: UnsafeRawBufferPointer(input))
    }

    /// What the codec makes of datagrams that were received together.
    func reveal(
        _ bytes: [UInt8], stride: Int, receiver: UInt32
    ) -> (run: RevealedRun, messages: [(counter: UInt64, body: [UInt8])]) {
        let input = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
        let count = max(1, (bytes.count + stride - 1) / stride)
        let messages = UnsafeMutablePointer<DataMessage>.allocate(capacity: count)
        defer {
            input.deallocate()
            messages.deallocate()
        }
        input.copyBytes(from: bytes)
        let run = codec.reveal(
            ReceivedRun(start: input.baseAddress!, length: bytes.count, stride: stride), receiver: receiver,
            into: messages)
        precondition((0...run.datagrams).contains(run.messages) && run.datagrams <= count)
        let revealed = (0..<run.messages).map { index in
            let message = messages[index]
            let offset = message.body - input.baseAddress!
            precondition(offset >= 0 && message.length >= 16 && offset + message.length <= bytes.count)
            return (message.counter, Array(input[offset..<offset + message.length]))
        }
        return (run, revealed)
    }
}

func makeGenerator(_ seed: UInt64) -> KeystreamGenerator {
    KeystreamGenerator(seededBy: SeededRandom(seed: seed))
}

func hex(_ text: String) -> [UInt8] {
    let digits = text.filter { !$0.isWhitespace }.map { UInt8($0.hexDigitValue!) }
    return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
}
