import NoisePrimitives
import Synchronization
import TestKit
import Testing
import Wire

@testable import Tunnel

/// What is kept of a peer for who asks why it doesn't work.
@Suite("History of peers")
struct PeerHistoryTests {
    @Test("Both sides count a handshake, each in its role, and the initiator knows the way there and back")
    func completed() throws {
        let pair = Pair()
        pair.network.link.latency = .milliseconds(20)
        pair.sendFromAlice()
        pair.run(1)
        let (alice, bob) = (pair.bobAtAlice.history, pair.aliceAtBob.history)
        #expect(alice.initiationsSent == 1 && alice.completedAsInitiator == 1 && alice.completedAsResponder == 0)
        #expect(bob.initiationsAccepted == 1 && bob.completedAsResponder == 1 && bob.completedAsInitiator == 0)
        #expect(alice.unanswered == 0 && bob.unconfirmed == 0)
        #expect(alice.completedAt != nil && bob.completedAt != nil)
        #expect(try #require(alice.roundTrip) >= .milliseconds(40))
        #expect(bob.roundTrip == nil)
        #expect(pair.bobAtAlice.lastDataSent.load(ordering: .relaxed) != 0)
        #expect(pair.bobAtAlice.lastDataReceived.load(ordering: .relaxed) == 0)
        #expect(pair.aliceAtBob.lastDataReceived.load(ordering: .relaxed) != 0)
        #expect(pair.bobAtAlice.lastHeard.load(ordering: .relaxed) != 0)
    }

    @Test("A silent peer is told after fifteen seconds, and again when another quarter of an hour has passed")
    func silence() {
        let pair = Pair()
        pair.establish()
        pair.run(200)
        pair.network.link.loss = 1
        let before = pair.bobAtAlice.history.initiationsSent
        for _ in 0..<1000 {
            pair.sendFromAlice()
            pair.run(1)
        }
        let reports = pair.alice.events.compactMap { event -> (UInt64, Double)? in
            guard case .silent(_, _, let initiations, let span) = event else { return nil }
            return (initiations, Double(span.nanoseconds) / 1e9)
        }
        #expect(reports.map(\.0) == [3, 183])
        #expect(reports[0].1 >= 15 && reports[0].1 < 17)
        #expect(pair.bobAtAlice.history.unanswered == pair.bobAtAlice.history.initiationsSent - before)
        pair.network.link.loss = 0
        pair.alice.forget()
        pair.run(10)
        #expect(pair.alice.occasions.count == 1)
        guard case .resumed(let span) = pair.alice.occasions.first else {
            Issue.record("the sessions had ended")
            return
        }
        #expect(span >= seconds(1000))
        #expect(pair.bobAtAlice.history.unanswered == 0)
    }

    @Test("What is new about a handshake")
    func occasions() {
        let pair = Pair()
        pair.sendFromAlice()
        pair.run(1)
        #expect(pair.alice.occasions == [.first] && pair.bob.occasions == [.first])
        #expect(!pair.bob.hasRoamed)
        pair.alice.forget()
        pair.bob.forget()
        for _ in 0..<30 {
            pair.sendFromAlice()
            pair.sendFromBob()
            pair.run(10)
        }
        #expect(pair.alice.occasions == [.renewal, .renewal] && pair.bob.occasions == [.renewal, .renewal])
        pair.run(1000)
        pair.alice.forget()
        pair.sendFromAlice()
        pair.run(1)
        #expect(pair.alice.occasions.count == 1)
        guard case .resumed(let span) = pair.alice.occasions.first else {
            Issue.record("the sessions had ended")
            return
        }
        #expect(span >= seconds(1000))
    }

    @Test("A peer that answers after some initiations has been away")
    func away() {
        let pair = Pair()
        pair.establish()
        pair.run(200)
        pair.network.link.loss = 1
        pair.sendFromAlice()
        pair.run(30)
        pair.network.link.loss = 0
        pair.run(10)
        #expect(pair.alice.occasions == [.answered(after: 7)])
        #expect(pair.bobAtAlice.history.unanswered == 0)
    }

    @Test("A peer that calls from elsewhere has roamed, once")
    func elsewhere() {
        let pair = Pair()
        pair.establish()
        pair.run(200)
        pair.bob.forget()
        pair.alice.endpoint = endpoint("198.51.100.7", 7777)
        pair.sendFromAlice()
        pair.run(1)
        #expect(pair.bob.hasRoamed)
        #expect(pair.bob.occasions == [.renewal])
    }

