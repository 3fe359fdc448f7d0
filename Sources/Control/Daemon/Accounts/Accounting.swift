import Glibc
import LinuxNet
import Logging
import Tunnel
import Wire

/// Keeps the accounts of a running device's peers: tells them what is changed, wakes them when a time is up, and has a file outlive the
/// daemon.
///
/// It stands between the configuration socket and the engine, on the control thread, and costs packets nothing. The file is looked at
/// once a minute while any session lives; without one nothing ticks.
final class Accounting: NamedEndpointEngine {
    /// Where totals are kept when somebody has a quota and nobody has said where.
    static let usualDirectory = "/var/lib/nightjar"

    /// Seconds between two looks whether there is something to be saved.
    private static let pause: Int64 = 60
    /// Seconds after the last handshake in which packets may pass.
    private static let sessionLife: Int64 = 240

    private let engine: any NamedEndpointEngine & LimitingEngine
    private let loop: EventLoop
    private let logger: Logger
    private let interface: String
    private let accounts: PeerAccounts
    private let expiry: Reminder
    private let saving: Reminder
    private var file: TotalsFile?
    /// Whether nobody tries any more to open a file that nobody has asked for.
    private var hasTriedFile = false
    private var formerDrops: [String: UInt64] = [:]
    /// What all peers had transferred when it was saved last.
    private var savedTotal: UInt64 = 0
    private var isSaving = false
    private var hasFailed = false
    private var lastHandshake: Int64 = 0

    /// - Parameter directory: where totals are kept; nil: only if there is a quota, in the usual place.
    /// - Throws: when they can't be kept there.
    init(
        engine: any NamedEndpointEngine & LimitingEngine, loop: EventLoop, logger: Logger, interface: String,
        directory: String?
    ) throws(SystemError) {
        self.engine = engine
        self.loop = loop
        self.logger = logger
        self.interface = interface
        accounts = PeerAccounts(engine: engine, logger: logger)
        expiry = try Reminder(.wall)
        saving = try Reminder(.boot)
        if let directory { try openFile(in: directory) }
        try loop.add(expiry.fileDescriptor) { [weak self] _ in self?.enforce() }
        try loop.add(saving.fileDescriptor) { [weak self] _ in self?.saveIfNeeded() }
    }

    /// Saves for the last time. What happens afterwards isn't counted.
    func stop() {
        loop.remove(expiry.fileDescriptor)
        loop.remove(saving.fileDescriptor)
        save(isLast: true)
        file = nil
    }

    func apply(_ change: DeviceChange) -> Int32 {
        let code = engine.apply(change)
        guard code == 0 else { return code }
        accounts.note(change, now: Self.now)
        if accounts.hasQuotas { openUsualFile() }
        setExpiry()
        return 0
    }

    /// Looks at what the tunnel reports.
    func note(_ event: Device.Event) {
        accounts.note(event, now: Self.now)
        if case .handshakeCompleted = event {
            lastHandshake = Self.bootTime
            guard file != nil, !isSaving else { return }
            isSaving = true
            saving.set(lastHandshake + Self.pause)
        }
    }

    func report() -> DeviceReport {
        var report = engine.report()
        report.earlierDrops = formerDrops.sorted { $0.key < $1.key }.map { DeviceReport.Count($0.key, $0.value) }
        for place in report.peers.indices { accounts.complete(&report.peers[place]) }
        return report
    }

    func initiate(_ publicKey: PublicKey) -> InitiationOutcome { engine.initiate(publicKey) }
    func title(of publicKey: PublicKey) -> String { engine.title(of: publicKey) }
    func status() -> DeviceStatus { engine.status() }
    func drops() -> [(reason: String, count: UInt64)] { engine.drops() }
    var firewallMark: UInt32 { engine.firewallMark }
    func hasPeer(_ publicKey: PublicKey) -> Bool { engine.hasPeer(publicKey) }
    func endpoint(of publicKey: PublicKey) -> Endpoint? { engine.endpoint(of: publicKey) }
    func call(_ publicKey: PublicKey, at endpoint: Endpoint) { engine.call(publicKey, at: endpoint) }

    private static var now: Int64 { Clock.wallTime().seconds }

    /// Seconds.
    private static var bootTime: Int64 { Int64(Clock.bootTime() / 1_000_000_000) }
}

// MARK: - Times

extension Accounting {
    private func setExpiry() {
        expiry.set(accounts.nextExpiry(after: Self.now))
    }

    private func enforce() {
        expiry.silence()
        accounts.enforce(now: Self.now)
        setExpiry()
    }
}

// MARK: - The file

extension Accounting {
    private func openFile(in directory: String) throws(SystemError) {
        let file = try TotalsFile(directory: directory, interface: interface)
        if let complaint = file.complaint { logger.error("\(complaint)") }
        self.file = file
        let reasons = Set(DropReason.allCases.map(\.name))
        formerDrops = file.totals.drops.filter { reasons.contains($0.key) }
        accounts.add(file.totals.peers, now: Self.now)
    }

    private func openUsualFile() {
        guard file == nil, !hasTriedFile else { return }
        hasTriedFile = true
        do throws(SystemError) {
            try openFile(in: Self.usualDirectory)
        } catch {
            logger.error("Quotas count from the start of this program only: \(error)")
        }
    }

    private func saveIfNeeded() {
        saving.silence()
        if accounts.total != savedTotal { save() }
        let now = Self.bootTime
        isSaving = now < lastHandshake + Self.sessionLife
        saving.set(isSaving ? now + Self.pause : nil)
    }

    private func save(isLast: Bool = false) {
        guard let file else { return }
        var totals = Totals()
        totals.peers = accounts.records()
        totals.drops = formerDrops
        for (reason, count) in engine.drops() where count > 0 { totals.drops[reason, default: 0] &+= count }
        do throws(SystemError) {
            try file.save(totals, isLast: isLast)
            savedTotal = accounts.total
            hasFailed = false
        } catch {
            if !hasFailed { logger.error("What was counted isn't saved: \(error)") }
            hasFailed = true
        }
    }
}
