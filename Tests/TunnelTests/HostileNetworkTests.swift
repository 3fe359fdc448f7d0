import NoisePrimitives
import Synchronization
import TestKit
import Testing
import Wire

@testable import Tunnel

/// Networks that lose, reorder, double and damage, and datagrams made to hurt.
@Suite("Hostile network")
struct HostileNetworkTests {
    @Test("The tunnel recovers, delivers nothing twice and nothing damaged", arguments: [1, 2, 3] as [UInt64])
    func badLink(_ seed: UInt64) {
        let pair = Pair(seed: seed)
        pair.network.link.loss = 0.2
        pair.network.link.duplication = 0.1
        pair.network.link.corruption = 0.05
        pair.network.link.jitter = .milliseconds(200)
        for number in 0..<3000 {
            pair.sendFromAlice(filling: "a\(number).")
            pair.sendFromBob(filling: "b\(number).")
            pair.run(0.3)
        }
        pair.run(20)
        for (host, prefix, make) in [(pair.bob, "a", Pair.request), (pair.alice, "b", Pair.answer)] {
            let sent = Set((0..<3000).map { make(84, "\(prefix)\($0).") })
            #expect(host.delivered.count > 1800)
            #expect(Set(host.delivered).count == host.delivered.count)
            #expect(Set(host.delivered).isSubset(of: sent))
            #expect(host.shared.drops[.undecryptable] > 20)
            #expect(host.shared.drops[.replayed] > 50)
            #expect(host.shared.indices.count <= 4)
        }
        pair.network.link = SimulatedLink(seed: seed)
        pair.forget()
        pair.sendFromAlice()
        pair.run(6)
        #expect(pair.bob.delivered == [Pair.request()])
    }

    @Test("A path that carries only small datagrams loses the large ones alone")
    func smallPath() {
        let pair = Pair()
        pair.network.link.mtu = 1280
        pair.sendFromAlice(1420)
        pair.run(1)
        pair.sendFromAlice(1200)
        pair.run(1)
        #expect(pair.bob.delivered == [Pair.request(1200)])
    }

    @Test("100 000 random, cut and altered datagrams: no trap, each counted, nothing grows")
    func fuzz() {
        let pair = Pair()
        pair.network.interceptor = nil
        // A session, an unconfirmed one, a handshake under way: all that a datagram can meet.
        pair.establish()
        pair.sendFromAlice(1000)
        pair.sendFromAlice(28)
        pair.run(130)
        pair.sendFromAlice()
        pair.run(0.1)
        var samples = pair.seen.sightings.map(\.datagram)
        pair.bob.waitingHandshakes = 1000
        pair.network.change(pair.alice) {
            pair.bobAtAlice.timers.lastHandshakeSent.store(0, ordering: .relaxed)
            $0.sendInitiation(to: pair.bobAtAlice, isRetry: false, now: pair.network.now)
        }
        pair.run(0.1)
        pair.bob.waitingHandshakes = 0
        samples += pair.seen.sightings.map(\.datagram)
        #expect(Set(samples.compactMap(\.kind)).count == 4)
        // Alice's retry makes a replay of the initiation that got the cookie.
        pair.run(6)

        let random = SeededRandom(seed: 100_000)
        let (slots, indices) = (pair.aliceAtBob.slots, pair.bob.shared.indices.count)
        let (endpoint, bytes) = (pair.aliceAtBob.endpoint, pair.aliceAtBob.receivedBytes.load(ordering: .relaxed))
        pair.bob.forget()
        for step in 0..<100_000 {
            let datagram = Datagram(
                source: Endpoint(
                    .v4(IPv4Address(UInt32(truncatingIfNeeded: random.next()))), port: UInt16(random.below(65536))),
                destination: pair.bob.endpoint,
                payload: Self.mutated(samples[Int(random.below(UInt64(samples.count)))].payload, random))
            pair.bob.waitingHandshakes = step.isMultiple(of: 5000) ? 1000 : 0
            let before = pair.bob.drops
            pair.bob.receive(datagram, now: pair.network.now)
            if pair.bob.drops != before + 1 {
                Issue.record("step \(step): \(pair.bob.drops - before) drops of a \(String(describing: datagram.kind))")
                return
            }
            #expect(pair.bob.takeOutbox().allSatisfy { $0.kind == .cookieReply })
            if step.isMultiple(of: 100) { pair.run(0.01) }
        }
        #expect(pair.bob.delivered.isEmpty)
        #expect(pair.aliceAtBob.slots == slots)
        #expect(pair.aliceAtBob.endpoint == endpoint)
        #expect(pair.bob.shared.indices.count == indices)
        #expect(pair.aliceAtBob.receivedBytes.load(ordering: .relaxed) == bytes)
        #expect(pair.bob.device.rateLimiter.count < 10)
        let reasons = DropReason.allCases.filter { pair.bob.shared.drops[$0] > 0 }
        #expect(reasons.contains(.notWireGuard) && reasons.contains(.wrongMAC1))
        #expect(reasons.contains(.unknownSession) && reasons.contains(.undecryptable))
    }

