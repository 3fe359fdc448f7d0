import Control
import Foundation
import Glibc
import LinuxNet
import Metrics
import Status
import Synchronization
import Testing
import Tunnel
import Wire

#if THREAD_SANITIZER
    private typealias Mutex<Value: ~Copyable> = Tunnel.Mutex<Value>
#endif

@Suite struct MetricsServerTests {
    /// A source that tests make up.
    private final class FakeSource: MetricsSource {
        let snapshots = Atomic<Int>(0)
        let state = Mutex(State())

        struct State {
            var snapshot = sampleSnapshot()
            var failure: SystemError?
            /// How long it takes to look.
            var delay = Duration.zero
        }

        func snapshot() throws -> InterfaceSnapshot {
            snapshots.add(1, ordering: .relaxed)
            let state = state.withLock { $0 }
            if state.delay > .zero { usleep(UInt32(state.delay / .microseconds(1))) }
            if let failure = state.failure { throw failure }
            return state.snapshot
        }

        func check() throws {
            if let failure = state.withLock({ $0.failure }) { throw failure }
        }
    }

    private func withServer(
        limits: MetricsServer.Limits = MetricsServer.Limits(), lifetime: Duration = .seconds(1),
        _ body: (Client, FakeSource) throws -> Void
    ) throws {
        let source = FakeSource()
        let address = try #require(MetricsAddress(anyPortOf: "127.0.0.1"))
        let server = try MetricsServer(
            address, MetricsPages(source, version: "1.2.3", lifetime: lifetime), limits: limits)
        defer { server.stop() }
        try body(Client(port: server.port), source)
    }

    // MARK: Answers

    @Test func metrics() throws {
        try withServer { client, _ in
            let answer = try client.get("/metrics")
            #expect(answer.status == 200)
            #expect(answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
            #expect(answer.body == text(sampleSnapshot()))
            let other = try client.get("/metrics?names=mdlayher&x")
            #expect(other.body == text(sampleSnapshot(), names: .mdlayher))
            #expect(client.status("/metrics?names=best") == 400)
        }
    }

