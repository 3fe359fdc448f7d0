import NoisePrimitives
import TestKit
import Tunnel
import Wire

@testable import Obfuscation

/// Both ends of a relation whose server's endpoint is configured at the client.
struct VeilPair {
    static let clientKey = PublicKey(Bytes32((0..<32).map { 200 - $0 })!)
    static let serverKey = PublicKey(Bytes32(0..<32)!)
    static let start = WallTime(seconds: 1_700_000_000, nanoseconds: 123_000_000)

    let client: VeilDisguise
    let server: VeilDisguise
    /// What the client receives with as a client, and the server as a server.
    let clientCodec: VeilInboundCodec
    let serverCodec: VeilInboundCodec

    init(secret: String? = nil, serverKey: PublicKey = Self.serverKey, floor: Int64 = 0) {
        let settings = VeilSettings(secret: secret.map { ObfuscationKey(Array($0.utf8)) })
        let atClient = CodecKeys(own: Self.clientKey, peer: serverKey, isPeerServer: true)
        let atServer = CodecKeys(own: serverKey, peer: Self.clientKey, isPeerServer: false)
        client = VeilDisguise(settings, dialect: 1, keys: atClient)!
        server = VeilDisguise(settings, dialect: 1, keys: atServer)!
        clientCodec = VeilInboundCodec(settings, dialect: 1, keys: atClient, replays: ReplayGuard(floor: floor))!
        serverCodec = VeilInboundCodec(settings, dialect: 1, keys: atServer, replays: ReplayGuard(floor: floor))!
    }

    static func moment(after seconds: Int64 = 0) -> Moment {
        Moment(
            instant: Instant(nanoseconds: UInt64(3600 + seconds) * 1_000_000_000),
            wall: WallTime(seconds: start.seconds + seconds, nanoseconds: start.nanoseconds))
    }
}

extension [UInt8] {
    init(hex: String) {
        self.init()
        var digits = hex.utf8.makeIterator()
        while let high = digits.next(), let low = digits.next() {
            append(UInt8(String(decoding: [high, low], as: UTF8.self), radix: 16)!)
        }
    }

    /// A message whose kind is right and whose other bytes are random.
    static func message(_ kind: Message.Kind, _ random: SeededRandom) -> [UInt8] {
        let size =
            switch kind {
            case .initiation: Message.Initiation.size
            case .response: Message.Response.size
            case .cookieReply: Message.CookieReply.size
            case .data: Message.Data.overhead
            }
        return [UInt8(kind.rawValue), 0, 0, 0] + random.bytes(size - 4)
    }
}

extension Disguise {
    /// The datagram of a handshake message.
    func encoded(_ message: [UInt8], at now: Moment = VeilPair.moment(), _ random: inout KeystreamGenerator) -> [UInt8]
    {
        [UInt8](unsafeUninitializedCapacity: DisguiseLimits.datagram) { output, count in
            count = message.withUnsafeBytes {
                encode(
                    $0, into: UnsafeMutableRawBufferPointer(start: output.baseAddress, count: DisguiseLimits.datagram),
                    at: now, random: &random)
            }
        }
    }

    /// The datagrams of packets, which are concealed in runs as a lane does it, and what was written as ciphertext and tag.
    func datagrams(
        of packets: [Int], mtu: Int = 1412, receiver: UInt32, counter: UInt64, draw: UInt64,
        _ random: inout KeystreamGenerator, seal: (UnsafeMutableRawPointer, Int, UInt64) -> Void
    ) -> (datagrams: [[UInt8]], sealed: [[UInt8]]) {
        let layouts = packets.map { layout(ofPacket: $0, mtu: mtu, draw: draw) }
        let memory = UnsafeMutableRawBufferPointer.allocate(
            byteCount: layouts.reduce(0) { $0 + $1.total }, alignment: 1)
        defer { memory.deallocate() }
        memory.initializeMemory(as: UInt8.self, repeating: 0)
        var sealed: [[UInt8]] = []
        var slot = memory.baseAddress!
        var runs: [(start: UnsafeMutableRawPointer, stride: Int, length: Int)] = []
        for (index, layout) in layouts.enumerated() {
            let body = slot + layout.prefix
            seal(body, layout.content, counter + UInt64(index))
            DataHeader.store(
                headerForm, receiver: receiver, counter: counter + UInt64(index), suffix: layout.suffix, before: body)
            sealed.append(Array(UnsafeRawBufferPointer(start: body, count: layout.content + Message.tagSize)))
            if let run = runs.last, run.length % run.stride == 0, layout.total <= run.stride {
                runs[runs.count - 1].length += layout.total
            } else {
                runs.append((slot, layout.total, layout.total))
            }
            slot += layout.total
        }
        for run in runs {
            conceal(
                DataRun(
                    start: run.start, length: run.length, stride: run.stride, prefix: layouts[0].prefix, position: 0),
                random: &random)
        }
        var start = 0
        let datagrams = layouts.map { layout in
            defer { start += layout.total }
            return Array(memory[start..<start + layout.total])
        }
        return (datagrams, sealed)
    }
}

extension InboundCodec {
    /// What the codec finds in a datagram that stands in memory of its own size, and the message.
    func handshake(
        in datagram: [UInt8], at now: Moment = VeilPair.moment()
    ) -> (finding: HandshakeFinding, message: [UInt8]) {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: datagram.count, alignment: 1)
        defer { memory.deallocate() }
        memory.copyBytes(from: datagram)
        var finding = HandshakeFinding.none
        let message = [UInt8](unsafeUninitializedCapacity: DisguiseLimits.datagram) { output, count in
            finding = handshake(
                in: UnsafeRawBufferPointer(memory),
                into: UnsafeMutableRawBufferPointer(start: output.baseAddress, count: DisguiseLimits.datagram), at: now,
                isGenuine: { _ in true })
            if case .message(let length, _) = finding { count = length } else { count = 0 }
        }
        precondition(datagram.elementsEqual(memory), "what isn't taken is left as it was")
        return (finding, message)
    }

    /// The session that a datagram in memory of its own size seems to belong to.
    func receiver(of datagram: [UInt8]) -> UInt32? {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: datagram.count, alignment: 1)
        defer { memory.deallocate() }
        memory.copyBytes(from: datagram)
        return receiver(of: UnsafeRawBufferPointer(memory))
    }

    /// What is revealed of datagrams, all but the last of equal length.
    func revealed(
        _ datagrams: [[UInt8]], receiver: UInt32
    ) -> (run: RevealedRun, messages: [(counter: UInt64, body: [UInt8])]) {
        let bytes = UnsafeMutableRawBufferPointer.allocate(
            byteCount: datagrams.reduce(0) { $0 + $1.count }, alignment: 1)
        defer { bytes.deallocate() }
        bytes.copyBytes(from: datagrams.joined())
        let messages = UnsafeMutablePointer<DataMessage>.allocate(capacity: datagrams.count)
        defer { messages.deallocate() }
        let run = reveal(
            ReceivedRun(start: bytes.baseAddress!, length: bytes.count, stride: datagrams[0].count),
            receiver: receiver, into: messages)
        return (
            run,
            (0..<run.messages).map {
                (
                    messages[$0].counter,
                    Array(UnsafeRawBufferPointer(start: messages[$0].body, count: messages[$0].length))
                )
            }
        )
    }
}
