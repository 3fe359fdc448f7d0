import NoisePrimitives
import Synchronization
import TestKit
import Testing
import Wire

@testable import Tunnel

/// Handshakes that don't go the usual way. Protocol §3 and §14.
@Suite("Odd handshakes")
struct OddHandshakeTests {
    @Test("Both begin at once: both have at once what the other sent")
    func simultaneous() {
        for seed in 1...20 as ClosedRange<UInt64> {
            let pair = Pair(seed: seed)
            pair.network.link.latency = .milliseconds(1)
            pair.sendFromAlice()
            pair.sendFromBob()
            pair.run(0.1)
            #expect(pair.bob.delivered == [Pair.request()], "seed \(seed)")
            #expect(pair.alice.delivered == [Pair.answer()], "seed \(seed)")
            #expect(pair.alice.shared.indices.count <= 4 && pair.bob.shared.indices.count <= 4)
        }
    }

    @Test("Both begin at once on a path so slow that each one's retry comes too soon after its answer")
    func simultaneousOnASlowPath() {
        for seed in 1...20 as ClosedRange<UInt64> {
            let pair = Pair(seed: seed)
            pair.network.link.latency = .milliseconds(400)
            pair.sendFromAlice()
            pair.sendFromBob()
            pair.run(60)
            #expect(pair.bob.delivered == [Pair.request()], "seed \(seed)")
            #expect(pair.alice.delivered == [Pair.answer()], "seed \(seed)")
        }
    }

    @Test("A response that comes late, before the retry, is as good as any")
    func lateResponse() {
        let pair = Pair()
        var held: Datagram?
        pair.network.interceptor = { datagram in
            guard datagram.kind == .response else { return datagram }
            held = datagram
            return nil
        }
        pair.sendFromAlice()
        pair.run(4.9)
        pair.network.interceptor = nil
        #expect(held != nil)
        if let held { pair.network.inject(held) }
        pair.run(1)
        #expect(pair.bob.delivered == [Pair.request()])
        #expect(pair.count(.initiation, from: pair.alice) == 1)
    }

    @Test("An initiation that comes while ours is out is answered; the response to ours counts as well")
    func crossing() {
        let pair = Pair()
        var held: [Datagram] = []
        pair.network.interceptor = { datagram in
            guard datagram.kind == .response, datagram.source == pair.bob.endpoint else { return datagram }
            held.append(datagram)
            return nil
        }
        pair.sendFromAlice()
        pair.run(0.02)
        pair.network.change(pair.bob) { _ in
            pair.aliceAtBob.timers.lastHandshakeSent.store(0, ordering: .relaxed)
        }
        pair.sendFromBob()
        pair.run(0.015)
        #expect(pair.count(.response, from: pair.alice) == 1)
        pair.network.interceptor = nil
        for datagram in held { pair.network.inject(datagram) }
        pair.run(1)
        #expect(held.count == 1)
        #expect(pair.alice.shared.drops[.responseUnexpected] == 0)
        #expect(pair.bob.delivered == [Pair.request()])
        #expect(pair.alice.delivered == [Pair.answer()])
        #expect(pair.count(.initiation, from: pair.alice) == 1)
        #expect(pair.count(.initiation, from: pair.bob) == 1)
    }

    @Test func duplicatedResponse() {
        let pair = Pair()
        pair.sendFromAlice()
        pair.run(1)
        let response = pair.seen.all(.response)[0].datagram
        let slots = pair.bobAtAlice.slots
        let bytes = pair.bobAtAlice.receivedBytes.load(ordering: .relaxed)
        pair.network.inject(response)
        pair.run(1)
        #expect(pair.alice.shared.drops[.responseUnexpected] == 1)
        #expect(pair.bobAtAlice.slots == slots)
        #expect(pair.bobAtAlice.receivedBytes.load(ordering: .relaxed) == bytes)
    }

    @Test("A wrong response leaves the handshake open for the right one")
    func forgedResponseFirst() {
        let pair = Pair()
        let stranger = MACKeys(of: pair.alice.publicKey)
        pair.network.interceptor = { datagram in
            if datagram.kind == .response {
                // A response with a right MAC1, which needs only the public key, and anything else wrong.
                for offset in [12, 50] {
                    var forged = datagram
                    forged.source = endpoint("203.0.113.5", 666)
                    forged.payload[offset] ^= 1
                    let mac1 = forged.payload.withUnsafeBytes { stranger.mac1(of: $0) }
                    forged.payload.withUnsafeMutableBytes { mac1.store(to: $0.baseAddress! + 60) }
                    pair.network.interceptor = nil
                    pair.network.inject(forged)
                }
            }
            return datagram
        }
        pair.sendFromAlice()
        pair.run(1)
        #expect(pair.alice.shared.drops[.responseUndecryptable] == 2)
        #expect(pair.bobAtAlice.endpoint == pair.bob.endpoint)
        #expect(pair.bob.delivered.count == 1)
        #expect(pair.seen.all(.initiation).count == 1)
    }

