import Datapath
import LinuxNet
import Logging
import Tunnel
import Wire

/// Keeps the names that peers' endpoints were given by, and looks one up again when its peer doesn't answer: it may have
/// another address by now.
///
/// It stands between the configuration socket and the engine, on the control thread, and costs packets nothing: what it
/// goes by are the handshakes that the tunnel reports. A peer that has an endpoint and answers there is never touched,
/// wherever it has roamed to.
final class EndpointNames: ConfigurationTarget {
    private struct Entry {
        let name: EndpointName
        /// Of the last question, so that answers to earlier ones, perhaps about another name, are known as such.
        var question: UInt64 = 0
        var isAsking = false
        /// When the first initiation was sent that nothing has answered.
        var silentSince: UInt64?
        /// Not asked again before.
        var notBefore: UInt64 = 0
        var pause = EndpointNames.shortestPause
        var hasToldFailure = false
    }

    /// How long initiations go unanswered before the name is looked up: nanoseconds.
    static let patience: UInt64 = 15_000_000_000
    /// Between two look-ups for a peer that stays silent, twice as long each time: nanoseconds.
    static let shortestPause: UInt64 = 15_000_000_000
    static let longestPause: UInt64 = 300_000_000_000

    private let engine: any NamedEndpointEngine
    private let logger: Logger
    private let resolver: NameResolver
    private let loop: EventLoop
    private var entries: [PublicKey: Entry] = [:]
    /// How many look-ups were asked for.
    private(set) var questions: UInt64 = 0

    convenience init(
        engine: any NamedEndpointEngine, loop: EventLoop, logger: Logger
    ) throws(SystemError) {
        let servers = NameServers()
        let resolver = try NameResolver { (question) throws(EndpointNameError) in
            try Self.endpoints(question, servers)
        }
        try self.init(engine: engine, loop: loop, logger: logger, resolver: resolver)
    }

    init(
        engine: any NamedEndpointEngine, loop: EventLoop, logger: Logger, resolver: NameResolver
    ) throws(SystemError) {
        self.engine = engine
        self.logger = logger
        self.loop = loop
        self.resolver = resolver
        try loop.add(resolver.fileDescriptor) { [weak self] _ in self?.takeAnswers(now: Clock.bootTime()) }
    }

    /// No name is looked up any more, and answers that are on the way come to nothing.
    func stop() {
        resolver.stop()
        loop.remove(resolver.fileDescriptor)
    }

    func status() -> DeviceStatus { engine.status() }

    func drops() -> [(reason: String, count: UInt64)] { engine.drops() }

    func endpointNames() -> [(peer: PublicKey, name: String)] {
        entries.filter { engine.hasPeer($0.key) }
            .sorted { $0.key.base64 < $1.key.base64 }
            .map { ($0.key, $0.value.name.description) }
    }

    func report() -> DeviceReport {
        var report = engine.report()
        for place in report.peers.indices {
            report.peers[place].endpointName = entries[report.peers[place].publicKey]?.name.description
        }
        return report
    }

    func initiate(_ publicKey: PublicKey) -> InitiationOutcome { engine.initiate(publicKey) }

    func apply(_ change: DeviceChange) -> Int32 {
        let former = change.peers.filter { entries[$0.publicKey] != nil }
            .reduce(into: [PublicKey: Endpoint]()) { $0[$1.publicKey] = engine.endpoint(of: $1.publicKey) }
        let code = engine.apply(change)
        guard code == 0 else { return code }
        if change.replacesPeers { entries = [:] }
        for peer in change.peers { note(peer, formerEndpoint: former[peer.publicKey], now: Clock.bootTime()) }
        return 0
    }

    // MARK: - What happens

    private func note(_ change: PeerChange, formerEndpoint: Endpoint?, now: UInt64) {
        let peer = change.publicKey
        guard !change.removes, engine.hasPeer(peer) else {
            entries[peer] = nil
            return
        }
        guard let text = change.endpointName else {
            // Somebody has given another address, and means it.
            if let endpoint = change.endpoint, endpoint != formerEndpoint { entries[peer] = nil }
            return
        }
        guard let name = try? EndpointName(parsing: text) else {
            entries[peer] = nil
            return
        }
        if entries[peer]?.name != name { entries[peer] = Entry(name: name) }
        // Without an endpoint there is no initiation to wait for.
        if engine.endpoint(of: peer) == nil { ask(peer, notBefore: now) }
    }

