import Control
import Testing
import Tunnel
import Wire

@testable import Status

@Suite("Health")
struct HealthTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let word: Health.Word
        let cause: Health.Cause
        let status: @Sendable (inout PeerStatus) -> Void
        /// Nil: the interface is served by another program or the kernel.
        let report: (@Sendable (inout PeerReport) -> Void)?

        init(
            _ description: String, _ word: Health.Word, _ cause: Health.Cause,
            status: @escaping @Sendable (inout PeerStatus) -> Void = { _ in },
            report: (@Sendable (inout PeerReport) -> Void)? = { _ in }
        ) {
            testDescription = description
            self.word = word
            self.cause = cause
            self.status = status
            self.report = report
        }
    }

    static let reported: [Case] = [
        Case("a fresh session", .healthy, .connected(seconds(34)), report: { $0.handshake = seconds(34) }),
        Case("a session about to end", .healthy, .connected(seconds(180)), report: { $0.handshake = seconds(180) }),
        Case("a session that has ended", .idle, .quiet(seconds(181)), report: { $0.handshake = seconds(181) }),
        Case(
            "one lost initiation", .healthy, .connected(seconds(121)),
            report: {
                $0.handshake = seconds(121)
                $0.unanswered = 1
            }),
        Case(
            "a peer that went away", .silent, .fallenSilent(seconds(40)),
            report: {
                $0.handshake = seconds(60)
                $0.heard = seconds(40)
                $0.unanswered = 2
            }),
        Case(
            "one that is gone for long", .silent, .unanswered(19, last: seconds(7200)),
            report: {
                $0.handshake = seconds(7200)
                $0.unanswered = 19
            }),
        Case("one that never answered", .silent, .unanswered(3, last: nil), report: { $0.unanswered = 3 }),
        Case(
            "one that was called a second ago", .waiting, .called,
            status: { $0.endpoint = endpoint("192.0.2.1:1") }, report: { $0.unanswered = 1 }),
        Case("one without an endpoint", .waiting, .hasToCall),
        Case("one that could be called", .idle, .untried, status: { $0.endpoint = endpoint("192.0.2.1:1") }),
        Case("one whose name has no address yet", .idle, .untried, report: { $0.endpointName = "vpn.example.org:1" }),
        Case(
            "a clock that is behind", .refused, .refused("initiation-replayed", seconds(2)),
            report: { $0.refusals = [refusal(.initiationReplayed, 2)] }),
        Case(
            "other preshared keys, seen by who calls", .refused, .refused("response-undecryptable", seconds(3)),
            report: {
                $0.unanswered = 5
                $0.refusals = [refusal(.initiationReplayed, 90), refusal(.responseUndecryptable, 3)]
            }),
        Case(
            "other preshared keys, seen by who is called", .refused, .unconfirmed(4), report: { $0.unconfirmed = 4 }),
        Case(
            "a replay beside a session", .healthy, .connected(seconds(20)),
            report: {
                $0.handshake = seconds(20)
                $0.refusals = [refusal(.initiationReplayed, 1)]
            }),
        Case(
            "a failure before the last handshake", .idle, .quiet(seconds(200)),
            report: {
                $0.handshake = seconds(200)
                $0.refusals = [refusal(.initiationReplayed, 201)]
            }),
        Case(
            "a failure that is long ago", .waiting, .hasToCall,
            report: { $0.refusals = [refusal(.initiationReplayed, 500)] }),
        Case(
            "a handshake at a bad time", .waiting, .hasToCall,
            report: { $0.refusals = [refusal(.rateLimited, 1), refusal(.initiationTooSoon, 1)] }),
        Case(
            "a date that has passed, a session or not", .expired, .suspended(.expired),
            report: {
                $0.handshake = seconds(1)
                $0.suspension = .expired
            }),
        Case("a quota that is used up", .overQuota, .suspended(.overQuota), report: { $0.suspension = .overQuota }),
    ]

    static let unreported: [Case] = [
        Case("a fresh session", .healthy, .connected(seconds(34)), status: { handshake(&$0, 34) }, report: nil),
        Case("a clock that was set back", .healthy, .connected(.zero), status: { handshake(&$0, -5) }, report: nil),
        Case("a session that has ended", .idle, .quiet(seconds(200)), status: { handshake(&$0, 200) }, report: nil),
        Case(
            "keepalives, and no session", .silent, .notKeptAlive(seconds(200)),
            status: {
                handshake(&$0, 200)
                $0.persistentKeepalive = 25
                $0.endpoint = endpoint("192.0.2.1:1")
            }, report: nil),
        Case(
            "one initiation", .waiting, .called,
            status: {
                $0.transmittedBytes = 148
                $0.endpoint = endpoint("192.0.2.1:1")
            }, report: nil),
        Case(
            "many initiations", .silent, .oneSided(1480),
            status: {
                $0.transmittedBytes = 1480
                $0.endpoint = endpoint("192.0.2.1:1")
            }, report: nil),
        Case("one without an endpoint", .waiting, .hasToCall, report: nil),
        Case(
            "one that could be called", .idle, .untried, status: { $0.endpoint = endpoint("192.0.2.1:1") }, report: nil),
    ]

    @Test(arguments: reported + unreported) func peers(_ example: Case) throws {
        let snapshot = try Sample.snapshot(
            [Sample.status(1, example.status)], example.report.map { [Sample.report(1, $0)] })
        let health = snapshot.health(of: try #require(snapshot.peers().first))
        #expect(health.cause == example.cause)
        #expect(health.word == example.word)
        #expect(!health.reason.isEmpty && !health.reason.hasSuffix("."))
    }

    @Test func sessionsThatLastLonger() throws {
        let snapshot = try Sample.snapshot([Sample.status(1)], [Sample.report(1) { $0.handshake = seconds(250) }]) {
            $0.status.obfuscation.amneziaWG = AmneziaWGSettings()
            $0.status.obfuscation.amneziaWG?.rejectAfterTime = 200...300
        }
        #expect(snapshot.health(of: snapshot.peers()[0]).word == .healthy)
    }

    @Test func interfaces() throws {
        func health(
            _ peers: [PeerReport], _ change: (inout InterfaceSnapshot) -> Void = { _ in }
        ) throws -> Health {
            try Sample.snapshot(peers.map { PeerStatus($0.publicKey) }, peers, change).health()
        }
        let good = Sample.report(1) { $0.handshake = seconds(1) }
        let silent = Sample.report(2) { $0.unanswered = 9 }
        let waiting = Sample.report(3)
        #expect(try health([]).cause == .noPeers)
        #expect(try health([]).word == .idle)
        #expect(try health([good]).reason == "its peer is connected")
        let mixed = try health([waiting, silent, good])
        #expect(mixed.word == .healthy)
        #expect(mixed.reason == "1 of 3 peers connected, 1 silent, 1 waiting")
        let bad = try health([waiting, silent])
        #expect(bad.word == .silent)
        #expect(bad.reason == "no peer connected, 1 silent, 1 waiting")
        #expect(try health([good]) { $0.report?.isUp = false }.word == .down)
        #expect(try health([good]) { $0.status.privateKey = nil }.cause == .noPrivateKey)
        #expect(try health([good]) { $0.status.privateKey = .zero }.word == .broken)
        let unbound = try health([good]) { $0.report?.bindFailure = 98 }
        #expect(unbound.word == .broken)
        #expect(unbound.reason.contains("Address already in use"))
    }

    @Test func everyWordIsOneWord() {
        for word in Health.Word.allCases {
            #expect(word.rawValue.allSatisfy { $0.isLowercase || $0 == "-" })
        }
    }
}

private func refusal(_ reason: DropReason, _ age: UInt64) -> PeerReport.Refusal {
    PeerReport.Refusal(reason: reason.name, count: 1, age: seconds(age), endpoint: endpoint("192.0.2.1:1"))
}

private func handshake(_ status: inout PeerStatus, _ age: Int64) {
    status.lastHandshake = WallTime(seconds: Sample.now - age, nanoseconds: 1)
}
