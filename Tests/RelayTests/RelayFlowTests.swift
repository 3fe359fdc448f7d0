import Glibc
import LinuxNet
import NoisePrimitives
import Obfuscation
import TestKit
import Testing
import Tunnel
import Wire

@testable import Relay

@Suite struct RelayFlowTests {
    @Test func everyClientHasASocketOfItsOwn() throws {
        let server = try Party()
        let relay = try TestRelay(to: RelayEndpoint(server.endpoint))
        defer { relay.stop() }
        var clients: [(party: Party, index: UInt32, seen: Endpoint)] = []
        for index in UInt32(1)...5 {
            let client = try Party()
            client.send(FakeMessage.initiation(sender: index), to: relay.endpoint())
            clients.append((client, index, try #require(server.receive()).source))
        }
        #expect(Set(clients.map(\.seen)).count == 5)
        for client in clients.reversed() {
            let response = FakeMessage.response(sender: 100 + client.index, receiver: client.index)
            server.send(response, to: client.seen)
            #expect(client.party.receive()?.bytes == response)
        }
        #expect(relay.relay.counters.report.flows == 5)
    }

    @Test func aClientThatMovesKeepsItsSession() throws {
        let server = try Party()
        let relay = try TestRelay(to: RelayEndpoint(server.endpoint)) {
            // A dialect whose data isn't told from anything without the session.
            $0.listenDialect = .plain
        }
        defer { relay.stop() }
        let former = try Party()
        former.send(FakeMessage.initiation(sender: 7), to: relay.endpoint())
        let seen = try #require(server.receive()).source
        server.send(FakeMessage.response(sender: 8, receiver: 7), to: seen)
        #expect(former.receive() != nil)

        let moved = try Party()
        let data = FakeMessage.data(receiver: 8, counter: 3, content: 80)
        moved.send(data, to: relay.endpoint())
        let arrived = try #require(server.receive())
        #expect(arrived.bytes == data && arrived.source != seen)
        let back = FakeMessage.data(receiver: 7, counter: 4, content: 96)
        server.send(back, to: arrived.source)
        #expect(moved.receive()?.bytes == back)
        // Until the server has seen a genuine message from there it goes on with the former address.
        server.send(back, to: seen)
        #expect(former.receive()?.bytes == back)
    }

    @Test func strangersLeaveNoTrace() throws {
        let server = try Party()
        let relay = try TestRelay(to: RelayEndpoint(server.endpoint)) {
            $0.listenDialect = .xor(XORSettings(key: ObfuscationKey(Array("secret".utf8))))
        }
        defer { relay.stop() }
        let stranger = try Party()
        let random = SeededRandom(seed: 4)
        for _ in 0..<2000 {
            stranger.send(random.bytes(1 + Int(random.below(1400))), to: relay.endpoint())
        }
        // WireGuard without the disguise, and a MAC1 that is wrong.
        stranger.send(FakeMessage.initiation(sender: 1), to: relay.endpoint())
        stranger.send(FakeMessage.data(receiver: 1, counter: 1, content: 64), to: relay.endpoint())
        #expect(eventually { relay.drops(.notWireGuard) == 2002 })
        #expect(server.receive(milliseconds: 50) == nil && stranger.receive(milliseconds: 1) == nil)
        #expect(relay.relay.counters.report.opened == 0)
    }

    @Test func aWrongMAC1BeginsNothing() throws {
        let server = try Party()
        let relay = try TestRelay(to: RelayEndpoint(server.endpoint))
        defer { relay.stop() }
        let stranger = try Party()
        stranger.send(FakeMessage.initiation(sender: 1, to: Parties.client), to: relay.endpoint())
        #expect(eventually { relay.drops(.wrongMAC1) == 1 })
        stranger.send(FakeMessage.response(sender: 1, receiver: 2, to: Parties.server), to: relay.endpoint())
        #expect(eventually { relay.drops(.unknownSession) == 1 })
        #expect(relay.relay.counters.report.opened == 0)
        #expect(server.receive(milliseconds: 50) == nil)
    }

    @Test func idleFlowsEnd() throws {
        let server = try Party()
        let relay = try TestRelay(to: RelayEndpoint(server.endpoint)) { $0.idleTimeout = 1 }
        defer { relay.stop() }
        let client = try Party()
        client.send(FakeMessage.initiation(sender: 1), to: relay.endpoint())
        let first = try #require(server.receive()).source
        #expect(eventually { relay.relay.counters.report.flows == 1 })
        #expect(eventually { relay.relay.counters.report.flows == 0 })
        client.send(FakeMessage.initiation(sender: 2), to: relay.endpoint())
        #expect(try #require(server.receive()).source != first)
    }

    @Test func whoWasNeverAnsweredGoesFirst() throws {
        let server = try Party()
        let relay = try TestRelay(to: RelayEndpoint(server.endpoint)) { $0.maximumFlows = 3 }
        defer { relay.stop() }
        let friend = try Party()
        friend.send(FakeMessage.initiation(sender: 1), to: relay.endpoint())
        let seen = try #require(server.receive()).source
        server.send(FakeMessage.response(sender: 2, receiver: 1), to: seen)
        #expect(friend.receive() != nil)
        for index in UInt32(10)..<30 {
            let other = try Party()
            other.send(FakeMessage.initiation(sender: index), to: relay.endpoint())
            #expect(server.receive() != nil)
        }
        let data = FakeMessage.data(receiver: 2, counter: 0, content: 64)
        friend.send(data, to: relay.endpoint())
        #expect(try #require(server.receive()).source == seen)
        let report = relay.relay.counters.report
        #expect(report.flows == 3 && report.opened == 21)
        #expect(relay.drops(.tooManyFlows) == 18)
    }

    @Test func onlyTheEndpointAnswers() throws {
        let server = try Party()
        let relay = try TestRelay(to: RelayEndpoint(server.endpoint))
        defer { relay.stop() }
        let client = try Party()
        client.send(FakeMessage.initiation(sender: 1), to: relay.endpoint())
        let seen = try #require(server.receive()).source
        let stranger = try Party()
        stranger.send(FakeMessage.response(sender: 2, receiver: 1), to: seen)
        #expect(client.receive(milliseconds: 100) == nil)
        #expect(eventually { relay.drops(.notFromEndpoint) == 1 })
    }

    @Test func manyIdleFlowsTakeLittleMemory() throws {
        let server = try Party()
        let relay = try TestRelay(to: RelayEndpoint(server.endpoint)) { $0.maximumFlows = 500 }
        defer { relay.stop() }
        let before = residentBytes()
        for index in UInt32(1)...2000 {
            let client = try Party()
            client.send(FakeMessage.initiation(sender: index), to: relay.endpoint())
            #expect(server.receive() != nil)
        }
        #expect(relay.relay.counters.report.flows == 500)
        #expect(residentBytes() - before < 16 << 20)
    }

    /// Of this process.
    private func residentBytes() -> Int {
        var text = [CChar](repeating: 0, count: 128)
        guard let file = fopen("/proc/self/statm", "r") else { return 0 }
        defer { fclose(file) }
        guard fgets(&text, 127, file) != nil else { return 0 }
        let line = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let pages = Int(line.split(separator: " ").dropFirst().first ?? "") ?? 0
        return pages * Int(getpagesize())
    }
}