    @Test("With another preshared key the initiator gets answers that it can't open, the responder no packets")
    func presharedKey() {
        let pair = Pair(alicePresharedKey: secret(String(repeating: "01", count: 32)), bobPresharedKey: .zero)
        pair.sendFromAlice()
        pair.run(30)
        let (alice, bob) = (pair.bobAtAlice.history, pair.aliceAtBob.history)
        #expect(alice.refusals.map(\.reason) == [.responseUndecryptable])
        #expect(alice.refusals.first?.count == alice.initiationsSent)
        #expect(alice.refusals.first?.endpoint == pair.bob.endpoint)
        #expect(alice.completedAsInitiator == 0)
        #expect(bob.initiationsAccepted == alice.initiationsSent && bob.unconfirmed == bob.initiationsAccepted)
        #expect(bob.completedAsResponder == 0)
        let told = pair.bob.events.filter { if case .unconfirmed = $0 { true } else { false } }
        #expect(told.count == 1)
    }

    @Test("A stranger is remembered with its key, and so is who uses another key than ours")
    func strangers() {
        let pair = Pair()
        pair.network.change(pair.bob) { device in
            device.apply(pair.alice.publicKey, now: pair.network.now) { $0.removes = true }
        }
        pair.sendFromAlice()
        pair.run(1)
        #expect(pair.bob.device.stranger?.publicKey == pair.alice.publicKey)
        #expect(pair.bob.device.stranger?.sighting.endpoint == pair.alice.endpoint)
        #expect(pair.bob.device.misdirected == nil)
        var change = DeviceChange()
        change.privateKey = secret(String(repeating: "07", count: 32))
        pair.network.change(pair.bob) { $0.apply(change, now: pair.network.now) }
        pair.run(10)
        #expect(pair.bob.device.misdirected?.endpoint == pair.alice.endpoint)
    }

    @Test("A replayed initiation counts for whose it is; one that only bears a name doesn't")
    func replay() throws {
        let pair = Pair()
        pair.sendFromAlice()
        pair.run(1)
        let recorded = try #require(pair.seen.all(.initiation).first?.datagram)
        pair.bob.receive(recorded, now: pair.network.now)
        #expect(pair.aliceAtBob.history.refusals.map(\.reason) == [.initiationReplayed])
        // The last byte of the encrypted timestamp, with a MAC1 to match.
        var forged = recorded
        forged.payload[115] ^= 1
        forged.payload.withUnsafeMutableBytes { message in
            MACKeys(of: pair.bob.publicKey).mac1(of: UnsafeRawBufferPointer(message))
                .store(to: message.baseAddress! + message.count - 2 * Message.macSize)
        }
        pair.bob.receive(forged, now: pair.network.now)
        #expect(pair.bob.shared.drops[.initiationUndecryptable] == 1)
        #expect(pair.aliceAtBob.history.refusals.map(\.reason) == [.initiationReplayed])
    }

    @Test("An initiation that is asked for goes at once, but not too soon after another")
    func initiate() {
        let pair = Pair()
        func initiate(_ publicKey: PublicKey) -> InitiationOutcome? {
            var outcome: InitiationOutcome?
            pair.network.change(pair.alice) { outcome = $0.initiate(publicKey, now: pair.network.now) }
            return outcome
        }
        #expect(initiate(pair.bob.publicKey) == .sent)
        #expect(initiate(pair.bob.publicKey) == .tooSoon)
        pair.run(1)
        #expect(pair.bobAtAlice.history.completedAsInitiator == 1)
        #expect(initiate(pair.bob.publicKey) == .tooSoon)
        pair.run(5)
        #expect(initiate(pair.bob.publicKey) == .sent)
        #expect(initiate(pair.alice.publicKey) == .noSuchPeer)
        pair.network.change(pair.alice) { $0.down() }
        #expect(initiate(pair.bob.publicKey) == .interfaceDown)
    }

    @Test("The address that a send failed to, and the one that nobody has, are kept; groups aren't")
    func drops() {
        let drops = DropCounters()
        let now = Instant(nanoseconds: 5)
        drops.countUnroutable(2, to: address("10.9.9.9"), at: now)
        drops.countUnroutable(1, to: address("ff02::16"), at: Instant(nanoseconds: 6))
        drops.countUnroutable(1, to: address("224.0.0.251"), at: Instant(nanoseconds: 7))
        drops.countUnsent(3, code: 101, at: now)
        #expect(drops[.noPeerForDestination] == 4 && drops[.sendFailed] == 3)
        #expect(drops.lastUnroutable?.destination == address("10.9.9.9") && drops.lastUnroutable?.at == now)
        #expect(drops.lastSendFailure?.code == 101)
    }
}

extension SimulatedHost {
    fileprivate var occasions: [HandshakeOccasion] {
        events.compactMap { if case .handshakeCompleted(_, _, _, let occasion) = $0 { occasion } else { nil } }
    }

    fileprivate var hasRoamed: Bool {
        events.contains { if case .roamed = $0 { true } else { false } }
    }
}
