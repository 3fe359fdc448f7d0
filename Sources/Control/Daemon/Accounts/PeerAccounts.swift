import Logging
import Synchronization
import Tunnel
import Wire

/// What each peer has transferred and may transfer, and until when it may: whoever has come to an end of either isn't served.
///
/// It knows no clock and no file. Belongs to the control thread.
final class PeerAccounts {
    /// Peers that there are no more whose records are kept, in case they come again.
    static let mostAbsent = 100_000

    private struct Account {
        /// What counts now: another one when the peer was removed and came again.
        var peer: Peer
        /// Up to what ``peer`` has counted itself.
        var record: PeerRecord
        var annotation = PeerAnnotation()
        var suspension: PeerReport.Suspension?

        var current: PeerRecord {
            var current = record
            current.received &+= peer.receivedBytes.load(ordering: .relaxed)
            current.transmitted &+= peer.transmittedBytes.load(ordering: .relaxed)
            current.handshakes = current.handshakes + HandshakeCounts(peer.history)
            return current
        }

        /// Bytes since the quota began.
        var used: UInt64 {
            let total = current.total
            let start = record.quotaStart ?? total
            return total > start ? total - start : 0
        }

        func suspension(at now: Int64) -> PeerReport.Suspension? {
            if let expires = annotation.expires, now >= expires { return .expired }
            if let quota = annotation.quota, used >= quota { return .overQuota }
            return nil
        }
    }

    private let engine: any LimitingEngine
    private let logger: Logger
    private var accounts: [PublicKey: Account] = [:]
    private var absent: [PublicKey: PeerRecord] = [:]

    init(engine: any LimitingEngine, logger: Logger) {
        self.engine = engine
        self.logger = logger
    }

    /// Adds what earlier daemons have counted.
    func add(_ records: [PublicKey: PeerRecord], now: Int64) {
        for (key, former) in records {
            guard var account = accounts[key] else {
                absent[key] = former
                continue
            }
            account.record.received &+= former.received
            account.record.transmitted &+= former.transmitted
            account.record.handshakes = account.record.handshakes + former.handshakes
            if let start = account.record.quotaStart {
                let isSame = former.quotaStart != nil && former.quotaSince == account.record.quotaSince
                account.record.quotaStart = isSame ? former.quotaStart : start &+ former.total
            }
            accounts[key] = account
            settle(key, now: now)
        }
    }

    /// Takes notice of a change that has taken effect.
    func note(_ change: DeviceChange, now: Int64) {
        if change.replacesPeers || change.privateKey != nil {
            for key in Array(accounts.keys) { find(key, now: now) }
        }
        for peer in change.peers {
            find(peer.publicKey, now: now)
            if let annotation = peer.annotation { annotate(peer.publicKey, annotation) }
            settle(peer.publicKey, now: now)
        }
    }

    /// Looks at what the tunnel reports.
    func note(_ event: Device.Event, now: Int64) {
        guard case .allowanceUsed(let key) = event else { return }
        settle(key, now: now)
        // The tunnel has suspended it by itself.
        if let account = accounts[key], account.suspension == nil { engine.readmit(key) }
    }

    /// Ends service for those whose time is up, and begins it again where the clock was set back.
    func enforce(now: Int64) {
        for key in accounts.keys { settle(key, now: now) }
    }

    /// When the next peer's time is up, as Unix time in seconds: far off when those of all are, as long as a clock that is set back could
    /// change that; nil when there are none.
    func nextExpiry(after now: Int64) -> Int64? {
        accounts.values.lazy.compactMap(\.annotation.expires).map { $0 > now ? $0 : UTCTime.latest }.min()
    }

    /// Whether a peer has a quota, for which it has to be known what it has used.
    var hasQuotas: Bool { accounts.values.contains { $0.annotation.quota != nil } }

    /// What was transferred by all peers together, which tells whether there is anything new to be kept.
    var total: UInt64 { accounts.values.reduce(0) { $0 &+ $1.current.total } }

    /// What the next daemon has to know.
    func records() -> [PublicKey: PeerRecord] {
        var records = absent
        for (key, account) in accounts {
            let record = account.current
            if record != PeerRecord() { records[key] = record }
        }
        return records
    }

