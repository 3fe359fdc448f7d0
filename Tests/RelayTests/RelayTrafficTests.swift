import LinuxNet
import Obfuscation
import Testing
import Tunnel
import Wire

@testable import Relay

/// A client, a relay that puts a disguise on, one that takes it off, and a server.
private final class Chain {
    let client: Party
    let near: TestRelay
    let far: TestRelay
    let server: Party

    init(_ dialect: Dialect, _ family: AddressFamily = .v4) throws {
        client = try Party(family)
        server = try Party(family)
        far = try TestRelay(to: RelayEndpoint(server.endpoint), family: family) { $0.listenDialect = dialect }
        near = try TestRelay(to: RelayEndpoint(far.endpoint(family)), family: family) { $0.forwardDialect = dialect }
        entry = near.endpoint(family)
    }

    /// Where the client sends to.
    let entry: Endpoint

    /// Has both sides know each other's index; returns where the server sees the client.
    func shakeHands(client index: UInt32 = 0x1111, server answer: UInt32 = 0x2222) throws -> Endpoint {
        let initiation = FakeMessage.initiation(sender: index)
        client.send(initiation, to: entry)
        let arrived = try #require(server.receive())
        #expect(arrived.bytes == initiation)
        let response = FakeMessage.response(sender: answer, receiver: index)
        server.send(response, to: arrived.source)
        #expect(try #require(client.receive()).bytes == response)
        return arrived.source
    }

    func stop() {
        near.stop()
        far.stop()
    }
}

@Suite struct RelayTrafficTests {
    @Test(arguments: TestDialect.all)
    func bothDirectionsArriveAsTheyWere(dialect: TestDialect) throws {
        let chain = try Chain(dialect.dialect)
        defer { chain.stop() }
        let source = try chain.shakeHands()
        var counter: UInt64 = 0
        // The largest that swgp's paranoid mode has room for is 1392.
        for content in [0, 16, 32, 80, 160, 576, 1280, 1344, 1392] {
            let out = FakeMessage.data(receiver: 0x2222, counter: counter, content: content)
            chain.client.send(out, to: chain.entry)
            #expect(chain.server.receive()?.bytes == out, "\(content) bytes to the server")
            let back = FakeMessage.data(receiver: 0x1111, counter: counter, content: content)
            chain.server.send(back, to: source)
            #expect(chain.client.receive()?.bytes == back, "\(content) bytes to the client")
            counter += 1
        }
        for relay in [chain.near, chain.far] {
            let report = relay.relay.counters.report
            #expect(report.flows == 1 && report.opened == 1)
            // What AmneziaWG sends before an initiation isn't anything, or looks like data of nobody.
            let junk = relay === chain.far ? dialect.junk : 0
            #expect(relay.drops(.notWireGuard) + relay.drops(.unknownSession) == junk, "\(report)")
            #expect(report.drops.allSatisfy { [.notWireGuard, .unknownSession].contains($0.reason) }, "\(report)")
        }
    }

    @Test(arguments: TestDialect.all)
    func runsOfDataArriveWholeAndInOrder(dialect: TestDialect) throws {
        let chain = try Chain(dialect.dialect)
        defer { chain.stop() }
        let source = try chain.shakeHands()
        for content in [48, 1280] {
            var sent: [[UInt8]] = []
            for counter in 0..<40 {
                // The last of a run is shorter.
                sent.append(
                    FakeMessage.data(
                        receiver: 0x2222, counter: UInt64(counter), content: counter == 39 ? content - 16 : content))
            }
            chain.client.send(sent.flatMap(\.self), to: chain.entry, segmentSize: content + 32)
            #expect(chain.server.receive(40) == sent)
            let back = sent.enumerated().map { counter, message in
                FakeMessage.data(receiver: 0x1111, counter: UInt64(counter), content: message.count - 32)
            }
            chain.server.send(back.flatMap(\.self), to: source, segmentSize: content + 32)
            #expect(chain.client.receive(40) == back)
        }
    }

    @Test(arguments: TestDialect.all)
    func theServerMayBeginAHandshake(dialect: TestDialect) throws {
        let chain = try Chain(dialect.dialect)
        defer { chain.stop() }
        let source = try chain.shakeHands()
        let initiation = FakeMessage.initiation(sender: 0x3333, to: Parties.client)
        chain.server.send(initiation, to: source)
        #expect(try #require(chain.client.receive()).bytes == initiation)
        let response = FakeMessage.response(sender: 0x4444, receiver: 0x3333, to: Parties.server)
        chain.client.send(response, to: chain.entry)
        #expect(try #require(chain.server.receive()).bytes == response)
        let data = FakeMessage.data(receiver: 0x4444, counter: 0, content: 64)
        chain.server.send(data, to: source)
        #expect(chain.client.receive()?.bytes == data)
        let back = FakeMessage.data(receiver: 0x3333, counter: 0, content: 64)
        chain.client.send(back, to: chain.entry)
        #expect(chain.server.receive()?.bytes == back)
    }

    @Test(arguments: TestDialect.all)
    func cookiesPassBothWays(dialect: TestDialect) throws {
        let chain = try Chain(dialect.dialect)
        defer { chain.stop() }
        let source = try chain.shakeHands()
        let cookie = Array(repeating: UInt8(0xc0), count: 16)

        let initiation = FakeMessage.initiation(sender: 0x5555)
        chain.client.send(initiation, to: chain.entry)
        let arrived = try #require(chain.server.receive()).bytes
        #expect(arrived == initiation)
        chain.server.send(FakeCookie.reply(to: arrived, receiver: 0x5555, from: Parties.server, cookie), to: source)
        let reply = try #require(chain.client.receive()).bytes
        #expect(FakeCookie.open(reply, answering: initiation, from: Parties.server) == cookie)
        // What proves the sender's address arrives as it was meant.
        let proof = FakeCookie.prove(FakeMessage.initiation(sender: 0x6666), with: cookie)
        chain.client.send(proof, to: chain.entry)
        #expect(chain.server.receive()?.bytes == proof)

        let response = FakeMessage.response(sender: 0x7777, receiver: 0x6666)
        chain.server.send(response, to: source)
        #expect(chain.client.receive()?.bytes == response)
        chain.client.send(
            FakeCookie.reply(to: response, receiver: 0x7777, from: Parties.client, cookie), to: chain.entry)
        let toServer = try #require(chain.server.receive()).bytes
        #expect(FakeCookie.open(toServer, answering: response, from: Parties.client) == cookie)

        // Nobody asked for this one.
        chain.server.send(FakeMessage.cookieReply(receiver: 0x9999), to: source)
        #expect(chain.client.receive(milliseconds: 50) == nil)
    }

    @Test func overIPv6() throws {
        let chain = try Chain(.plain, .v6)
        defer { chain.stop() }
        _ = try chain.shakeHands()
        let data = FakeMessage.data(receiver: 0x2222, counter: 5, content: 1280)
        chain.client.send(data, to: chain.entry)
        #expect(chain.server.receive()?.bytes == data)
    }

    @Test func familiesMayDiffer() throws {
        let server = try Party(.v6)
        let client = try Party(.v4)
        let relay = try TestRelay(to: RelayEndpoint(server.endpoint))
        defer { relay.stop() }
        client.send(FakeMessage.initiation(sender: 1), to: relay.endpoint())
        let arrived = try #require(server.receive())
        #expect(arrived.source.address.isIPv6)
        let response = FakeMessage.response(sender: 2, receiver: 1)
        server.send(response, to: arrived.source)
        #expect(client.receive()?.bytes == response)
    }
}
