import Glibc
import LinuxNet
import Obfuscation
import Testing
import Tunnel
import Wire

@testable import Relay

@Suite struct RelayReloadTests {
    /// A set of one relay to a server that has answered one client.
    private final class Fixture {
        let server: Party
        let client: Party
        let log = RelayLogBook()
        let book = FakeAddressBook()
        let set: RelaySet
        var settings: RelaySettings
        let seen: Endpoint

        init() throws {
            server = try Party()
            client = try Party()
            settings = RelaySettings(
                listen: .one(.loopback(try Fixture.freePort())), endpoint: RelayEndpoint(server.endpoint))
            settings.serverKey = Parties.server
            set = RelaySet(book: book, log: log)
            try set.apply([settings])
            client.send(FakeMessage.initiation(sender: 1), to: .loopback(set.running[0].port))
            seen = try #require(server.receive()).source
            server.send(FakeMessage.response(sender: 2, receiver: 1), to: seen)
            #expect(client.receive() != nil)
        }

        static func freePort() throws -> UInt16 {
            try UDPSocket.bind(at: .loopback(0)).port
        }

        /// Where the server sees the client's next data come from.
        func source(of client: Party? = nil, at server: Party? = nil) throws -> Endpoint {
            let data = FakeMessage.data(receiver: 2, counter: 1, content: 64)
            (client ?? self.client).send(data, to: .loopback(set.running[0].port))
            let arrived = try #require((server ?? self.server).receive())
            #expect(arrived.bytes == data)
            return arrived.source
        }

        func report(_ place: Int = 0) -> RelayReport { set.running[place].counters.report }
    }

    @Test func flowsStayWhereNothingIsSaidAboutThem() throws {
        let fixture = try Fixture()
        defer { fixture.set.stop() }
        let first = fixture.set.running[0]
        fixture.settings.idleTimeout = 100
        fixture.settings.maximumFlows = 5
        var other = RelaySettings(
            listen: .one(.loopback(try Fixture.freePort())), endpoint: RelayEndpoint(fixture.server.endpoint))
        other.listenDialect = .xor(XORSettings(key: TestDialect.key))
        try fixture.set.apply([fixture.settings, other])
        #expect(fixture.set.running.count == 2 && fixture.set.running[0] === first)
        #expect(eventually { fixture.log.lines.contains("Took the new settings") })
        #expect(try fixture.source() == fixture.seen)
        try fixture.set.apply([fixture.settings])
        #expect(fixture.set.running.count == 1)
        #expect(try fixture.source() == fixture.seen)
        #expect(fixture.report().opened == 1)
    }

    @Test func flowsMoveToAnotherEndpoint() throws {
        let fixture = try Fixture()
        defer { fixture.set.stop() }
        let other = try Party()
        fixture.settings.endpoint = RelayEndpoint(other.endpoint)
        try fixture.set.apply([fixture.settings])
        #expect(eventually { fixture.log.lines.contains("Took the new settings") })
        #expect(try fixture.source(at: other) == fixture.seen)
        // The former one isn't listened to any more.
        fixture.server.send(FakeMessage.data(receiver: 1, counter: 1, content: 0), to: fixture.seen)
        #expect(fixture.client.receive(milliseconds: 50) == nil)
    }

    @Test func anotherDisguiseBeginsAnew() throws {
        let fixture = try Fixture()
        defer { fixture.set.stop() }
        fixture.settings.forwardDialect = .xor(XORSettings(key: TestDialect.key))
        try fixture.set.apply([fixture.settings])
        #expect(eventually { fixture.report().flows == 0 })
        let initiation = FakeMessage.initiation(sender: 3)
        fixture.client.send(initiation, to: .loopback(fixture.set.running[0].port))
        let arrived = try #require(fixture.server.receive())
        let key = TestDialect.key.bytes
        #expect(arrived.bytes == initiation.enumerated().map { $1 ^ key[$0 % key.count] })
    }

    @Test func whatCannotBeDoneChangesNothing() throws {
        let fixture = try Fixture()
        defer { fixture.set.stop() }
        let taken = try Party()
        var other = RelaySettings(listen: .one(taken.endpoint), endpoint: RelayEndpoint(fixture.server.endpoint))
        other.serverKey = Parties.server
        var changed = fixture.settings
        changed.forwardDialect = .xor(XORSettings(key: TestDialect.key))
        #expect(throws: SystemError.self) { try fixture.set.apply([changed, other]) }
        #expect(fixture.set.running.count == 1)
        #expect(try fixture.source() == fixture.seen)
    }

    @Test func namesAreAskedForUntilThereIsAnAnswer() throws {
        let server = try Party()
        let book = FakeAddressBook()
        let name = RelayEndpoint(host: "vpn.example", port: server.socket.port, numeric: nil)
        let relay = try TestRelay(to: name, book: book)
        defer { relay.stop() }
        let client = try Party()
        client.send(FakeMessage.initiation(sender: 1), to: relay.endpoint())
        #expect(eventually { relay.drops(.noEndpoint) == 1 })
        #expect(eventually { relay.log.lines.contains { $0.contains("nobody knows vpn.example") } })
        book.set([server.endpoint])
        #expect(eventually { relay.log.lines.contains("vpn.example:\(name.port) is \(server.endpoint)") })
        client.send(FakeMessage.initiation(sender: 2), to: relay.endpoint())
        #expect(server.receive() != nil)
        // A reload asks again, and flows go with the answer.
        let other = try Party()
        book.set([other.endpoint])
        relay.relay.update(relay.settings)
        #expect(eventually { relay.log.lines.contains("vpn.example:\(name.port) is \(other.endpoint)") })
        client.send(FakeMessage.initiation(sender: 3), to: relay.endpoint())
        #expect(other.receive() != nil)
        #expect(relay.relay.counters.report.opened == 1)
    }

    @Test func aSilentAddressGivesItsTurnToTheNext() throws {
        let book = FakeAddressBook()
        let first = Endpoint.loopback(1)
        let second = Endpoint.loopback(2)
        book.set([first, second])
        let mailbox = try RelayMailbox()
        var target = RelayTarget(book: book, mailbox: mailbox)
        let name = RelayEndpoint(host: "vpn.example", port: 1, numeric: nil)
        var now = Instant(nanoseconds: 1_000_000_000_000)

        func answer() -> Endpoint? {
            guard eventually({ self.isReadable(mailbox.fileDescriptor) }) else { return nil }
            for case .found(let name, let endpoints) in mailbox.takeAll() {
                return target.found(name, endpoints, now: now)
            }
            return nil
        }
        target.aim(at: name, now: now)
        #expect(answer() == first)
        // Too soon.
        let isTooSoon = !target.isSilentNow(now: now + .seconds(5))
        #expect(isTooSoon)
        now = now + .seconds(40)
        let isAskedFor = target.isSilentNow(now: now)
        #expect(isAskedFor)
        #expect(answer() == second)
        now = now + .seconds(40)
        let isAskedForAgain = target.isSilentNow(now: now)
        #expect(isAskedForAgain)
        #expect(answer() == first)
        // Without silence it stays.
        target.aim(at: name, now: now)
        #expect(answer() == nil)
        #expect(target.endpoint == first)
    }

    private func isReadable(_ descriptor: Int32) -> Bool {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&entry, 1, 0) == 1
    }
}
