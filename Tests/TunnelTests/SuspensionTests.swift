import NoisePrimitives
import Synchronization
import TestKit
import Testing
import Wire

@testable import Tunnel

/// Peers that are configured and not served, and what they may transfer until then.
@Suite("Suspended peers")
struct SuspensionTests {
    private func change(_ host: SimulatedHost, _ pair: Pair, _ body: (Device, Moment) -> Void) {
        pair.network.change(host) { body($0, pair.network.now) }
    }

    @Test("Nothing goes out or comes in, waiting packets are dropped, and no timer runs")
    func suspended() {
        let pair = Pair()
        pair.establish()
        pair.sendFromAlice()
        pair.run(1)
        #expect(pair.bob.delivered.count == 1)
        change(pair.bob, pair) { device, _ in device.suspend(pair.alice.publicKey) }
        #expect(pair.aliceAtBob.slots == (nil, nil, nil))
        #expect(pair.bob.shared.indices.count == 0)
        pair.seen.forget()

        pair.sendFromBob()
        #expect(pair.bob.shared.drops[.peerSuspended] == 1)
        #expect(pair.aliceAtBob.stagedCount == 0)
        for _ in 0..<200 {
            pair.sendFromAlice()
            pair.run(1)
        }
        #expect(pair.bob.delivered.count == 1)
        #expect(pair.count(.initiation, from: pair.alice) > 1)
        #expect(pair.seen.sightings.allSatisfy { $0.datagram.source == pair.alice.endpoint }, "not a byte is answered")
        #expect(pair.bob.shared.drops[.peerSuspended] > 1)
        pair.run(600)
        #expect(pair.bob.device.nextDeadline == nil)
    }

    @Test("Who is served again can be called and call, and what was recorded meanwhile is no fresh handshake")
    func readmitted() throws {
        let pair = Pair(bobKnowsAlice: false)
        change(pair.bob, pair) { device, _ in device.suspend(pair.alice.publicKey) }
        pair.sendFromAlice()
        pair.run(1)
        let recorded = try #require(pair.seen.all(.initiation).first).datagram
        #expect(pair.bob.shared.drops[.peerSuspended] == 1)
        #expect(pair.aliceAtBob.endpoint == nil, "it isn't followed to where it calls from")
        change(pair.bob, pair) { device, now in device.readmit(pair.alice.publicKey, now: now) }
        pair.bob.receive(recorded, now: pair.network.now)
        #expect(pair.bob.shared.drops[.initiationReplayed] == 1)
        pair.run(6)
        #expect(pair.bob.delivered == [Pair.request()])
        pair.sendFromBob()
        pair.run(1)
        #expect(pair.alice.delivered == [Pair.answer()])
    }

    @Test("Neither persistent keepalive nor the interface's coming up calls a suspended peer")
    func staysSuspended() {
        let pair = Pair()
        change(pair.bob, pair) { device, _ in device.suspend(pair.alice.publicKey) }
        pair.change(pair.bob, peer: pair.alice) { $0.persistentKeepalive = 5 }
        pair.run(30)
        change(pair.bob, pair) { device, now in
            device.down()
            device.up(now: now)
            device.call(pair.alice.publicKey, at: pair.alice.endpoint, now: now)
        }
        pair.run(30)
        #expect(pair.seen.sightings.isEmpty)
        change(pair.bob, pair) { device, now in device.readmit(pair.alice.publicKey, now: now) }
        pair.run(1)
        #expect(pair.count(.initiation, from: pair.bob) == 1)
    }

    @Test("A peer that is removed and comes again isn't suspended any more")
    func removed() {
        let pair = Pair()
        change(pair.bob, pair) { device, _ in device.suspend(pair.alice.publicKey) }
        pair.change(pair.bob, peer: pair.alice) { $0.removes = true }
        pair.change(pair.bob, peer: pair.alice) { $0.allowedIPs = [.add(prefix("10.0.0.1/32"))] }
        pair.sendFromAlice()
        pair.run(1)
        #expect(pair.bob.delivered.count == 1)
    }

    @Test("All that was granted is used, and not much more, in whichever direction")
    func allowance() {
        let pair = Pair()
        pair.bob.echoes = true
        pair.establish()
        let before = pair.aliceAtBob.transferredBytes
        change(pair.bob, pair) { device, _ in device.setAllowance(10_000, of: pair.alice.publicKey) }
        for _ in 0..<100 {
            pair.sendFromAlice(200)
            pair.run(0.1)
        }
        let used = pair.aliceAtBob.transferredBytes - before
        #expect((10_000..<10_300).contains(used), "\(used)")
        #expect(pair.aliceAtBob.isSuspended)
        let told = pair.bob.events.filter { if case .allowanceUsed = $0 { true } else { false } }
        #expect(told.count == 1)
        let delivered = pair.bob.delivered.count
        // It doesn't come back by itself, nor by a greater allowance alone.
        change(pair.bob, pair) { device, _ in device.setAllowance(nil, of: pair.alice.publicKey) }
        pair.run(30)
        #expect(pair.bob.delivered.count == delivered)
    }

    @Test("An allowance that was enlarged in time suspends nobody")
    func enlarged() {
        let pair = Pair()
        pair.establish()
        change(pair.bob, pair) { device, _ in
            device.setAllowance(1, of: pair.alice.publicKey)
            device.setAllowance(.max, of: pair.alice.publicKey)
        }
        for _ in 0..<10 { pair.sendFromAlice() }
        pair.run(1)
        #expect(pair.bob.delivered.count == 10)
        #expect(!pair.aliceAtBob.isSuspended)
    }
}
