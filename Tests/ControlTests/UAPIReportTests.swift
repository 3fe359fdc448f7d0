import Control
import Glibc
import LinuxNet
import Testing
import Tunnel
import Wire

private let key = String(repeating: "02", count: 32)

private func endpoint(_ last: UInt32) -> Endpoint {
    Endpoint(.v4(IPv4Address(0xc000_0200 | last)), port: 51820)
}

private func sampleReport() -> DeviceReport {
    var report = DeviceReport()
    report.age = Age(milliseconds: 86_400_000)
    report.isUp = true
    report.bindFailure = EADDRINUSE
    report.mtu = 1420
    report.isUnderLoad = true
    report.drops = DropReason.allCases.map { DeviceReport.Count($0.name, UInt64($0.rawValue)) }
    report.earlierDrops = [DeviceReport.Count("replayed", 5)]
    report.sendFailure = DeviceReport.SendFailure(code: ENETUNREACH, age: Age(milliseconds: 5))
    report.stranger = DeviceReport.Stranger(
        publicKey: publicKey(9), endpoint: endpoint(9), age: Age(milliseconds: 1))
    report.misdirected = DeviceReport.Misdirected(endpoint: endpoint(8), age: Age(milliseconds: 2))
    report.mismatch = DeviceReport.Mismatch(
        finding: "it is AmneziaWG with H1 = 5, here H1 is 6", endpoint: endpoint(7), age: .zero)
    report.unroutable = DeviceReport.Unroutable(
        destination: .v6(IPv6Address(high: 0xfd << 56, low: 5)), age: Age(milliseconds: .max))
    var peer = PeerReport(publicKey(1))
    peer.endpointName = "home.example:51820"
    peer.annotation.name = "Anna's \u{1F4F1} = #1"
    peer.annotation.expires = 1_800_000_000
    peer.annotation.quota = 50 << 30
    peer.annotation.quotaSince = 1_700_000_000
    peer.quotaUsed = 49 << 30
    peer.suspension = .overQuota
    peer.initiationsSent = 1
    peer.initiationsAccepted = 2
    peer.completedAsInitiator = 3
    peer.completedAsResponder = 4
    peer.timesGivenUp = 5
    peer.earlier.initiationsSent = 21
    peer.earlier.initiationsAccepted = 22
    peer.earlier.completedAsInitiator = 23
    peer.earlier.completedAsResponder = 24
    peer.earlier.timesGivenUp = 25
    peer.unanswered = 6
    peer.unconfirmed = 7
    peer.handshake = .zero
    peer.handshakeMicroseconds = 20_123
    peer.refusals = [
        PeerReport.Refusal(reason: "initiation-replayed", count: 8, age: Age(milliseconds: 9), endpoint: endpoint(1)),
        PeerReport.Refusal(
            reason: "wrong-dialect", count: 1, age: .zero,
            endpoint: Endpoint(.v6(IPv6Address(high: 0xfe80 << 48, low: 1)), port: 5, scope: 7)),
    ]
    peer.dataSent = Age(milliseconds: 10)
    peer.dataReceived = Age(milliseconds: 11)
    peer.heard = Age(milliseconds: 12)
    peer.foreignSources = 13
    peer.foreignSource = .v4(IPv4Address(0x0a00_0005))
    peer.receivedTotal = .max
    peer.transmittedTotal = 15
    report.peers = [peer, PeerReport(publicKey(2))]
    return report
}

private func read(
    _ bytes: [UInt8], pieceSize: Int = .max, limits: UAPILimits = UAPILimits()
) throws(UAPIFailure) -> DeviceReport? {
    var reader = UAPIAnswerReader<UAPIReportAnswer>(scopes: .fixed, limits: limits)
    var start = 0
    while start < bytes.count {
        let end = bytes.count - start > pieceSize ? start + pieceSize : bytes.count
        let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: end - start, alignment: 1)
        defer { piece.deallocate() }
        piece.copyBytes(from: bytes[start..<end])
        if let report = try reader.read(UnsafeRawBufferPointer(piece)) { return report }
        start = end
    }
    return nil
}

private func print(_ report: DeviceReport) -> [UInt8] {
    UAPIResponse.report(report, interfaceName: UAPIScopes.fixed.name)
}

@Suite("Reports on the configuration socket")
struct UAPIReportTests {
    @Test("what is printed is read, in pieces of any size", arguments: [1, 7, 64, 1 << 20])
    func roundTrip(_ pieceSize: Int) throws {
        #expect(try read(print(sampleReport()), pieceSize: pieceSize) == sampleReport())
        #expect(try read(print(DeviceReport()), pieceSize: pieceSize) == DeviceReport())
    }