    /// Completes what is reported of a peer.
    func complete(_ report: inout PeerReport) {
        guard let account = accounts[report.publicKey] else { return }
        let record = account.current
        report.annotation = account.annotation
        report.suspension = account.suspension
        report.receivedTotal = record.received
        report.transmittedTotal = record.transmitted
        report.earlier = account.record.handshakes
        report.quotaUsed = account.annotation.quota == nil ? nil : account.used
    }
}

extension PeerAccounts {
    /// Makes the account of a peer be about the one that there is now.
    private func find(_ key: PublicKey, now: Int64) {
        guard let peer = engine.peer(key) else {
            guard let account = accounts.removeValue(forKey: key) else { return }
            var record = account.current
            guard record != PeerRecord() else { return }
            record.absentSince = UInt64(max(0, now))
            absent[key] = record
            forgetAbsent()
            return
        }
        guard var account = accounts[key] else {
            var record = absent.removeValue(forKey: key) ?? PeerRecord()
            record.absentSince = nil
            accounts[key] = Account(peer: peer, record: record)
            return
        }
        guard account.peer !== peer else { return }
        account.record = account.current
        account.peer = peer
        // Nothing was told about the limits of the new one yet.
        account.suspension = nil
        accounts[key] = account
    }

    private func annotate(_ key: PublicKey, _ annotation: PeerAnnotation) {
        guard var account = accounts[key] else { return }
        account.annotation = annotation
        let since = annotation.quotaSince.map { UInt64(max(0, $0)) }
        if annotation.quota == nil {
            account.record.quotaStart = nil
            account.record.quotaSince = nil
        } else if account.record.quotaStart == nil || account.record.quotaSince != since {
            account.record.quotaStart = account.current.total
            account.record.quotaSince = since
        }
        accounts[key] = account
    }

    /// Has a peer served or not, as its limits say.
    private func settle(_ key: PublicKey, now: Int64) {
        guard var account = accounts[key] else { return }
        let suspension = account.suspension(at: now)
        let quota = account.annotation.quota
        engine.setAllowance(suspension == nil ? quota.map { $0 - min($0, account.used) } : nil, of: key)
        guard suspension != account.suspension else { return }
        let wasServed = account.suspension == nil
        account.suspension = suspension
        accounts[key] = account
        tell(suspension, account, key)
        if suspension == nil {
            engine.readmit(key)
        } else if wasServed {
            engine.suspend(key)
        }
    }

    private func tell(_ suspension: PeerReport.Suspension?, _ account: Account, _ key: PublicKey) {
        let name = account.annotation.printableName
        var metadata: Logger.Metadata = [
            "event": "\(suspension?.rawValue ?? "served-again")", "peer": "\(key.base64)",
        ]
        if !name.isEmpty { metadata["name"] = "\(name)" }
        let sentence =
            switch suspension {
            case .expired:
                "not served any more, its time is up: \(account.annotation.expires.map { Expiry(time: $0).description } ?? "")"
            case .overQuota:
                "not served any more, its quota of \(ByteQuantity(bytes: account.annotation.quota ?? 0).description) is used up"
            case nil: "served again"
            }
        logger.info("\(name.isEmpty ? "peer \(key.short)" : name): \(sentence)", metadata: metadata)
    }

    /// Forgets those that have been away for longest when there are too many.
    private func forgetAbsent() {
        guard absent.count > Self.mostAbsent else { return }
        // Many at once, so that it isn't done for each that goes.
        let oldest = absent.sorted { $0.value.absentSince ?? 0 < $1.value.absentSince ?? 0 }
        for (key, _) in oldest.prefix(Self.mostAbsent / 10) { absent[key] = nil }
    }
}

extension HandshakeCounts {
    fileprivate init(_ history: PeerHistory) {
        self.init()
        initiationsSent = history.initiationsSent
        initiationsAccepted = history.initiationsAccepted
        completedAsInitiator = history.completedAsInitiator
        completedAsResponder = history.completedAsResponder
        timesGivenUp = history.timesGivenUp
    }
}

/// What limits need of a running device. Called on the control thread.
protocol LimitingEngine: AnyObject {
    func peer(_ publicKey: PublicKey) -> Peer?
    func suspend(_ publicKey: PublicKey)
    func readmit(_ publicKey: PublicKey)
    /// Has a peer suspended when so many more bytes have passed; nil: never for that.
    func setAllowance(_ bytes: UInt64?, of publicKey: PublicKey)
}
