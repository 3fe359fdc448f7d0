import Synchronization
import TestKit
import Testing
import Wire

@testable import Tunnel

/// When sessions are renewed and end, and which slots they take. Protocol §6 and §9.
@Suite("Renewal of sessions")
struct RekeyTests {
    @Test("The initiator renews after 120 s when it sends")
    func initiatorOnSend() {
        let pair = Pair()
        pair.establish()
        pair.run(119 - 1)
        pair.sendFromAlice()
        pair.run(0.5)
        #expect(pair.seen.all(.initiation).isEmpty)
        pair.run(1)
        pair.sendFromAlice()
        pair.run(0.5)
        #expect(pair.count(.initiation, from: pair.alice) == 1)
        #expect(pair.bob.delivered.count == 2)
    }

    @Test("The responder never renews by time; the initiator does so on receiving after 165 s, once")
    func initiatorOnReceive() {
        let pair = Pair()
        pair.establish()
        pair.bob.echoes = false
        while pair.network.now.instant < SimulatedClock().instant + seconds(164.9) {
            pair.sendFromBob()
            pair.run(1)
            // Alice's own keepalives would renew; they come ten seconds after what she gets.
            pair.network.change(pair.alice) { _ in
                pair.bobAtAlice.timers.sendKeepaliveAt.store(0, ordering: .relaxed)
                pair.bobAtAlice.timers.needsAnotherKeepalive.store(false, ordering: .relaxed)
            }
            pair.network.change(pair.bob) { _ in pair.aliceAtBob.timers.unansweredSince.store(0, ordering: .relaxed) }
        }
        #expect(pair.seen.all(.initiation).isEmpty)
        pair.run(1)
        pair.network.interceptor = { $0.kind == .initiation ? nil : $0 }
        for _ in 0..<3 {
            pair.sendFromBob()
            pair.run(0.1)
        }
        #expect(pair.count(.initiation, from: pair.alice) == 1)
        #expect(pair.count(.initiation, from: pair.bob) == 0)
        #expect(pair.bobAtAlice.timers.lastMinuteInitiationSent.load(ordering: .relaxed) == true)
    }

    @Test("A packet held back on an old session doesn't make the initiator renew the one it has")
    func lateOnPreviousSession() throws {
        let pair = Pair()
        pair.establish()
        pair.run(119)
        var late: Datagram?
        pair.network.interceptor = { datagram in
            late = datagram
            return nil
        }
        pair.sendFromBob()
        pair.network.interceptor = nil
        pair.run(2)
        pair.sendFromAlice()
        pair.run(50)
        let slots = pair.bobAtAlice.slots
        #expect(slots.previous != nil && slots.current != nil)
        pair.forget()
        pair.network.inject(try #require(late))
        pair.run(1)
        #expect(pair.alice.delivered.count == 1)
        #expect(pair.count(.initiation, from: pair.alice) == 0)
        #expect(pair.bobAtAlice.slots == slots)
    }

    @Test("Under steady traffic both ways there is one handshake about every 120 s and nothing is lost")
    func steadyTraffic() {
        let pair = Pair()
        pair.bob.echoes = true
        for _ in 0..<3600 {
            pair.sendFromAlice()
            pair.run(1)
        }
        #expect(pair.bob.delivered.count == 3600)
        #expect(pair.alice.delivered.count == 3600)
        let handshakes = pair.seen.all(.initiation).count
        #expect(handshakes >= 29 && handshakes <= 31)
        #expect(pair.count(.initiation, from: pair.bob) == 0)
        #expect(pair.seen.keepalives().count <= 31)
        #expect(pair.alice.drops == 0 && pair.bob.drops == 0)
    }

    @Test("No session sends or receives from 180 s on")
    func rejection() {
        let pair = Pair()
        pair.establish()
        let keypair = pair.bobAtAlice.currentKeypair!
        #expect(keypair.canSend(at: keypair.created + seconds(179.999)))
        #expect(!keypair.canSend(at: keypair.created + seconds(180)))
        #expect(keypair.canReceive(at: keypair.created + seconds(179.999)))
        #expect(!keypair.canReceive(at: keypair.created + seconds(180)))
        pair.sendFromAlice()
        let old = pair.seen.packets().last!.datagram
        pair.run(180)
        pair.network.inject(old)
        pair.run(0.1)
        #expect(pair.bob.shared.drops[.sessionExpired] == 1)
        pair.seen.forget()
        pair.sendFromAlice()
        #expect(pair.seen.sightings.map(\.kind) == [.initiation])
        pair.run(1)
        #expect(pair.bob.delivered.count == 2)
    }

    @Test("The responder's side, too, waits for a new session after 180 s and asks for it")
    func rejectionAtResponder() {
        let pair = Pair()
        pair.establish()
        pair.run(180)
        pair.sendFromBob()
        pair.run(1)
        #expect(pair.count(.initiation, from: pair.bob) == 1)
        #expect(pair.alice.delivered.count == 1)
    }

    @Test("After 2^60 messages either side renews", arguments: [true, false])
    func rekeyAfterMessages(byInitiator: Bool) {
        let pair = Pair()
        pair.establish()
        pair.run(5)
        let keypair = (byInitiator ? pair.bobAtAlice : pair.aliceAtBob).currentKeypair!
        keypair.setCounter(Limits.rekeyAfterMessages - 1)
        func send() {
            if byInitiator { pair.sendFromAlice() } else { pair.sendFromBob() }
            pair.run(1)
        }
        send()
        #expect(pair.seen.all(.initiation).isEmpty)
        send()
        #expect(pair.count(.initiation, from: byInitiator ? pair.alice : pair.bob) == 1)
        send()
        #expect(pair.alice.delivered.count + pair.bob.delivered.count == 3)
        #expect(pair.seen.all(.initiation).count == 1)
    }

    @Test("At the last counter packets wait for a new session and none is lost")
    func rejectAfterMessages() {
        let pair = Pair()
        pair.establish()
        pair.run(5)
        let keypair = pair.bobAtAlice.currentKeypair!
        keypair.setCounter(Limits.rejectAfterMessages - 1)
        #expect(keypair.reserve(2) == nil)
        #expect(!keypair.canSend(at: pair.network.now.instant))
        for _ in 0..<1000 { #expect(keypair.reserve(64) == nil) }
        keypair.setCounter(Limits.rejectAfterMessages - 1)
        for _ in 0..<3 { pair.sendFromAlice() }
        pair.run(1)
        #expect(pair.bob.delivered.count == 3)
        #expect(pair.count(.initiation, from: pair.alice) == 1)
        let counters = pair.seen.packets(from: pair.alice.endpoint).map { sighting in
            sighting.datagram.payload.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self) }
        }
        #expect(counters == [Limits.rejectAfterMessages - 1, 0, 1])
    }