    @Test("Altered handshakes with a right MAC1, which anybody can make, get no answer")
    func fuzzBehindMAC1() {
        let pair = Pair()
        pair.sendFromAlice()
        pair.run(1)
        let random = SeededRandom(seed: 77)
        let keys = MACKeys(of: pair.bob.publicKey)
        let initiation = pair.seen.all(.initiation)[0].datagram
        let indices = pair.bob.shared.indices.count
        for _ in 0..<500 {
            var forged = initiation
            forged.payload[4 + Int(random.below(112))] ^= 1 << UInt8(random.below(8))
            let mac1 = forged.payload.withUnsafeBytes { keys.mac1(of: $0) }
            forged.payload.withUnsafeMutableBytes { mac1.store(to: $0.baseAddress! + 116) }
            let before = pair.bob.drops
            pair.bob.receive(forged, now: pair.network.now)
            #expect(pair.bob.drops == before + 1)
            #expect(pair.bob.takeOutbox().isEmpty)
        }
        #expect(pair.bob.shared.indices.count == indices)
        #expect(pair.bob.shared.drops[.initiationUndecryptable] > 300)
    }

    @Test("Packets inside that lie about their length are dropped and counted")
    func malformedInside() throws {
        let pair = Pair()
        pair.establish()
        let keypair = pair.bobAtAlice.currentKeypair!
        let random = SeededRandom(seed: 5)
        var (malformed, keepalives): (UInt64, Int) = (0, 0)
        for _ in 0..<5000 {
            var packet =
                random.chance(0.5) ? Pair.request(Int(28 + random.below(60))) : random.bytes(Int(1 + random.below(80)))
            for _ in 0..<random.below(3) {
                packet[Int(random.below(UInt64(min(packet.count, 8))))] = UInt8(random.below(256))
            }
            let padded = packet + [UInt8](repeating: 0, count: paddedLength(packet.count, mtu: 0) - packet.count)
            // What begins with a zero is a padded keepalive.
            let isSound = padded[0] == 0 || padded.withUnsafeBytes { IPPacket($0) != nil }
            if !isSound { malformed += 1 }
            if padded[0] == 0 { keepalives += 1 }
            let counter = try #require(keypair.reserve(1))
            var slot = [UInt8](repeating: 0, count: 16) + padded + [UInt8](repeating: 0, count: 16)
            slot.withUnsafeMutableBytes { keypair.seal($0.baseAddress!, length: padded.count, counter: counter) }
            pair.bob.receive(
                Datagram(source: pair.alice.endpoint, destination: pair.bob.endpoint, payload: slot),
                now: pair.network.now)
        }
        #expect(malformed > 1000)
        #expect(pair.bob.shared.drops[.innerPacketMalformed] == malformed)
        #expect(keepalives > 0 && pair.bob.delivered.count + Int(pair.bob.drops) + keepalives == 5000)
        #expect(
            pair.bob.delivered.allSatisfy { packet in packet.withUnsafeBytes { IPPacket($0)?.length == packet.count } })
    }

    /// Bytes of any kind, or the sample cut, lengthened or with some of its bits turned.
    private static func mutated(_ sample: [UInt8], _ random: SeededRandom) -> [UInt8] {
        switch random.below(5) {
        case 0: return random.bytes(Int(random.below(200)))
        case 1:
            var bytes = random.bytes(Int([32, 64, 92, 148, 100][Int(random.below(5))]))
            bytes.replaceSubrange(0..<4, with: [UInt8(1 + random.below(4)), 0, 0, 0])
            return bytes
        case 2: return Array(sample.prefix(Int(random.below(UInt64(sample.count)))))
        case 3: return sample + random.bytes(1 + Int(random.below(40)))
        default:
            var bytes = sample
            bytes[Int(random.below(UInt64(bytes.count)))] ^= 1 << UInt8(random.below(8))
            // Turned MAC2 bits and old data are sound but for the replay; the index makes sure that they are not.
            for _ in 0..<random.below(6) { bytes[Int(random.below(UInt64(bytes.count)))] = UInt8(random.below(256)) }
            return bytes
        }
    }
}
