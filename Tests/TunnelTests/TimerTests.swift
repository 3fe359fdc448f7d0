import TestKit
import Testing
import Wire

@testable import Tunnel

/// The five timers, in simulated time. Protocol §9.
@Suite("Timers")
struct TimerTests {
    @Test("Unanswered initiations are repeated every 5 to 5.334 s, twenty in all; then the packets that waited go")
    func retransmission() {
        for seed in 1...5 as ClosedRange<UInt64> {
            let pair = Pair(seed: seed)
            pair.network.link.loss = 1
            pair.sendFromAlice()
            pair.sendFromAlice()
            pair.run(300)
            let times = pair.seen.all(.initiation).map(\.time)
            #expect(times.count == 20)
            for (earlier, later) in zip(times, times.dropFirst()) {
                let gap = later.seconds(since: earlier)
                #expect(gap >= 5 && gap < 5.334)
            }
            #expect(Set(zip(times, times.dropFirst()).map { $1.seconds(since: $0) }).count > 15)
            #expect(pair.alice.shared.drops[.handshakeGivenUp] == 2)
            #expect(pair.bobAtAlice.stagedCount == 0)
            let gaveUp = pair.alice.events.filter { if case .gaveUp(_, _, 20, 2) = $0 { true } else { false } }
            #expect(gaveUp.count == 1)
            let attempts = pair.alice.events.compactMap {
                if case .initiationSent(_, _, let attempt) = $0 { attempt } else { nil }
            }
            #expect(attempts == Array(1...20))
        }
    }

    @Test("After giving up, new traffic starts again")
    func startsAgain() {
        let pair = Pair()
        pair.network.link.loss = 1
        pair.sendFromAlice()
        pair.run(200)
        pair.seen.forget()
        pair.network.link.loss = 0
        pair.sendFromAlice(100)
        pair.run(1)
        #expect(pair.bob.delivered == [Pair.request(100)])
        #expect(pair.count(.initiation, from: pair.alice) == 1)
    }

    @Test("Traffic during a handshake asks for no other, but starts counting attempts anew")
    func trafficWhileWaiting() {
        let pair = Pair()
        pair.network.link.loss = 1
        for _ in 0..<300 {
            pair.sendFromAlice()
            pair.run(0.5)
        }
        let times = pair.seen.all(.initiation).map(\.time)
        #expect(times.count > 25 && times.count <= 30)
        #expect(zip(times, times.dropFirst()).allSatisfy { $1.seconds(since: $0) >= 5 })
        #expect(pair.alice.shared.drops[.handshakeGivenUp] == 0)
    }

    @Test("Data that isn't answered for ten seconds is answered by a keepalive")
    func passiveKeepalive() {
        let pair = Pair()
        pair.establish()
        let start = pair.network.now.instant
        pair.sendFromAlice()
        pair.run(9.9)
        #expect(pair.seen.keepalives().isEmpty)
        pair.run(600)
        let keepalives = pair.seen.keepalives()
        #expect(keepalives.map(\.datagram.source) == [pair.bob.endpoint])
        #expect(keepalives[0].time.seconds(since: start) == 10.01)
        #expect(pair.seen.all(.initiation).isEmpty)
    }

    @Test("Data that comes while the keepalive waits makes another ten seconds after it")
    func needsAnother() {
        let pair = Pair()
        pair.establish()
        let start = pair.network.now.instant
        pair.sendFromAlice()
        pair.run(3)
        pair.sendFromAlice()
        pair.run(40)
        #expect(pair.seen.keepalives().map { $0.time.seconds(since: start) } == [10.01, 20.01])
    }

    @Test("An answer takes the place of the keepalive")
    func answerCancels() {
        let pair = Pair()
        pair.establish()
        let start = pair.network.now.instant
        pair.sendFromAlice()
        pair.run(4)
        pair.sendFromBob()
        pair.run(60)
        #expect(pair.seen.keepalives().map(\.datagram.source) == [pair.alice.endpoint])
        #expect(pair.seen.keepalives()[0].time.seconds(since: start) == 14.01)
    }

    @Test("Two idle peers stay silent")
    func noPingPong() {
        let pair = Pair()
        pair.bob.echoes = true
        pair.sendFromAlice()
        pair.run(30)
        pair.seen.forget()
        pair.run(3600)
        #expect(pair.seen.sightings.isEmpty)
    }

    @Test("Data without any answer for 15 s asks for a new session, with jitter")
    func unanswered() {
        for seed in 1...5 as ClosedRange<UInt64> {
            let pair = Pair(seed: seed)
            pair.establish()
            pair.run(30)
            pair.seen.forget()
            let start = pair.network.now.instant
            pair.network.link.loss = 1
            pair.sendFromAlice()
            pair.run(5)
            pair.sendFromAlice()
            pair.run(11)
            let initiations = pair.seen.all(.initiation)
            #expect(initiations.count == 1)
            let wait = initiations[0].time.seconds(since: start)
            #expect(wait >= 15 && wait < 15.334)
        }
    }

    @Test("A keepalive as the answer is enough")
    func answeredByKeepalive() {
        let pair = Pair()
        pair.establish()
        for _ in 0..<10 {
            pair.sendFromAlice()
            pair.run(11)
        }
        #expect(pair.seen.all(.initiation).isEmpty)
    }