    @Test("A counter at or over the limit is refused on receiving")
    func counterOverLimitReceived() {
        let pair = Pair()
        pair.establish()
        let keypair = pair.bobAtAlice.currentKeypair!
        for counter in [Limits.rejectAfterMessages, .max] {
            var slot = [UInt8](repeating: 0, count: 32)
            slot.withUnsafeMutableBytes { keypair.seal($0.baseAddress!, length: 0, counter: counter) }
            pair.network.inject(
                Datagram(source: pair.alice.endpoint, destination: pair.bob.endpoint, payload: slot))
        }
        pair.run(0.1)
        #expect(pair.bob.shared.drops[.undecryptable] == 2)
    }

    @Test("What waits in the device when the counter ends is kept for the next session")
    func stagedAtTheEnd() {
        let pair = Pair()
        pair.establish()
        pair.run(5)
        let keypair = pair.bobAtAlice.currentKeypair!
        let packet = Pair.request()
        pair.network.change(pair.alice) { device in
            pair.bobAtAlice.path.withLock { path in
                for _ in 0..<10 { _ = packet.withUnsafeBytes { path.staged.append($0) } }
            }
            keypair.setCounter(Limits.rejectAfterMessages - 5)
            device.sendKeepalive(to: pair.bobAtAlice, now: pair.network.now)
        }
        pair.run(1)
        #expect(pair.bob.delivered.count == 10)
    }

    @Test("The initiator's new session is used at once, the responder's after the first packet on it")
    func slots() throws {
        let pair = Pair()
        // First contact: bob answers and can't send until alice's first packet.
        pair.network.interceptor = { $0.kind == .data ? nil : $0 }
        pair.sendFromAlice()
        pair.run(0.1)
        let first = try #require(pair.bobAtAlice.slots.current)
        #expect(pair.bobAtAlice.slots == (nil, first, nil))
        let firstAtBob = try #require(pair.aliceAtBob.slots.next)
        #expect(pair.aliceAtBob.slots == (nil, nil, firstAtBob))
        pair.sendFromBob()
        #expect(pair.aliceAtBob.stagedCount == 1)
        #expect(pair.count(.data, from: pair.bob) == 0)
        pair.network.interceptor = nil
        pair.sendFromAlice()
        pair.run(0.1)
        #expect(pair.aliceAtBob.slots == (nil, firstAtBob, nil))
        #expect(pair.alice.delivered.count == 1)

        // Renewal, its confirmation held back: bob goes on sending on the old session.
        pair.run(121)
        pair.network.interceptor = { $0.kind == .data && $0.source == pair.alice.endpoint ? nil : $0 }
        pair.sendFromAlice()
        pair.run(0.1)
        let second = try #require(pair.bobAtAlice.slots.current)
        #expect(pair.bobAtAlice.slots == (first, second, nil))
        let secondAtBob = try #require(pair.aliceAtBob.slots.next)
        #expect(pair.aliceAtBob.slots == (nil, firstAtBob, secondAtBob))
        pair.alice.forget()
        pair.sendFromBob()
        pair.run(0.1)
        #expect(pair.alice.delivered.count == 1)
        #expect(
            pair.seen.all(.data, from: pair.bob.endpoint).last?.datagram.payload[4..<8].elementsEqual(bytes(first))
                == true)