    @Test func onlyTheHeadIsAnsweredToHEAD() throws {
        try withServer { client, _ in
            let answer = try client.ask("HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(answer.status == 200)
            #expect(answer.headers["content-length"] == "\(text(sampleSnapshot()).utf8.count)")
            #expect(answer.body == "")
        }
    }

    @Test(arguments: ["POST", "PUT", "DELETE", "CONNECT", "OPTIONS"]) func nothingCanBeChanged(_ method: String) throws
    {
        try withServer { client, _ in
            let target = method == "CONNECT" ? "localhost:22" : "/metrics"
            let answer = try client.ask("\(method) \(target) HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(answer.status == 405)
            #expect(answer.headers["allow"] == "GET, HEAD")
        }
    }

    @Test(arguments: ["/metric", "/metrics/", "/../etc/passwd", "/livez/..", "*", "http://x/metrics"])
    func whatThereIsnt(_ target: String) throws {
        try withServer { client, _ in #expect(client.status(target) == 404) }
    }

    @Test func liveIsWhoAnswers() throws {
        try withServer { client, source in
            #expect(client.status("/livez") == 200)
            source.state.withLock { $0.failure = SystemError(ETIMEDOUT, "ask") }
            let answer = try client.get("/livez")
            #expect(answer.status == 503)
            #expect(answer.body.contains("ask"))
            #expect(client.status("/metrics") == 503)
            #expect(client.status("/readyz") == 503)
        }
    }

    @Test func readiness() throws {
        try withServer(lifetime: .zero) { client, source in
            let ready = try client.get("/readyz")
            #expect(ready.status == 200)
            #expect(ready.body == "ready: 1 of 1 expected peers connected\n")
            source.state.withLock { $0.snapshot.report?.isUp = false }
            let down = try client.get("/readyz")
            #expect(down.status == 503)
            #expect(down.body == "not ready: wg0: the interface is down\n")
        }
    }

    /// Many who ask cost no more than one, also while it takes long.
    @Test func oneLookForAll() async throws {
        let source = FakeSource()
        source.state.withLock { $0.delay = .milliseconds(200) }
        let pages = MetricsPages(source, version: "1.2.3", lifetime: .seconds(60))
        let address = try #require(MetricsAddress(anyPortOf: "127.0.0.1"))
        let server = try MetricsServer(address, pages)
        defer { server.stop() }
        let client = Client(port: server.port)
        try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<8 {
                group.addTask { try client.get(number % 2 == 0 ? "/metrics" : "/readyz").status }
            }
            for try await status in group { #expect(status == 200) }
        }
        #expect(source.snapshots.load(ordering: .relaxed) == 1)
    }

    @Test func staleAnswersAreNotGiven() throws {
        try withServer(lifetime: .milliseconds(20)) { client, source in
            #expect(client.status("/readyz") == 200)
            source.state.withLock { $0.snapshot.status.peers = [] }
            usleep(30_000)
            #expect(client.status("/readyz") == 503)
        }
    }

    // MARK: Bad clients

    @Test(arguments: [
        "\r\n\r\n\r\n", "GET\r\n\r\n", "GET /metrics HTTP/9.9\r\n\r\n", "\u{16}\u{3}\u{1}\u{0}\u{5}",
        "GET /metrics HTTP/1.1\r\nA b: c\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    ])
    func whatIsNotHTTP(_ request: String) throws {
        try withServer { client, _ in
            let answer = try? client.ask(request)
            #expect(answer == nil || answer?.status == 400, "\(request)")
            #expect(client.status("/livez") == 200)
        }
    }

    @Test func headsAreBounded() throws {
        try withServer { client, source in
            let long = String(repeating: "a", count: 20_000)
            let many = (0..<200).map { "X-\($0): y\r\n" }.joined()
            for request in [
                "GET /\(long) HTTP/1.1\r\n\r\n", "GET /metrics HTTP/1.1\r\nX: \(long)\r\n\r\n",
                "GET /metrics HTTP/1.1\r\n\(long): y\r\n\r\n", "GET /metrics HTTP/1.1\r\n\(many)\r\n",
            ] {
                let answer = try? client.ask(request)
                #expect(answer == nil || answer?.status == 400)
            }
            #expect(source.snapshots.load(ordering: .relaxed) == 0)
            #expect(client.status("/livez") == 200)
        }
    }

    @Test func aQuestionMayNotTakeForever() throws {
        var limits = MetricsServer.Limits()
        limits.patience = .milliseconds(200)
        try withServer(limits: limits) { client, _ in
            let start = ContinuousClock.now
            let connection = try client.connect()
            defer { close(connection) }
            // A byte now and then doesn't help.
            var isOpen = true
            while isOpen, start.duration(to: .now) < .seconds(5) {
                isOpen = send(connection, "G", 1, Int32(MSG_NOSIGNAL)) == 1
                usleep(20_000)
            }
            #expect(!isOpen)
        }
    }

    /// Who doesn't read a long answer is left.
    @Test func anAnswerMayNotTakeForever() throws {
        var limits = MetricsServer.Limits()
        limits.patience = .milliseconds(700)
        try withServer(limits: limits) { client, source in
            // Each of the samples has it among its labels.
            source.state.withLock { $0.snapshot.name = String(repeating: "x", count: 1_000_000) }
            let connection = try client.connect()
            defer { close(connection) }
            let request = "GET /metrics HTTP/1.1\r\n\r\n"
            #expect(send(connection, request, request.utf8.count, 0) == request.utf8.count)
            usleep(1_000_000)
            let received = Client.rest(of: connection)
            #expect(received.count > 0 && received.count < 20_000_000)
            #expect(client.status("/livez") == 200)
        }
    }

    @Test func connectionsAreBounded() throws {
        var limits = MetricsServer.Limits()
        limits.connections = 4
        try withServer(limits: limits) { client, _ in
            var held = try (0..<4).map { _ in try client.connect() }
            defer { held.forEach { close($0) } }
            // The fifth is closed without an answer.
            #expect(client.status("/livez") == nil)
            for connection in held { close(connection) }
            held = []
            let deadline = ContinuousClock.now + .seconds(5)
            var status: Int?
            while status != 200, ContinuousClock.now < deadline { status = client.status("/livez") }
            #expect(status == 200)
        }
    }

    /// A body is neither read nor waited for.
    @Test func bodiesAreLeftAlone() throws {
        try withServer { client, _ in
            let answer = try client.ask("GET /livez HTTP/1.1\r\nContent-Length: 1000000000\r\n\r\n")
            #expect(answer.status == 200)
        }
    }

    // MARK: Listening

    @Test func aPortIsTakenOnce() throws {
        try withServer { client, _ in
            let address = try #require(MetricsAddress("\(client.port)"))
            let error = #expect(throws: SystemError.self) {
                _ = try MetricsServer(address, MetricsPages(FakeSource(), version: "1"))
            }
            #expect(error?.code == EADDRINUSE)
            #expect(
                "\(error!)".hasPrefix("cannot listen on 127.0.0.1:\(client.port) for metrics: Address already in use (")
            )
        }
    }

    @Test func anotherMachinesAddress() throws {
        let error = #expect(throws: SystemError.self) {
            _ = try MetricsServer(MetricsAddress("192.0.2.1:9586")!, MetricsPages(FakeSource(), version: "1"))
        }
        #expect(error?.code == EADDRNOTAVAIL)
    }

    @Test func addresses() {
        for (text, meaning) in [
            ("9586", "127.0.0.1:9586"), ("10.0.0.1:80", "10.0.0.1:80"), ("[::1]:9586", "[::1]:9586"),
            ("0.0.0.0:65535", "0.0.0.0:65535"), ("[::]:1", "[::]:1"),
        ] {
            #expect(MetricsAddress(text)?.description == meaning)
        }
        for text in [
            "", "0", ":9586", "65536", "-1", "+9586", "9586 ", "localhost:9586", "[::1]", "::1:9586:", "127.0.0.1",
            "127.0.0.1:0", "127.0.0.1:x", "１２３", String(repeating: "1", count: 1000),
        ] {
            #expect(MetricsAddress(text) == nil, "\(text)")
        }
    }
}

extension MetricsAddress {
    /// The system chooses the port.
    fileprivate init?(anyPortOf address: String) {
        self.init("\(address):1")
        endpoint.port = 0
    }
}

/// As simple a client of HTTP as there can be.
private struct Client: Sendable {
    let port: UInt16

    struct Answer {
        let status: Int
        let headers: [String: String]
        let body: String
    }

    struct NoAnswer: Error {}

    func get(_ target: String) throws -> Answer {
        try ask("GET \(target) HTTP/1.1\r\nHost: x\r\n\r\n")
    }

    /// Nil without an answer.
    func status(_ target: String) -> Int? { try? get(target).status }

    /// Sends a request and takes what comes until the server ends the connection.
    func ask(_ request: String) throws -> Answer {
        let connection = try connect()
        defer { close(connection) }
        var rest = Array(request.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { break }
            rest = rest.dropFirst(count)
        }
        shutdown(connection, Int32(SHUT_WR))
        return try Self.answer(Self.rest(of: connection))
    }

    func connect() throws -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var patience = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let code = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard code == 0 else {
            close(descriptor)
            throw NoAnswer()
        }
        return descriptor
    }

    static func rest(of connection: Int32) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = recv(connection, &chunk, chunk.count, 0)
            guard count > 0 else { return bytes }
            bytes += chunk[..<count]
        }
    }

    private static func answer(_ bytes: [UInt8]) throws -> Answer {
        let text = String(decoding: bytes, as: UTF8.self)
        guard let end = text.range(of: "\r\n\r\n") else { throw NoAnswer() }
        let lines = text[..<end.lowerBound].split(separator: "\r\n")
        let words = lines[0].split(separator: " ")
        guard words.count >= 2, words[0] == "HTTP/1.1", let status = Int(words[1]) else { throw NoAnswer() }
        let headers = lines.dropFirst().map { line in
            let parts = line.split(separator: ":", maxSplits: 1)
            return (parts[0].lowercased(), String(parts[1].drop { $0 == " " }))
        }
        return Answer(
            status: status, headers: Dictionary(headers) { $1 }, body: String(text[end.upperBound...]))
    }
}
