import LinuxNet
import NoisePrimitives
import TestKit
import Testing
import Tunnel
import Wire

@testable import Datapath

@Suite("Outbox")
struct OutboxTests {
    private let drops = DropCounters()

    @Test("Datagrams that make a message each all leave, however many there are", arguments: 1...200)
    func everyDatagramLeaves(_ count: Int) {
        let session = SessionFixture()
        var outbox = Outbox(seed: SeededRandom(seed: 1).secret())
        for index in 0..<count {
            // Each one longer than the one before, which ends the message before it.
            commit(32 + 16 * (index % 100 + 1), of: session, to: &outbox)
        }
        outbox.flush(on: nil, drops: drops, now: session.now.instant)
        #expect(drops[.sendFailed] == UInt64(count))
    }

    @Test("The same with messages of both address families and segmented ones between", arguments: 0..<20)
    func everyDatagramLeavesMixed(_ seed: UInt64) {
        let sessions = [SessionFixture(endpoint: "192.0.2.2"), SessionFixture(endpoint: "2001:db8::2")]
        let random = SeededRandom(seed: seed)
        var outbox = Outbox(seed: SeededRandom(seed: 1).secret())
        let count = 2000
        for _ in 0..<count {
            let session = sessions[random.below(8) == 0 ? 1 : 0]
            commit(32 + 16 * Int(random.below(80)), of: session, to: &outbox)
        }
        outbox.flush(on: nil, drops: drops, now: sessions[0].now.instant)
        #expect(drops[.sendFailed] == UInt64(count))
    }

    @Test("What is longer than the memory that is left waits for a flush")
    func memoryEnds() {
        let session = SessionFixture()
        var outbox = Outbox(seed: SeededRandom(seed: 1).secret())
        var committed = 0
        while outbox.hasRoom(for: 65_568) {
            commit(65_568, of: session, to: &outbox)
            committed += 1
        }
        #expect(committed == Outbox.capacity / 65_568)
        outbox.flush(on: nil, drops: drops, now: session.now.instant)
        #expect(drops[.sendFailed] == UInt64(committed))
        #expect(outbox.count == 0 && outbox.hasRoom(for: 65_568))
    }

    /// Does as a lane does.
    private func commit(_ length: Int, of session: SessionFixture, to outbox: inout Outbox) {
        if !outbox.hasRoom(for: length) { outbox.flush(on: nil, drops: drops, now: session.now.instant) }
        outbox.head(
            for: session.peer, with: session.grant, trafficClass: 0, isSegmentable: true, now: session.now.instant)
        outbox.commit(length: length, now: session.now.instant)
    }
}