    /// Looks at what the tunnel reports.
    func note(_ event: Device.Event, now: UInt64) {
        switch event {
        case .handshakeCompleted(let peer, _, _, _):
            guard entries[peer]?.silentSince != nil else { return }
            entries[peer]?.silentSince = nil
            entries[peer]?.pause = Self.shortestPause
            entries[peer]?.notBefore = 0
        case .initiationSent(let peer, _, _):
            guard let entry = entries[peer] else { return }
            let since = entry.silentSince ?? now
            if entry.silentSince == nil { entries[peer]?.silentSince = now }
            if now >= since + Self.patience, now >= entry.notBefore { ask(peer, notBefore: now) }
        default:
            break
        }
    }

    /// Takes answers over to the peers that they are about.
    func takeAnswers(now: UInt64) {
        for answer in resolver.takeAnswers() {
            let peer = answer.question.peer
            guard var entry = entries[peer], entry.isAsking, entry.question == answer.question.number else { continue }
            guard engine.hasPeer(peer) else {
                entries[peer] = nil
                continue
            }
            entry.isAsking = false
            entry.notBefore = now + entry.pause
            entry.pause = min(entry.pause * 2, Self.longestPause)
            let current = engine.endpoint(of: peer)
            switch answer.result {
            case .success(let endpoints):
                entry.hasToldFailure = false
                entries[peer] = entry
                guard current == nil || entry.silentSince != nil, let first = endpoints.first else { continue }
                // Of several addresses the one in use is as good as any.
                if let current, endpoints.contains(current) {
                    logger.debug("\(engine.title(of: peer)): \(entry.name) is still at \(current)")
                    continue
                }
                logger.info("\(engine.title(of: peer)): \(entry.name) is at \(first) now")
                engine.call(peer, at: first)
            case .failure(let error):
                if !entry.hasToldFailure { logger.info("\(engine.title(of: peer)): \(error)") }
                entry.hasToldFailure = true
                entries[peer] = entry
                if current == nil { ask(peer, notBefore: entry.notBefore) }
            }
        }
    }

    private func ask(_ peer: PublicKey, notBefore: UInt64) {
        guard let entry = entries[peer], !entry.isAsking else { return }
        questions += 1
        entries[peer]?.question = questions
        entries[peer]?.isAsking = true
        resolver.ask(
            NameResolver.Question(
                peer: peer, name: entry.name, number: questions, formerEndpoint: engine.endpoint(of: peer),
                mark: engine.firewallMark, notBefore: notBefore))
    }

    /// Looks a name up as all programs do, and if that fails past the tunnel.
    private static func endpoints(
        _ question: NameResolver.Question, _ servers: NameServers
    ) throws(EndpointNameError) -> [Endpoint] {
        do throws(EndpointNameError) {
            return try question.name.lookUpAll()
        } catch {
            let addresses = servers.addresses(
                of: question.name.host, mark: question.mark,
                preferringIPv6: question.formerEndpoint?.address.isIPv6 ?? false)
            guard !addresses.isEmpty else { throw error }
            return addresses.map { Endpoint($0, port: question.name.port) }
        }
    }
}

/// What the names need of a running device. Called on the control thread.
protocol NamedEndpointEngine: AnyObject {
    func apply(_ change: DeviceChange) -> Int32
    func status() -> DeviceStatus
    func drops() -> [(reason: String, count: UInt64)]
    func report() -> DeviceReport
    func initiate(_ publicKey: PublicKey) -> InitiationOutcome
    /// What log lines call a peer.
    func title(of publicKey: PublicKey) -> String
    /// The mark of the tunnel's own datagrams, 0 for none.
    var firewallMark: UInt32 { get }
    func hasPeer(_ publicKey: PublicKey) -> Bool
    /// Nil when the peer has none, or there is no such peer.
    func endpoint(of publicKey: PublicKey) -> Endpoint?
    /// Has a peer called at another endpoint than before.
    func call(_ publicKey: PublicKey, at endpoint: Endpoint)
}

extension Engine: NamedEndpointEngine, LimitingEngine {
    func hasPeer(_ publicKey: PublicKey) -> Bool { peer(publicKey) != nil }
    func endpoint(of publicKey: PublicKey) -> Endpoint? { peer(publicKey)?.endpoint }
}
