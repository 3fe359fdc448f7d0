import Control
import Glibc
import Testing
import Tunnel
import Wire

@Suite("UAPI server")
struct UAPIServerTests {
    let directory = TemporaryDirectory()
    let loop = PollLoop()
    let target = FakeTarget()
    let removals = Counter()
    let socket: UAPISocket
    let server: UAPIServer

    init() throws {
        socket = try UAPISocket(interface: "wg0", directory: directory.path)
        let removals = removals
        server = UAPIServer(socket: socket, loop: loop, target: target, scopes: .fixed) { removals.count += 1 }
        server.start()
        target.current = try sampleStatus()
    }

    @Test("get, set and drops, one after another on a connection")
    func operations() throws {
        let client = TestClient(socket.path)
        client.send("get=1\n\n")
        loop.settle()
        let status = UAPIResponse.status(target.current, interfaceName: UAPIScopes.fixed.name)
        #expect(client.receive() == status)
        client.send("set=1\nlisten_port=5\n\n")
        loop.settle()
        #expect(client.receiveText() == "errno=0\n\n")
        #expect(target.changes.map(describe) == ["port=5"])
        target.counts = [("replayed", 3)]
        client.send("drops=1\n\n")
        loop.settle()
        #expect(client.receiveText() == "replayed=3\nerrno=0\n\n")
    }

    @Test("the target's errno is the answer, negated")
    func targetFails() {
        let client = TestClient(socket.path)
        target.result = EADDRINUSE
        client.send("set=1\nlisten_port=5\n\nget=1\nx")
        loop.settle()
        #expect(client.receiveText() == "errno=-98\n\nerrno=-22\n\n")
        #expect(client.receive() == [])
    }

    @Test("a failed set applies nothing, is answered and then closed")
    func failedSet() {
        let client = TestClient(socket.path)
        client.send("set=1\nlisten_port=5\nfoo=1\n\n")
        loop.settle()
        #expect(client.receiveText() == "errno=-22\n\n")
        #expect(client.receive() == nil)
        #expect(target.changes.isEmpty)
    }

    @Test("an unknown operation is closed without an answer")
    func unknownOperation() {
        let client = TestClient(socket.path)
        client.send("hello\n")
        loop.settle()
        #expect(client.receive() == nil)
    }

    @Test("operations sent together are all answered, also when the client has sent its last")
    func pipelined() {
        let client = TestClient(socket.path)
        client.send("set=1\nfwmark=1\n\nset=1\nfwmark=2\n\nset=1\nfwmark=3\n\nset=1\nfwmark=4\n")
        client.endSending()
        loop.settle()
        #expect(client.receiveText() == "errno=0\n\nerrno=0\n\nerrno=0\n\n")
        #expect(client.receive() == nil)
        #expect(target.changes.map(describe) == ["mark=1", "mark=2", "mark=3"], "the last one has no end")
    }

    @Test("half an operation waits for the rest and costs nothing")
    func halfOperation() {
        let slow = TestClient(socket.path)
        slow.send("set=1\nlisten_po")
        loop.settle()
        #expect(loop.turn() == 0)
        let quick = TestClient(socket.path)
        quick.send("set=1\nfwmark=7\n\n")
        loop.settle()
        #expect(quick.receiveText() == "errno=0\n\n")
        slow.send("rt=9\n\n")
        loop.settle()
        #expect(slow.receiveText() == "errno=0\n\n")
        #expect(target.changes.map(describe) == ["mark=7", "port=9"])
    }

    @Test("a client that doesn't take its answer is not read, blocks nobody and gets all of it later")
    func backpressure() throws {
        let peer = target.current.peers[0]
        target.current.peers = (0..<5000).map { _ in peer }
        let status = UAPIResponse.status(target.current, interfaceName: UAPIScopes.fixed.name)
        let slow = TestClient(socket.path)
        slow.send("get=1\n\nget=1\n\nset=1\nlisten_port=1\n\n")
        loop.settle()
        let more = Array(repeating: Array("set=1\n\n".utf8), count: 100_000).joined()
        #expect(slow.send(more) < more.count, "what isn't read fills the socket")
        loop.settle()
        #expect(target.changes.isEmpty)

        let quick = TestClient(socket.path)
        quick.send("set=1\nfwmark=7\n\n")
        loop.settle()
        #expect(quick.receiveText() == "errno=0\n\n")
        #expect(target.changes.count == 1)

        let expected = status + status + Array("errno=0\n\n".utf8)
        var received: [UInt8] = []
        while received.count < expected.count {
            let piece = try #require(slow.receive(limit: 10_000))
            received += piece
            loop.settle()
        }
        #expect(Array(received.prefix(expected.count)) == expected)
        #expect(target.changes.dropFirst().first.map(describe) == "port=1")
    }