    @Test("A replayed initiation is dropped and counted and moves nothing")
    func replayedInitiation() {
        let pair = Pair()
        pair.sendFromAlice()
        pair.run(1)
        var replay = pair.seen.all(.initiation)[0].datagram
        replay.source = endpoint("203.0.113.5", 666)
        for _ in 0..<10 {
            pair.network.inject(replay)
            pair.run(1)
        }
        #expect(pair.bob.shared.drops[.initiationReplayed] == 10)
        #expect(pair.count(.response, from: pair.bob) == 1)
        #expect(pair.aliceAtBob.endpoint == pair.alice.endpoint)
    }

    @Test("Initiations of one peer less than 20 ms apart are dropped")
    func flood() {
        let pair = Pair()
        pair.network.link.latency = .milliseconds(1)
        // Each is newer by its wall clock than the one before it.
        for gap in [0.0, 0.0195, 0.0005, 0.0195, 0.0205] {
            pair.run(gap)
            pair.network.shiftWall(bySeconds: 1)
            pair.network.change(pair.alice) { device in
                pair.bobAtAlice.timers.lastHandshakeSent.store(0, ordering: .relaxed)
                device.sendInitiation(to: pair.bobAtAlice, isRetry: false, now: pair.network.now)
            }
        }
        pair.run(0.5)
        #expect(pair.count(.initiation, from: pair.alice) == 5)
        #expect(pair.bob.shared.drops[.initiationTooSoon] == 2)
        #expect(pair.count(.response, from: pair.bob) == 3)
    }

    @Test func unknownPeerGetsNothing() {
        let pair = Pair()
        pair.network.change(pair.bob) { device in
            device.apply(pair.alice.publicKey, now: pair.network.now) { $0.removes = true }
        }
        pair.sendFromAlice()
        pair.run(12)
        #expect(pair.seen.sightings.allSatisfy { $0.datagram.source == pair.alice.endpoint })
        #expect(pair.bob.shared.drops[.initiationFromUnknownKey] == 3)
        #expect(pair.bob.shared.indices.count == 0)
    }

    @Test("The own key as a peer is ignored; becoming a peer's key removes that peer")
    func ownKeyAsPeer() {
        let pair = Pair()
        let now = pair.network.now
        pair.change(pair.alice, peer: pair.alice) { $0.allowedIPs = [.add(prefix("10.9.0.0/16"))] }
        #expect(pair.alice.device.peers.count == 1)
        #expect(pair.alice.shared.routes.peer(for: address("10.9.0.1")) == nil)

        let random = SeededRandom(seed: 99)
        let privateKey = random.secret()
        let twin = X25519.publicKey(of: privateKey)
        pair.network.change(pair.alice) { device in
            device.apply(twin, now: now) { $0.allowedIPs = [.add(prefix("10.9.0.0/16"))] }
        }
        #expect(pair.alice.device.peers.count == 2)
        var change = DeviceChange()
        change.privateKey = privateKey
        pair.network.change(pair.alice) { $0.apply(change, now: now) }
        #expect(pair.alice.device.peers.count == 1)
        #expect(pair.alice.peer(twin) == nil)
        #expect(pair.alice.shared.routes.peer(for: address("10.9.0.1")) == nil)
    }

    @Test("A zero private key is no key: no handshake either way, no answer")
    func zeroKey() {
        let pair = Pair()
        var change = DeviceChange()
        change.privateKey = .zero
        pair.network.change(pair.alice) { $0.apply(change, now: pair.network.now) }
        #expect(pair.alice.device.status().privateKey == nil)
        pair.sendFromAlice()
        pair.sendFromBob()
        pair.run(10)
        #expect(pair.seen.sightings.allSatisfy { $0.datagram.source == pair.bob.endpoint })
        #expect(pair.alice.shared.drops[.noPrivateKey] >= 2)
        #expect(pair.bobAtAlice.stagedCount == 1)
    }

