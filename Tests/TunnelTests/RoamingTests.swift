import TestKit
import Testing
import Wire

@testable import Tunnel

/// Where packets go and from where. Protocol §11.
@Suite("Roaming")
struct RoamingTests {
    private static let elsewhere = endpoint("198.51.100.7", 7777)

    @Test("A data packet, a keepalive, an initiation and a response from a new address each move the peer")
    func everyAuthenticatedMessage() {
        let pair = Pair()
        pair.establish()
        pair.alice.endpoint = Self.elsewhere
        pair.sendFromAlice()
        pair.run(1)
        #expect(pair.aliceAtBob.endpoint == Self.elsewhere)
        #expect(
            pair.bob.events.contains {
                if case .roamed(_, Self.elsewhere, from: endpoint("192.0.2.1", 1111)) = $0 { true } else { false }
            })
        pair.sendFromBob()
        pair.run(1)
        #expect(pair.alice.delivered.count == 1)

        pair.alice.endpoint.port = 1
        pair.run(9.5)
        #expect(pair.seen.keepalives(from: pair.alice.endpoint).count == 1)
        pair.run(1)
        #expect(pair.aliceAtBob.endpoint == pair.alice.endpoint)

        pair.run(200)
        pair.alice.endpoint.port = 2
        pair.network.interceptor = { $0.kind == .initiation ? $0 : nil }
        pair.sendFromAlice()
        pair.run(1)
        #expect(pair.aliceAtBob.endpoint?.port == 2)
        pair.network.interceptor = { datagram in
            var datagram = datagram
            if datagram.kind == .response { datagram.source.port = 3 }
            return datagram.kind == .data ? nil : datagram
        }
        pair.run(6)
        #expect(pair.bobAtAlice.endpoint?.port == 3)
    }

    @Test("What doesn't authenticate, is replayed, or is a cookie reply moves nothing")
    func nothingElse() {
        let pair = Pair()
        pair.establish()
        pair.sendFromAlice()
        pair.run(1)
        var replay = pair.seen.packets()[0].datagram
        replay.source = Self.elsewhere
        pair.network.inject(replay)
        var forged = replay
        forged.payload[20] ^= 1
        pair.network.inject(forged)
        pair.run(1)
        #expect(pair.bob.shared.drops[.replayed] == 1)
        #expect(pair.bob.shared.drops[.undecryptable] == 1)
        #expect(pair.aliceAtBob.endpoint == pair.alice.endpoint)

        let loaded = Pair()
        loaded.bob.waitingHandshakes = 1000
        loaded.network.interceptor = { datagram in
            var datagram = datagram
            if datagram.kind == .cookieReply { datagram.source = Self.elsewhere }
            return datagram
        }
        loaded.sendFromAlice()
        loaded.run(1)
        #expect(loaded.count(.cookieReply, from: loaded.bob) == 1)
        #expect(loaded.bobAtAlice.endpoint == loaded.bob.endpoint)
        loaded.run(5)
        #expect(loaded.bob.delivered.count == 1)
    }

    @Test("A packet that is dropped for its source address inside has moved the peer all the same")
    func forgedInside() {
        let pair = Pair()
        pair.establish()
        pair.alice.endpoint = Self.elsewhere
        pair.network.send(SamplePacket.udp(from: address("10.0.0.9"), to: address("10.0.0.2")), from: pair.alice)
        pair.run(1)
        #expect(pair.bob.shared.drops[.sourceNotAllowed] == 1)
        #expect(pair.aliceAtBob.endpoint == Self.elsewhere)
    }

    @Test("The address that a peer wrote to is kept, and forgotten by a new endpoint, a retry and an unanswered peer")
    func stickySource() throws {
        let pair = Pair()
        pair.establish()
        let source = SourceAddress(address("192.0.2.2"), interfaceIndex: 3)
        func keep() throws {
            pair.sendFromAlice()
            let packet = try #require(pair.seen.packets(from: pair.alice.endpoint).last).datagram
            pair.run(0.001)
            pair.bob.receive(packet, via: source, now: pair.network.now)
            #expect(pair.aliceAtBob.stickyRoute?.source == source)
            #expect(pair.aliceAtBob.sendGrant(at: pair.network.now.instant)?.source == source)
        }
        pair.network.interceptor = { $0.source == pair.alice.endpoint ? nil : $0 }
        try keep()
        pair.aliceAtBob.forgetSource(SourceAddress(address("192.0.2.3"), interfaceIndex: 3))
        #expect(pair.aliceAtBob.stickyRoute != nil)
        pair.aliceAtBob.forgetSource(source)
        #expect(pair.aliceAtBob.stickyRoute == nil)

        try keep()
        pair.change(pair.bob, peer: pair.alice) { $0.endpoint = pair.alice.endpoint }
        #expect(pair.aliceAtBob.stickyRoute == nil)

        try keep()
        pair.sendFromBob()
        pair.run(14.9)
        #expect(pair.aliceAtBob.stickyRoute != nil)
        pair.run(0.5)
        #expect(pair.aliceAtBob.stickyRoute == nil)
        #expect(pair.count(.initiation, from: pair.bob) == 1)
        try keep()
        pair.run(5.4)
        #expect(pair.count(.initiation, from: pair.bob) == 2)
        #expect(pair.aliceAtBob.stickyRoute == nil)
    }

    @Test("A peer without an endpoint gets nothing until it has called")
    func withoutEndpoint() {
        let pair = Pair(bobKnowsAlice: false)
        pair.sendFromBob()
        #expect(pair.bob.shared.drops[.noEndpoint] == 1)
        #expect(pair.aliceAtBob.stagedCount == 0)
        pair.run(20)
        #expect(pair.seen.sightings.isEmpty)
        pair.sendFromAlice()
        pair.run(1)
        pair.sendFromBob()
        pair.run(1)
        #expect(pair.alice.delivered.count == 1)
    }
}
