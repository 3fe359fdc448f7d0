import Control
import Metrics
import Status
import Testing
import Tunnel
import Wire

@Suite struct ReadinessTests {
    private func isReady(_ snapshot: InterfaceSnapshot) -> Bool {
        if case .ready = Readiness(snapshot) { true } else { false }
    }

    private func sentence(_ snapshot: InterfaceSnapshot) -> String {
        switch Readiness(snapshot) {
        case .ready(let sentence), .notReady(let sentence): sentence
        }
    }

    @Test func oneConnectedPeerIsEnough() {
        #expect(Readiness(sampleSnapshot()) == .ready("1 of 1 expected peers connected"))
    }

    @Test func nobodyConnected() {
        var snapshot = sampleSnapshot()
        snapshot.report?.peers[0].handshake = Age(milliseconds: 181_000)
        #expect(!isReady(snapshot))
        #expect(sentence(snapshot).hasPrefix("wg0: no peer connected"))
    }

    /// One that has a session but doesn't answer any more is no peer to rely on.
    @Test func fallenSilent() {
        var snapshot = sampleSnapshot()
        snapshot.report?.peers[0].unanswered = 3
        #expect(!isReady(snapshot))
    }

    @Test func whoIsKeptAliveIsExpected() {
        var snapshot = sampleSnapshot()
        snapshot.report?.peers[1].suspension = nil
        #expect(isReady(snapshot))
        snapshot.status.peers[1].persistentKeepalive = 25
        #expect(!isReady(snapshot), "the other one may come and go")
        snapshot.status.peers[0].persistentKeepalive = 25
        #expect(Readiness(snapshot) == .ready("1 of 2 expected peers connected"))
    }

    @Test func interfacesThatCannotWork() {
        var snapshot = sampleSnapshot()
        snapshot.report?.bindFailure = 98
        #expect(!isReady(snapshot))
        #expect(sentence(snapshot).contains("Address already in use"))
        snapshot = sampleSnapshot()
        snapshot.report?.isUp = false
        #expect(!isReady(snapshot))
        snapshot = sampleSnapshot()
        snapshot.status.peers = []
        #expect(Readiness(snapshot) == .notReady("wg0: it has no peers"))
        snapshot = sampleSnapshot()
        snapshot.report?.peers[0].suspension = .overQuota
        #expect(Readiness(snapshot) == .notReady("wg0: none of its peers may use it"))
    }

    @Test func interfacesOfTheKernel() {
        var snapshot = sampleSnapshot()
        snapshot.report = nil
        snapshot.server = .kernel
        #expect(isReady(snapshot))
        snapshot.status.peers[0].lastHandshake = WallTime(seconds: sampleTime - 200, nanoseconds: 0)
        #expect(!isReady(snapshot))
    }
}
