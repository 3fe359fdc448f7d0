import NoisePrimitives
import Obfuscation
import TestKit
import Testing
import Tunnel
import Wire

/// What an eavesdropper sees of `veil` are random bytes of random lengths; what it sees of others isn't, so that this would show it.
@Suite struct VeilUniformityTests {
    /// The least probability that passes.
    private let least = 0.001

    private func check(_ check: RandomnessCheck, comment: Comment) {
        for finding in check.findings.prefix(3) where finding.corrected < least {
            Issue.record("\(comment): \(finding)")
        }
        #expect(check.repetitions == 0, comment)
    }

    private func isUniform(_ lengths: [Int: UInt32], over range: ClosedRange<Int>) -> Bool {
        let probability = RandomnessCheck.probability(ofUniform: range.map { lengths[$0] ?? 0 })
        return lengths.keys.allSatisfy(range.contains) && probability > least
    }

    @Test func aHundredThousandOfAllKindsLookRandom() {
        let traffic = TrafficSample(VeilPair().client, VeilPair().server, seed: 1)
        var seen = RandomnessCheck()
        while seen.count < 100_000 { traffic.session { seen.add($0, drawsLength: $1) } }
        check(seen, comment: "all")
        #expect(seen.lengths.count > 1000)
        #expect(seen.lengthEntropy > 6)
    }

    @Test(arguments: [
        (TrafficSample.Kind.initiation, 208...1199), (.response, 144...895), (.cookieReply, 112...399),
        (.cover, 64...1199), (.keepalive, 25...280), (.data(40), 65...128), (.data(300), 325...356),
        (.data(1412), 1437...1452),
    ])
    func eachKindAloneLooksRandom(kind: TrafficSample.Kind, lengths: ClosedRange<Int>) {
        let traffic = TrafficSample(VeilPair(secret: "s").client, VeilPair(secret: "s").server, seed: 2)
        var seen = RandomnessCheck()
        while seen.count < 12_000 { traffic.single(kind) { seen.add($0, drawsLength: true) } }
        check(seen, comment: "\(kind)")
        #expect(isUniform(seen.lengths, over: lengths))
    }

    @Test func othersDont() throws {
        let keys = CodecKeys(own: VeilPair.clientKey, peer: VeilPair.serverKey, isPeerServer: true)
        let key = ObfuscationKey(Array("adamxiao".utf8))
        for dialect in [Dialect.plain, .xor(XORSettings(key: key)), .lwo] {
            let disguise = try #require(dialect.disguise(number: 1, keys: keys))
            let traffic = TrafficSample(disguise, disguise, seed: 1)
            var seen = RandomnessCheck()
            while seen.count < 5000 { traffic.session { seen.add($0, drawsLength: $1) } }
            let odd = Set(seen.findings.filter { $0.corrected < least }.map(\.what))
            #expect(odd.isSuperset(of: ["byte 0", "byte 4", "difference at byte 8", "length modulo 16"]), "\(dialect)")
            #expect(seen.repetitions > 100, "\(dialect)")
            #expect(seen.lengthEntropy < 6, "\(dialect)")
        }
    }

    /// Half a percent of one byte's values is enough to be found among a hundred thousand.
    @Test func aSlightPreferenceIsFound() {
        let random = SeededRandom(seed: 5)
        for prefers in [false, true] {
            var seen = RandomnessCheck()
            for index in 0..<100_000 {
                var datagram = random.bytes(64 + Int(random.below(160)))
                if prefers, index % 200 == 0 { datagram[40] = 0x45 }
                seen.add(datagram, drawsLength: true)
            }
            #expect((seen.findings[0].corrected < least) == prefers)
            #expect(!prefers || seen.findings[0].what == "byte 40")
        }
    }
}

/// What two peers send each other in a disguise.
final class TrafficSample {
    enum Kind: Sendable {
        case initiation, response, cookieReply, cover, keepalive
        case data(Int)
    }

    private let client: any Disguise
    private let server: any Disguise
    private let random: SeededRandom
    private var generator: KeystreamGenerator
    private var toServer: Half
    private var toClient: Half

    /// One direction of a session.
    private struct Half {
        let cipher: TransportCipher
        let receiver: UInt32
        var counter: UInt64 = 0

        init(_ random: SeededRandom) {
            cipher = TransportCipher(key: random.secret())
            receiver = random.uint32()
        }
    }

    init(_ client: any Disguise, _ server: any Disguise, seed: UInt64) {
        self.client = client
        self.server = server
        random = SeededRandom(seed: seed)
        generator = KeystreamGenerator(seededBy: random)
        toServer = Half(random)
        toClient = Half(random)
    }

    /// A handshake, at times with a cookie, and what a person does with a tunnel in a while: pages, downloads, typing, nothing.
    func session(_ body: ([UInt8], Bool) -> Void) {
        toServer = Half(random)
        toClient = Half(random)
        for kind in random.chance(0.2)
            ? [Kind.initiation, .cookieReply, .initiation, .response] : [.initiation, .response]
        {
            if case .initiation = kind { single(.cover) { body($0, true) } }
            single(kind) { body($0, true) }
        }
        for _ in 0..<1 + random.below(12) {
            switch random.below(4) {
            case 0:
                for _ in 0..<1 + random.below(4) {
                    data(
                        [Int](repeating: 1412, count: 1 + Int(random.below(44))) + [Int(random.below(1412))], true, body
                    )
                    data([Int](repeating: 52, count: 1 + Int(random.below(20))), false, body)
                }
            case 1:
                for _ in 0..<1 + random.below(20) { data([41 + Int(random.below(300))], random.chance(0.5), body) }
            case 2:
                data([40, 1300 + Int(random.below(112))], false, body)
            default:
                for _ in 0..<1 + random.below(6) { data([0], random.chance(0.3), body) }
            }
        }
    }

    /// A datagram of one kind, or for covers none to some.
    func single(_ kind: Kind, _ body: ([UInt8]) -> Void) {
        let now = VeilPair.moment(after: Int64(random.below(1000)))
        switch kind {
        case .initiation: body(client.encoded(.message(.initiation, random), at: now, &generator))
        case .response: body(server.encoded(.message(.response, random), at: now, &generator))
        case .cookieReply: body(server.encoded(.message(.cookieReply, random), at: now, &generator))
        case .cover: client.prelude(at: now, random: &generator).forEach(body)
        case .keepalive: data([0], false) { datagram, _ in body(datagram) }
        case .data(let length): data([length], false) { datagram, _ in body(datagram) }
        }
    }

    /// A batch of packets.
    private func data(_ packets: [Int], _ isFromServer: Bool, _ body: ([UInt8], Bool) -> Void) {
        let half = isFromServer ? toClient : toServer
        if isFromServer {
            toClient.counter += UInt64(packets.count)
        } else {
            toServer.counter += UInt64(packets.count)
        }
        let sent = (isFromServer ? server : client).datagrams(
            of: packets, receiver: half.receiver, counter: half.counter, draw: random.next(), &generator,
            seal: { body, content, counter in
                body.initializeMemory(as: UInt8.self, repeating: 0x45, count: content)
                half.cipher.seal(body, count: content, counter: counter)
            })
        var lengths: Set<Int> = []
        for (packet, datagram) in zip(packets, sent.datagrams) {
            body(datagram, lengths.insert(packet).inserted)
        }
    }
}
