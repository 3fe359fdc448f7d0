import Glibc
import LinuxNet
import Obfuscation
import Testing
import Tunnel
import Wire

@testable import Relay

@Suite struct RelayReplayTests {
    /// A veil initiation as a relay on the client's side sends it.
    private func recordedInitiation() throws -> [UInt8] {
        let tap = try Party()
        let near = try TestRelay(to: RelayEndpoint(tap.endpoint)) { $0.forwardDialect = .veil(VeilSettings()) }
        defer { near.stop() }
        let client = try Party()
        client.send(FakeMessage.initiation(sender: 1), to: near.endpoint())
        var last = try #require(tap.receive()).bytes
        // Something that means nothing may go before it.
        while let next = tap.receive(milliseconds: 50) { last = next.bytes }
        return last
    }

    private func far(_ server: Party, stateFile: String?) throws -> TestRelay {
        let relay = try TestRelay(to: RelayEndpoint(server.endpoint), age: 0) {
            $0.listenDialect = .veil(VeilSettings())
            $0.stateFile = stateFile
        }
        // Handshakes are dated in milliseconds.
        usleep(5000)
        return relay
    }

    @Test(arguments: [true, false])
    func aRecordedHandshakeIsTakenOnceAndNotAfterARestart(hasFile: Bool) throws {
        let path = "/tmp/nightjar-relay-\(getpid())-\(hasFile)"
        defer { unlink(path) }
        let server = try Party()
        let first = try far(server, stateFile: hasFile ? path : nil)
        let recorded = try recordedInitiation()
        let stranger = try Party()
        stranger.send(recorded, to: first.endpoint())
        #expect(server.receive() != nil)
        stranger.send(recorded, to: first.endpoint())
        #expect(eventually { first.drops(.disguiseReplayed) == 1 })
        first.stop()

        let second = try far(server, stateFile: hasFile ? path : nil)
        defer { second.stop() }
        stranger.send(recorded, to: second.endpoint())
        #expect(eventually { second.drops(.disguiseBeforeStart) == 1 })
        #expect(server.receive(milliseconds: 20) == nil && stranger.receive(milliseconds: 1) == nil)
        #expect(second.relay.counters.report.opened == 0)
        // What is new is taken.
        stranger.send(try recordedInitiation(), to: second.endpoint())
        #expect(server.receive() != nil)
    }

    @Test func theFloorIsWrittenAheadAndExactlyAtTheEnd() throws {
        let path = "/tmp/nightjar-relay-floor-\(getpid())"
        defer { unlink(path) }
        let file = ReplayFloorFile(path: path)
        #expect(try file.read() == nil)
        let replays = RelayReplays(stateFile: path, start: WallTime(seconds: 1000, nanoseconds: 0))
        #expect(replays.complaint == nil && replays.note() == nil)
        #expect(try file.read() == nil)
        let now = WallTime(seconds: 1001, nanoseconds: 0)
        #expect(replays.clients.accept(1, dated: 1_001_000, now: now, within: 60) == .accepted)
        #expect(replays.note() == nil)
        #expect(try file.read() == ReplayFloorFile.Floors(clients: 1_011_000, endpoint: 1_010_000))
        #expect(replays.save() == nil)
        #expect(try file.read() == ReplayFloorFile.Floors(clients: 1_001_000, endpoint: 1_000_000))

        let next = RelayReplays(stateFile: path, start: WallTime(seconds: 1002, nanoseconds: 0))
        #expect(next.clients.accept(2, dated: 1_001_000, now: now, within: 60) == .beforeStart)
        #expect(next.clients.accept(2, dated: 1_001_500, now: now, within: 60) == .accepted)
    }

    @Test func aFileOfAnotherKindIsComplainedAbout() throws {
        let path = "/tmp/nightjar-relay-bad-\(getpid())"
        defer { unlink(path) }
        for text in ["clients 1", "clients x endpoint 2", "clients 1 endpoint -2", "a b c d e"] {
            let file = fopen(path, "w")
            fputs(text, file)
            fclose(file)
            let replays = RelayReplays(stateFile: path, start: WallTime(seconds: 1000, nanoseconds: 0))
            #expect(replays.complaint.map { "\($0)".contains("delete it") } == true)
            #expect(replays.clients.newest == 1_000_000)
        }
        let missing = RelayReplays(stateFile: "/nowhere/file", start: WallTime(seconds: 1000, nanoseconds: 0))
        #expect(missing.save().map { "\($0)".contains("/nowhere/file") } == true)
        // Told once.
        #expect(missing.save() == nil)
    }
}