    @Test("Without a key, traffic tries an initiation every five seconds, not with every packet")
    func attemptsWithoutKey() {
        let pair = Pair()
        var change = DeviceChange()
        change.privateKey = .zero
        pair.network.change(pair.alice) { $0.apply(change, now: pair.network.now) }
        for _ in 0..<10 {
            pair.sendFromAlice()
            pair.run(0.9)
        }
        let attempts = pair.alice.events.filter {
            if case .initiationImpossible(pair.bob.publicKey, .noPrivateKey) = $0 { true } else { false }
        }
        #expect(attempts.count == 2)
        change.privateKey = SeededRandom(seed: 5).secret()
        pair.network.change(pair.alice) { $0.apply(change, now: pair.network.now) }
        pair.sendFromAlice()
        #expect(pair.count(.initiation, from: pair.alice) == 1)
    }

    @Test("A private key is clamped when it is set")
    func clamped() {
        let pair = Pair()
        var change = DeviceChange()
        change.privateKey = Secret32(Bytes32([UInt8](repeating: 0xff, count: 32))!)
        pair.network.change(pair.alice) { $0.apply(change, now: pair.network.now) }
        let key = pair.alice.device.status().privateKey?.bytes.array
        #expect(key?.first == 0xf8 && key?.last == 0x7f)
    }

    /// Points whose multiples by a clamped key are zero, in little-endian hexadecimal.
    static let lowOrderPoints = [
        String(repeating: "00", count: 32),
        "01" + String(repeating: "00", count: 31),
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ]

    @Test("A peer whose key is a low-order point never gets a packet", arguments: lowOrderPoints)
    func lowOrderPeer(_ point: String) {
        let pair = Pair()
        pair.network.change(pair.alice) { device in
            device.apply(key(point), now: pair.network.now) { peer in
                peer.endpoint = endpoint("192.0.2.66", 66)
                peer.allowedIPs = [.add(prefix("10.6.6.0/24"))]
                peer.persistentKeepalive = 5
            }
        }
        pair.network.send(SamplePacket.udp(from: address("10.0.0.1"), to: address("10.6.6.6")), from: pair.alice)
        pair.run(30)
        #expect(pair.seen.sightings.isEmpty)
        #expect(pair.alice.shared.indices.count == 0)
        #expect(
            pair.alice.events.contains {
                if case .initiationImpossible(key(point), .lowOrderKey) = $0 { true } else { false }
            })
    }

    @Test("A low-order ephemeral is dropped on either side, in silence", arguments: lowOrderPoints)
    func lowOrderEphemeral(_ point: String) {
        let pair = Pair()
        pair.sendFromAlice()
        let initiation = pair.seen.all(.initiation)[0].datagram
        pair.network.inject(Self.forge(initiation, ephemeral: hex(point), at: 8, for: pair.bob))
        pair.network.interceptor = { datagram in
            guard datagram.kind == .response else { return datagram }
            return Self.forge(datagram, ephemeral: hex(point), at: 12, for: pair.alice)
        }
        pair.run(2)
        #expect(pair.bob.shared.drops[.lowOrderKey] == 1)
        #expect(pair.alice.shared.drops[.lowOrderKey] == 1)
        #expect(pair.seen.sightings.map(\.kind) == [.initiation, .initiation, .response])
    }

    @Test("A peer that is taken away leaves no index, no route and no secret behind")
    func removal() {
        let pair = Pair()
        pair.establish()
        let peer = pair.aliceAtBob
        let index = peer.slots.current!
        let keypair = peer.currentKeypair!
        pair.network.change(pair.bob) { device in
            device.apply(pair.alice.publicKey, now: pair.network.now) { $0.removes = true }
        }
        #expect(pair.bob.shared.indices.count == 0)
        #expect(pair.bob.shared.routes.peer(for: address("10.0.0.1")) == nil)
        #expect(!keypair.canSend(at: keypair.created))
        #expect(peer.handshake.staticShared == nil)
        #expect(pair.bob.shared.indices.session(index) == nil)
        pair.sendFromAlice()
        pair.sendFromBob()
        pair.run(1)
        #expect(pair.bob.shared.drops[.unknownSession] == 1)
        #expect(pair.bob.shared.drops[.noPeerForDestination] == 1)
        #expect(pair.bob.delivered.isEmpty)
    }

    /// The message with another ephemeral key and a MAC1 that is right for it.
    private static func forge(
        _ datagram: Datagram, ephemeral: [UInt8], at offset: Int, for receiver: SimulatedHost
    ) -> Datagram {
        var forged = datagram
        forged.payload.replaceSubrange(offset..<offset + 32, with: ephemeral)
        let mac1 = forged.payload.withUnsafeBytes { MACKeys(of: receiver.publicKey).mac1(of: $0) }
        let count = forged.payload.count
        forged.payload.withUnsafeMutableBytes { mac1.store(to: $0.baseAddress! + count - 32) }
        return forged
    }
}