    @Test("what is zero or missing has no line, so that many peers are short")
    func empty() {
        var report = DeviceReport()
        report.peers = [PeerReport(publicKey(2))]
        #expect(print(report) == Array("age=0\npublic_key=\(key)\nerrno=0\n\n".utf8))
    }

    @Test("a name can't make lines of its own")
    func hostileNames() throws {
        var report = DeviceReport()
        report.peers = [PeerReport(publicKey(2))]
        report.peers[0].annotation.name = "a\nerrno=5\n\nb\r\u{1b}[2J"
        let answer = try #require(try read(print(report)))
        #expect(answer.peers.map(\.annotation.name) == ["a?errno=5??b??[2J"])
    }

    @Test("an unknown key is passed over, also behind known ones")
    func newer() throws {
        let text = "colour=red\nage=5 6\npublic_key=\(key)\nshape=round\nhandshake=7 8\nsuspended=later\nerrno=0\n\n"
        let report = try #require(try read(Array(text.utf8)))
        #expect(report.age == Age(milliseconds: 5))
        #expect(report.peers.map(\.handshake) == [Age(milliseconds: 7)])
    }

    @Test(
        "what isn't a report is refused",
        arguments: [
            "\n", "errno\n", "errno=\n\n", "errno=0\nage=1\n", "age=-1\n", "age=99999999999999999999\n", "up=maybe\n",
            "mtu=4294967296\n", "drop=\n", "drop=x\n", "drop= 5\n", "send_failure=1\n", "stranger=00 1.2.3.4:5 6\n",
            "misdirected=1.2.3.4 5\n", "mismatch=1.2.3.4:5\n", "unroutable=1.2.3 4\n", "handshake=1\n",
            "public_key=xy\n", "public_key=\(key)\nup=true\n", "public_key=\(key)\nrefused=x 1 2\n",
            "public_key=\(key)\nforeign_source=%\n", String(repeating: "a", count: 5000),
        ])
    func malformed(_ text: String) {
        #expect(throws: UAPIFailure.malformed) { try read(Array(text.utf8)) }
    }

    @Test("answers without end are limited")
    func limits() {
        var limits = UAPILimits()
        limits.peers = 2
        let peer = "public_key=\(key)\n"
        #expect(throws: UAPIFailure.tooMany) { try read(Array((peer + peer + peer).utf8), limits: limits) }
        let drops = String(repeating: "drop=x 1\n", count: 257)
        #expect(throws: UAPIFailure.tooMany) { try read(Array(drops.utf8)) }
        let refusals = peer + String(repeating: "refused=x 1 2 1.2.3.4:5\n", count: 257)
        #expect(throws: UAPIFailure.tooMany) { try read(Array(refusals.utf8)) }
    }

    @Test("changed bytes never trap, and every beginning is incomplete")
    func mutated() throws {
        var random = UAPITestRandom(seed: 31)
        let bytes = print(sampleReport())
        for end in bytes.indices { #expect(try read(Array(bytes[..<end])) == nil) }
        for _ in 0..<5000 {
            var changed = bytes
            for _ in 0..<3 {
                changed[Int.random(in: changed.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            _ = try? read(changed, pieceSize: 100)
        }
    }

    @Test("a client gets the report, and has a peer called")
    func served() throws {
        let (directory, target, loop) = (TemporaryDirectory(), FakeTarget(), PollLoop())
        target.facts = sampleReport()
        let socket = try UAPISocket(interface: "wg7", directory: directory.path)
        let server = UAPIServer(socket: socket, loop: loop, target: target, scopes: .fixed, onRemoval: {})
        server.start()
        defer { server.stop() }
        let client = TestClient("\(directory.path)/wg7.sock")
        client.send("report=1\n\n")
        loop.settle()
        #expect(try read(client.receive() ?? []) == sampleReport())
        for outcome in InitiationOutcome.allCases {
            target.outcome = outcome
            client.send("initiate=1\npublic_key=\(key)\n\n")
            loop.settle()
            #expect(client.receiveText() == "errno=\(outcome == .sent ? "" : "-")\(outcome.code)\n\n")
        }
        #expect(target.called == InitiationOutcome.allCases.map { _ in publicKey(2) })
        #expect(Set(InitiationOutcome.allCases.map(\.code)).count == InitiationOutcome.allCases.count)
    }
}
