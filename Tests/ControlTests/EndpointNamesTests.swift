import Glibc
import LinuxNet
import Logging
import Synchronization
import Testing
import Tunnel
import Wire

@testable import Control

#if THREAD_SANITIZER
    import struct Tunnel.Mutex
#endif

private let second: UInt64 = 1_000_000_000

private func key(_ number: UInt8) -> PublicKey {
    PublicKey(Bytes32(repeatElement(number, count: 32))!)
}

private func endpoint(_ last: UInt32, port: UInt16 = 51820) -> Endpoint {
    Endpoint(.v4(IPv4Address(0xc000_0200 | last)), port: port)
}

@Suite("Endpoints given by name")
struct EndpointNamesTests {
    private let stage = try? Stage()

    @Test("a peer that is silent for 15 seconds is looked for")
    func moved() throws {
        let stage = try #require(stage)
        stage.set(key(1), endpoint(1), name: "a.example:51820")
        stage.answers["a.example"] = .success([endpoint(9)])
        stage.initiation(key(1), at: 0)
        stage.initiation(key(1), at: 5)
        stage.initiation(key(1), at: 14)
        #expect(!stage.hasAnswer(within: 50))
        stage.initiation(key(1), at: 15)
        try stage.takeAnswer(at: 16)
        #expect(stage.engine.calls.map(\.peer) == [key(1)])
        #expect(stage.engine.endpoint(of: key(1)) == endpoint(9))
        #expect(stage.lines == ["peer \(key(1).short): a.example:51820 is at 192.0.2.9:51820 now"])
    }

    @Test("a peer that answers isn't looked for, wherever it is")
    func answering() throws {
        let stage = try #require(stage)
        stage.set(key(1), endpoint(1), name: "a.example:51820")
        for minute in 0..<10 {
            stage.initiation(key(1), at: minute * 120)
            stage.initiation(key(1), at: minute * 120 + 5)
            stage.engine.endpoints[key(1)] = endpoint(77)
            stage.names.note(
                .handshakeCompleted(key(1), endpoint(77), asInitiator: true), now: stage.time(minute * 120 + 9))
        }
        #expect(!stage.hasAnswer(within: 50))
        #expect(stage.engine.endpoint(of: key(1)) == endpoint(77))
    }

    @Test("peers without a name are none of its business")
    func nameless() throws {
        let stage = try #require(stage)
        stage.set(key(1), endpoint(1), name: nil)
        for time in 0..<60 { stage.initiation(key(1), at: time) }
        #expect(!stage.hasAnswer(within: 50))
    }

    @Test("pauses grow up to five minutes while the peer stays silent, and are short again after an answer")
    func pauses() throws {
        let stage = try #require(stage)
        stage.set(key(1), endpoint(1), name: "a.example:51820")
        stage.answers["a.example"] = .success([endpoint(5), endpoint(1)])
        var times: [Int] = []
        for time in stride(from: 0, to: 1500, by: 5) {
            stage.initiation(key(1), at: time)
            guard stage.isAsking else { continue }
            try stage.takeAnswer(at: time)
            times.append(time)
        }
        #expect(times == [15, 30, 60, 120, 240, 480, 780, 1080, 1380])
        #expect(stage.engine.calls.isEmpty, "one of several addresses that it has is as good as another")
        stage.names.note(.handshakeCompleted(key(1), endpoint(1), asInitiator: true), now: stage.time(1500))
        stage.initiation(key(1), at: 1600)
        stage.initiation(key(1), at: 1615)
        #expect(stage.isAsking)
    }

    @Test("a failure is told once")
    func failure() throws {
        let stage = try #require(stage)
        stage.set(key(1), endpoint(1), name: "a.example:51820")
        for time in stride(from: 0, to: 300, by: 5) {
            stage.initiation(key(1), at: time)
            if stage.isAsking { try stage.takeAnswer(at: time) }
        }
        #expect(stage.lines.count == 1)
        #expect(stage.lines.first?.contains("a.example") == true)
        #expect(stage.engine.calls.isEmpty)
    }