    @Test("Persistent keepalive comes exactly at its interval and is put off by traffic")
    func persistentKeepalive() {
        let pair = Pair()
        pair.establish()
        let start = pair.network.now.instant
        pair.change(pair.alice, peer: pair.bob) { $0.persistentKeepalive = 25 }
        pair.run(80)
        #expect(pair.seen.keepalives().map { $0.time.seconds(since: start) } == [0, 25, 50, 75])
        #expect(pair.seen.sightings.count == 4)
        pair.seen.forget()
        pair.sendFromAlice()
        pair.run(24.9)
        // Bob's keepalive after ten seconds is traffic as well.
        #expect(pair.seen.keepalives().map { $0.time.seconds(since: start) } == [90.01])
        pair.run(15)
        #expect(pair.seen.keepalives().last?.time.seconds(since: start) == 90.02 + 25)
    }

    @Test("Persistent keepalive is changed and turned off while it runs")
    func persistentKeepaliveLive() {
        let pair = Pair()
        pair.establish()
        func set(_ seconds: UInt16) { pair.change(pair.alice, peer: pair.bob) { $0.persistentKeepalive = seconds } }
        set(25)
        pair.run(3)
        let start = pair.network.now.instant
        set(5)
        pair.run(8)
        #expect(pair.seen.keepalives().dropFirst().map { $0.time.seconds(since: start) } == [2, 7])
        set(0)
        pair.seen.forget()
        pair.run(100)
        #expect(pair.seen.sightings.isEmpty)
    }

    @Test("Persistent keepalive brings up a tunnel by itself, and keeps it up over hours")
    func persistentKeepaliveAlone() {
        let pair = Pair(bobKnowsAlice: false)
        pair.change(pair.alice, peer: pair.bob) { $0.persistentKeepalive = 25 }
        pair.run(1)
        #expect(pair.seen.sightings.map(\.kind) == [.initiation, .response, .data])
        pair.run(7200)
        let initiations = pair.count(.initiation, from: pair.alice)
        #expect(initiations > 7200 / 160 && initiations <= 7200 / 120 + 1)
        #expect(pair.count(.initiation, from: pair.bob) == 0)
        #expect(pair.alice.shared.indices.count <= 3 && pair.bob.shared.indices.count <= 3)
        #expect(pair.alice.drops == 0 && pair.bob.drops == 0)
        #expect(pair.alice.device.timers.count <= 66)
        pair.seen.forget()
        pair.sendFromBob()
        pair.run(1)
        #expect(pair.alice.delivered.count == 1)
        #expect(pair.seen.all(.initiation).isEmpty)
    }

    @Test("Persistent keepalive outlives giving up")
    func persistentKeepaliveNeverGivesUp() {
        let pair = Pair()
        pair.network.link.loss = 1
        pair.change(pair.alice, peer: pair.bob) { $0.persistentKeepalive = 25 }
        pair.run(1800)
        pair.network.link.loss = 0
        #expect(pair.count(.initiation, from: pair.alice) > 200)
        pair.run(30)
        #expect(pair.bobAtAlice.currentKeypair != nil)
    }

    @Test("Keys are erased 540 s after the last session came")
    func erasure() {
        let pair = Pair()
        pair.sendFromAlice()
        pair.run(1)
        let keypairs = [pair.bobAtAlice.currentKeypair!, pair.aliceAtBob.currentKeypair!]
        pair.run(538.9)
        #expect(pair.alice.shared.indices.count == 1 && pair.bob.shared.indices.count == 1)
        pair.run(0.2)
        #expect(pair.alice.shared.indices.count == 0 && pair.bob.shared.indices.count == 0)
        #expect(pair.bobAtAlice.slots == (nil, nil, nil))
        #expect(pair.aliceAtBob.slots == (nil, nil, nil))
        #expect(keypairs.allSatisfy { !$0.canSend(at: $0.created) })
        #expect(pair.bobAtAlice.handshake.outstanding == nil)
        #expect(pair.alice.device.nextDeadline == nil || pair.alice.device.timers.count < 10)
        pair.sendFromAlice()
        pair.run(1)
        #expect(pair.bob.delivered.count == 2)
    }

    @Test("Giving up erases a half-done handshake 540 s later")
    func erasureAfterGivingUp() {
        let pair = Pair()
        pair.network.link.loss = 1
        pair.sendFromAlice()
        pair.run(110)
        #expect(pair.alice.shared.indices.count == 1)
        pair.run(540)
        #expect(pair.alice.shared.indices.count == 0)
        #expect(pair.bobAtAlice.handshake.outstanding == nil)
    }

    @Test("After hours of sleep the first packet makes a new session at once")
    func sleep() {
        let pair = Pair()
        pair.establish()
        pair.sendFromAlice()
        pair.run(1)
        pair.network.suspend(pair.alice, for: seconds(3 * 3600))
        pair.forget()
        pair.sendFromAlice(200)
        pair.run(1)
        #expect(pair.bob.delivered == [Pair.request(200)])
        #expect(pair.count(.initiation, from: pair.alice) == 1)
    }

    @Test("After hours of sleep persistent keepalive has a session again within a second")
    func sleepWithPersistentKeepalive() {
        let pair = Pair()
        pair.change(pair.alice, peer: pair.bob) { $0.persistentKeepalive = 25 }
        pair.run(10)
        pair.network.suspend(pair.alice, for: seconds(3 * 3600))
        pair.forget()
        pair.run(1)
        #expect(pair.seen.sightings.map(\.kind) == [.initiation, .response, .data])
        #expect(pair.aliceAtBob.currentKeypair != nil)
    }
}