        // An old packet is still taken after the confirmation, on the previous session.
        var late: Datagram?
        pair.network.interceptor = { datagram in
            late = datagram
            return nil
        }
        pair.sendFromBob()
        pair.network.interceptor = nil
        pair.sendFromAlice()
        pair.run(0.1)
        #expect(pair.aliceAtBob.slots == (firstAtBob, secondAtBob, nil))
        pair.alice.forget()
        pair.network.inject(try #require(late))
        pair.run(0.1)
        #expect(pair.alice.delivered.count == 1)
    }

    @Test("A second answer takes the place of an unconfirmed one, and the previous session goes")
    func unconfirmedReplaced() throws {
        let pair = Pair()
        pair.establish()
        pair.network.interceptor = { $0.kind == .response ? nil : $0 }
        pair.run(121)
        pair.sendFromAlice()
        pair.run(0.1)
        let current = try #require(pair.aliceAtBob.slots.current)
        let unconfirmed = try #require(pair.aliceAtBob.slots.next)
        pair.run(6)
        let newer = try #require(pair.aliceAtBob.slots.next)
        #expect(newer != unconfirmed)
        #expect(pair.aliceAtBob.slots == (nil, current, newer))
        #expect(pair.bob.shared.indices.session(unconfirmed) == nil)
        #expect(pair.bob.shared.indices.count == 2)
    }

    @Test("An initiator with an unconfirmed answer keeps that as its previous session")
    func initiatorWithNext() throws {
        let pair = Pair()
        pair.establish()
        pair.network.interceptor = { $0.kind == .data ? nil : $0 }
        pair.run(6)
        // Alice asks again; bob's answer stays unconfirmed.
        func initiate(_ host: SimulatedHost, _ peer: Peer) {
            pair.network.change(host) { $0.sendInitiation(to: peer, isRetry: false, now: pair.network.now) }
            pair.run(6)
        }
        initiate(pair.alice, pair.bobAtAlice)
        let (old, next) = (try #require(pair.aliceAtBob.slots.current), try #require(pair.aliceAtBob.slots.next))
        initiate(pair.bob, pair.aliceAtBob)
        let own = try #require(pair.aliceAtBob.slots.current)
        #expect(own != old && own != next)
        #expect(pair.aliceAtBob.slots == (next, own, nil))
        #expect(pair.bob.shared.indices.session(old) == nil)
        #expect(pair.bob.shared.indices.count == 2)
    }

    @Test("Thousands of renewals leak no index and no timer")
    func noLeak() {
        let pair = Pair()
        pair.network.link.latency = .milliseconds(1)
        pair.establish()
        for round in 0..<2000 {
            pair.run(5.5)
            if round.isMultiple(of: 3) {
                pair.network.change(pair.bob) {
                    $0.sendInitiation(to: pair.aliceAtBob, isRetry: false, now: pair.network.now)
                }
            } else {
                pair.network.change(pair.alice) {
                    $0.sendInitiation(to: pair.bobAtAlice, isRetry: false, now: pair.network.now)
                }
            }
            if round.isMultiple(of: 7) { pair.sendFromAlice() }
        }
        pair.run(1)
        #expect(pair.seen.all(.initiation).count == 2000)
        #expect(pair.seen.all(.response).count == 2000)
        #expect(pair.alice.shared.indices.count == 2 && pair.bob.shared.indices.count == 2)
        #expect(pair.alice.device.timers.count <= 66 && pair.bob.device.timers.count <= 66)
        pair.run(541)
        #expect(pair.alice.shared.indices.count == 0 && pair.bob.shared.indices.count == 0)
    }

    private func bytes(_ index: UInt32) -> [UInt8] {
        withUnsafeBytes(of: index.littleEndian) { Array($0) }
    }
}