    @Test(
        "what happens while a name is looked up makes the answer void",
        arguments: [
            "removed", "replaced", "renamed", "forgotten", "elsewhere", "answered", "gone", "removed and back",
        ])
    func meanwhile(_ event: String) throws {
        let stage = try #require(stage)
        stage.set(key(1), endpoint(1), name: "a.example:51820")
        stage.answers["a.example"] = .success([endpoint(9)])
        stage.isHeld = true
        stage.initiation(key(1), at: 0)
        stage.initiation(key(1), at: 15)
        #expect(stage.isAsking)
        var peer = PeerChange(key(1))
        var change = DeviceChange()
        switch event {
        case "removed", "removed and back": peer.removes = true
        case "replaced": change.replacesPeers = true
        case "renamed": peer.endpointName = "b.example:51820"
        case "forgotten": peer.endpointName = ""
        case "elsewhere": peer.endpoint = endpoint(3)
        case "answered":
            stage.names.note(.handshakeCompleted(key(1), endpoint(1), asInitiator: false), now: stage.time(16))
        default: stage.engine.endpoints[key(1)] = nil
        }
        if event != "answered", event != "gone" {
            change.peers = [peer]
            #expect(stage.names.apply(change) == 0)
        }
        if event == "removed and back" { stage.set(key(1), endpoint(1), name: "a.example:51820") }
        stage.isHeld = false
        try stage.takeAnswer(at: 17)
        #expect(stage.engine.calls.isEmpty)
        let names = stage.names.endpointNames().map(\.name)
        switch event {
        case "renamed": #expect(names == ["b.example:51820"])
        case "answered", "removed and back": #expect(names == ["a.example:51820"])
        default: #expect(names == [])
        }
    }

    @Test("the same address given again, as `wg syncconf` does, leaves the name")
    func sameAddress() throws {
        let stage = try #require(stage)
        stage.set(key(1), endpoint(1), name: "a.example:51820")
        stage.set(key(1), endpoint(1), name: nil)
        #expect(stage.names.endpointNames().map(\.name) == ["a.example:51820"])
        stage.set(key(1), nil, name: nil)
        #expect(stage.names.endpointNames().map(\.name) == ["a.example:51820"])
        stage.set(key(1), endpoint(2), name: nil)
        #expect(stage.names.endpointNames().isEmpty)
    }

    @Test("a peer that has no endpoint is looked for at once, and again")
    func withoutEndpoint() throws {
        let stage = try #require(stage)
        stage.set(key(1), nil, name: "a.example:51820")
        try #require(stage.hasAnswer(within: 5000))
        // The answer to the next question, which follows as soon as the first one has failed.
        stage.answers["a.example"] = .success([endpoint(4)])
        try stage.takeAnswer(at: 0)
        #expect(stage.engine.calls.isEmpty)
        try stage.takeAnswer(at: 20)
        #expect(stage.engine.endpoint(of: key(1)) == endpoint(4))
    }

    @Test("a change that is refused changes no name")
    func refused() throws {
        let stage = try #require(stage)
        stage.engine.result = EADDRINUSE
        stage.set(key(1), endpoint(1), name: "a.example:51820")
        #expect(stage.names.endpointNames().isEmpty)
    }

    @Test("a peer that isn't there gets no name")
    func absent() throws {
        let stage = try #require(stage)
        var peer = PeerChange(key(1))
        peer.updatesOnly = true
        peer.endpointName = "a.example:51820"
        var change = DeviceChange()
        change.peers = [peer]
        #expect(stage.names.apply(change) == 0)
        #expect(stage.names.endpointNames().isEmpty)
    }

    @Test("an end in the middle of a look-up waits for nothing")
    func end() throws {
        let stage = try #require(stage)
        stage.set(key(1), endpoint(1), name: "a.example:51820")
        stage.isHeld = true
        stage.initiation(key(1), at: 0)
        stage.initiation(key(1), at: 15)
        let before = ContinuousClock.now
        stage.names.stop()
        #expect(ContinuousClock.now - before < .seconds(1))
        stage.isHeld = false
        #expect(stage.engine.calls.isEmpty)
    }
}

/// Names on an engine that does what it is told, with a clock that is moved by hand.
private final class Stage {
    let engine = FakeEngine()
    let names: EndpointNames
    private let resolver: NameResolver
    private let loop: EventLoop
    private let shared = Shared()
    private var taken: UInt64 = 0