    @Test("a client that goes away in the middle of its answer or its request leaves nothing behind")
    func abandoned() {
        let peer = target.current.peers[0]
        target.current.peers = (0..<5000).map { _ in peer }
        let idle = loop.watched
        for text in ["get=1\n\n", "set=1\nlisten_port=1\n", "", "get=1\n\nget=1\n\n"] {
            let client = TestClient(socket.path)
            client.send(text)
            loop.settle()
            client.close()
            loop.settle()
            #expect(loop.watched == idle)
        }
        #expect(target.changes.isEmpty)
    }

    @Test("more clients than the limit wait until one has gone")
    func limit() {
        var clients = (0..<UAPIServer.connectionLimit).map { _ in TestClient(socket.path) }
        loop.settle()
        let waiting = TestClient(socket.path)
        waiting.send("set=1\nfwmark=1\n\n")
        loop.settle()
        #expect(waiting.receive() == [])
        #expect(target.changes.isEmpty)
        for (index, client) in clients.enumerated() {
            client.send("set=1\nlisten_port=\(index)\n\n")
        }
        loop.settle()
        #expect(clients.allSatisfy { $0.receiveText() == "errno=0\n\n" })
        #expect(Set(target.changes.compactMap(\.listenPort)) == Set(0..<UInt16(UAPIServer.connectionLimit)))
        clients.removeLast().close()
        loop.settle()
        #expect(waiting.receiveText() == "errno=0\n\n")
    }

    @Test("a large set arrives whole")
    func largeSet() {
        let client = TestClient(socket.path)
        var text = "set=1\nreplace_peers=true\n"
        for index in 0..<3000 {
            text +=
                "public_key=\(Hex.encode(Bytes32((0..<32).map { UInt8(truncatingIfNeeded: index >> ($0 % 16)) })!))\n"
            text += "allowed_ip=10.\(index >> 8).\(index & 255).0/24\n"
        }
        var rest = Array((text + "\n").utf8)[...]
        while !rest.isEmpty {
            rest = rest.dropFirst(max(0, client.send(rest.prefix(30_000))))
            loop.settle()
        }
        #expect(client.receiveText() == "errno=0\n\n")
        #expect(target.changes.map(describe) == readAll(text + "\n").map { describe($0).dropFirst(4) }.map(String.init))
    }

    @Test("the removal of the file is reported once")
    func removal() {
        loop.settle()
        chmod(socket.path, 0o640)
        loop.settle()
        #expect(removals.count == 0)
        unlink(socket.path)
        loop.settle()
        #expect(removals.count == 1)
        loop.settle()
        #expect(removals.count == 1)
    }

    @Test("stopping closes everything and removes the file, also from inside the target")
    func stop() {
        let idle = TestClient(socket.path)
        let busy = TestClient(socket.path)
        loop.settle()
        let stopping = StoppingTarget()
        let other = UAPIServer(
            socket: try! UAPISocket(interface: "wg1", directory: directory.path), loop: loop, target: stopping
        ) {}
        other.start()
        stopping.server = other
        let client = TestClient("\(directory.path)/wg1.sock")
        client.send("set=1\n\nset=1\n\n")
        loop.settle()
        #expect(client.receive() == nil)
        #expect(stopping.count == 1)

        busy.send("set=1\nlisten")
        loop.settle()
        server.stop()
        #expect(idle.receive() == nil)
        #expect(busy.receive() == nil)
        #expect(loop.watched.isEmpty)
        #expect(fileMode(socket.path) == nil)
        #expect(fileMode("\(directory.path)/wg1.sock") == nil)
    }

    @Test("random bytes from many clients at once")
    func hostileClients() {
        var random = UAPITestRandom(seed: 99)
        let pieces = ["get=1\n", "\n", "set=1\n", "fwmark=1\n", "public_key=", "x", "=", "drops=1\n\n", "get=1\n\n"]
        var clients: [TestClient] = []
        for _ in 0..<3000 {
            if clients.count < 20 { clients.append(TestClient(socket.path)) }
            let place = Int.random(in: 0..<clients.count, using: &random)
            clients[place].send((pieces.randomElement(using: &random)!).utf8)
            if Bool.random(using: &random) { loop.turn() }
            if Int.random(in: 0..<8, using: &random) == 0 { clients.remove(at: place) }
        }
        clients = []
        loop.settle()
        let client = TestClient(socket.path)
        client.send("get=1\n\n")
        loop.settle()
        #expect(client.receive() == UAPIResponse.status(target.current, interfaceName: UAPIScopes.fixed.name))
    }
}

final class Counter {
    var count = 0
}

private final class StoppingTarget: ConfigurationTarget {
    weak var server: UAPIServer?
    var count = 0

    func apply(_ change: DeviceChange) -> Int32 {
        count += 1
        server?.stop()
        return 0
    }

    func status() -> DeviceStatus { DeviceStatus() }
    func drops() -> [(reason: String, count: UInt64)] { [] }
    func endpointNames() -> [(peer: PublicKey, name: String)] { [] }
    func report() -> DeviceReport { DeviceReport() }
    func initiate(_ publicKey: PublicKey) -> InitiationOutcome { .noSuchPeer }
}