    /// What the resolver's thread sees.
    final class Shared: Sendable {
        let answers = Mutex<[String: Result<[Endpoint], EndpointNameError>]>([:])
        let isHeld = Mutex(false)
        let lines = Mutex<[String]>([])
    }

    init() throws {
        loop = try EventLoop()
        let shared = shared
        resolver = try NameResolver { (question) throws(EndpointNameError) in
            while shared.isHeld.withLock({ $0 }) { usleep(1000) }
            guard let answer = shared.answers.withLock({ $0[question.name.host] }) else {
                throw EndpointNameError(endpoint: question.name, reason: "no", isPermanent: false)
            }
            return try answer.get()
        }
        names = try EndpointNames(
            engine: engine, loop: loop, logger: Logger(label: "") { _ in Recorder(shared: shared) },
            resolver: resolver)
    }

    deinit { names.stop() }

    var answers: [String: Result<[Endpoint], EndpointNameError>] {
        get { shared.answers.withLock { $0 } }
        set { shared.answers.withLock { $0 = newValue } }
    }

    var isHeld: Bool {
        get { shared.isHeld.withLock { $0 } }
        set { shared.isHeld.withLock { $0 = newValue } }
    }

    var lines: [String] { shared.lines.withLock { $0 } }

    func time(_ seconds: Int) -> UInt64 { UInt64(seconds) * second }

    func set(_ peer: PublicKey, _ endpoint: Endpoint?, name: String?) {
        var change = PeerChange(peer)
        change.endpoint = endpoint
        change.endpointName = name
        var device = DeviceChange()
        device.peers = [change]
        _ = names.apply(device)
    }

    func initiation(_ peer: PublicKey, at seconds: Int) {
        names.note(.initiationSent(peer, endpoint(1), attempt: 1), now: time(seconds))
    }

    /// Whether the last question has no answer yet.
    var isAsking: Bool { names.questions > taken }

    func hasAnswer(within milliseconds: Int32) -> Bool {
        var wait = pollfd(fd: resolver.fileDescriptor, events: Int16(POLLIN), revents: 0)
        return poll(&wait, 1, milliseconds) == 1
    }

    /// Waits for an answer and hands it over at this time.
    func takeAnswer(at seconds: Int) throws {
        try #require(hasAnswer(within: 5000))
        names.takeAnswers(now: time(seconds))
        taken += 1
    }
}

private struct Recorder: LogHandler {
    let shared: Stage.Shared
    var metadata = Logger.Metadata()
    var logLevel = Logger.Level.info

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        shared.lines.withLock { $0.append("\(event.message)") }
    }
}

private final class FakeEngine: NamedEndpointEngine {
    /// Nil for a peer without an endpoint.
    var endpoints: [PublicKey: Endpoint?] = [:]
    var calls: [(peer: PublicKey, endpoint: Endpoint)] = []
    var result: Int32 = 0
    let firewallMark: UInt32 = 0

    func apply(_ change: DeviceChange) -> Int32 {
        guard result == 0 else { return result }
        if change.replacesPeers { endpoints = [:] }
        for peer in change.peers {
            if peer.removes {
                endpoints[peer.publicKey] = nil
            } else if endpoints[peer.publicKey] != nil || !peer.updatesOnly {
                endpoints[peer.publicKey] = .some(peer.endpoint ?? endpoints[peer.publicKey] ?? nil)
            }
        }
        return 0
    }

    func status() -> DeviceStatus { DeviceStatus() }
    func drops() -> [(reason: String, count: UInt64)] { [] }

    func report() -> DeviceReport {
        var report = DeviceReport()
        report.peers = endpoints.keys.map { PeerReport($0) }
        return report
    }

    func initiate(_ publicKey: PublicKey) -> InitiationOutcome { hasPeer(publicKey) ? .sent : .noSuchPeer }
    func title(of publicKey: PublicKey) -> String { "peer \(publicKey.short)" }
    func hasPeer(_ publicKey: PublicKey) -> Bool { endpoints[publicKey] != nil }
    func endpoint(of publicKey: PublicKey) -> Endpoint? { endpoints[publicKey] ?? nil }

    func call(_ publicKey: PublicKey, at endpoint: Endpoint) {
        calls.append((publicKey, endpoint))
        if hasPeer(publicKey) { endpoints[publicKey] = .some(endpoint) }
    }
}
