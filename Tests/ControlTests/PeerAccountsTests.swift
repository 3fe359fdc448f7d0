import Logging
import NoisePrimitives
import Synchronization
import TestKit
import Testing
import Wire

@testable import Control
@testable import Tunnel

#if THREAD_SANITIZER
    import struct Tunnel.Mutex
#endif

/// Limits of peers, with a device of the real kind and a clock that is told.
@Suite("Limits of peers")
struct PeerAccountsTests {
    private let scene = Scene()
    private let start: Int64 = 1_800_000_000

    @Test("An end comes when its time has come, goes when it is moved on, and comes again when the clock is set")
    func expiry() {
        scene.set(1) { $0.expires = start + 100 }
        scene.set(2) { $0.expires = start + 50 }
        scene.set(3) { $0.name = "no end" }
        #expect(scene.accounts.nextExpiry(after: start) == start + 50)
        scene.accounts.enforce(now: start + 49)
        #expect(scene.suspended.isEmpty)
        scene.accounts.enforce(now: start + 50)
        #expect(scene.suspended == [2])
        #expect(scene.accounts.nextExpiry(after: start + 50) == start + 100)
        scene.accounts.enforce(now: start + 1000)
        #expect(scene.suspended == [1, 2])
        #expect(scene.accounts.nextExpiry(after: start + 1000) == UTCTime.latest)
        scene.set(2, now: start + 1000) { $0.expires = start + 2000 }
        #expect(scene.suspended == [1])
        scene.accounts.enforce(now: start)
        #expect(scene.suspended.isEmpty)
        #expect(scene.report(1).suspension == nil)
        scene.set(1, now: start + 3000) { $0.expires = start }
        #expect(scene.suspended == [1])
        #expect(scene.report(1).suspension == .expired)
        scene.set(1, now: start + 3000) { $0.name = "free again" }
        #expect(scene.suspended.isEmpty)
        #expect(scene.lines.count == 6)
        #expect(scene.lines.last?.hasPrefix("free again: served again") == true)
    }

    @Test("A quota counts both directions from when it is granted, and anew when it is granted anew")
    func quota() {
        scene.set(1) { _ in }
        scene.transfer(1, received: 5000, transmitted: 5000)
        scene.set(1) { $0.quota = 1000 }
        #expect(scene.report(1).quotaUsed == 0)
        scene.transfer(1, received: 400, transmitted: 500)
        #expect(scene.suspended.isEmpty)
        #expect(scene.report(1).quotaUsed == 900)
        scene.transfer(1, received: 100, transmitted: 0)
        #expect(scene.suspended == [1])
        #expect(scene.report(1).suspension == .overQuota)
        #expect(scene.report(1).receivedTotal == 5500)
        // More of the same.
        scene.set(1) { $0.quota = 2000 }
        #expect(scene.suspended.isEmpty)
        #expect(scene.report(1).quotaUsed == 1000)
        scene.transfer(1, received: 1500, transmitted: 0)
        #expect(scene.suspended == [1])
        // Granted anew.
        scene.set(1) {
            $0.quota = 2000
            $0.quotaSince = start + 5
        }
        #expect(scene.suspended.isEmpty)
        #expect(scene.report(1).quotaUsed == 0)
        scene.transfer(1, received: 1999, transmitted: 0)
        #expect(scene.suspended.isEmpty)
        scene.transfer(1, received: 0, transmitted: 1)
        #expect(scene.suspended == [1])
        scene.set(1) { $0.name = "x" }
        #expect(scene.suspended.isEmpty)
        #expect(scene.report(1).quotaUsed == nil)
    }

    @Test("What was used stays used when a peer is removed and comes again, or all are replaced")
    func removal() {
        scene.set(1) { $0.quota = 1000 }
        scene.transfer(1, received: 600, transmitted: 0)
        scene.change(1) { $0.removes = true }
        #expect(scene.accounts.records()[scene.key(1)]?.absentSince == UInt64(start))
        scene.set(1) { $0.quota = 1000 }
        #expect(scene.report(1).quotaUsed == 600)
        #expect(scene.accounts.records()[scene.key(1)]?.absentSince == nil)
        // `wg setconf`, which knows nothing of limits.
        var change = DeviceChange()
        change.replacesPeers = true
        change.peers = [PeerChange(scene.key(1))]
        scene.apply(change)
        #expect(scene.report(1).annotation.quota == 1000)
        scene.transfer(1, received: 400, transmitted: 0)
        #expect(scene.suspended == [1])
        scene.apply(change)
        #expect(scene.suspended == [1], "nobody gets served for being replaced")
        #expect(scene.report(1).receivedTotal == 1000)
    }

    @Test("The next daemon goes on where this one ended, however early it learns of quota and past")
    func restart() {
        scene.set(1) {
            $0.quota = 1000
            $0.quotaSince = start
        }
        scene.set(2) { _ in }
        scene.transfer(1, received: 300, transmitted: 300)
        scene.transfer(2, received: 7, transmitted: 8)
        let records = scene.accounts.records()

        for isPastFirst in [true, false] {
            let next = Scene()
            if isPastFirst { next.accounts.add(records, now: start) }
            next.set(1) {
                $0.quota = 1000
                $0.quotaSince = start
            }
            next.set(2) { $0.quota = 100 }
            next.transfer(1, received: 0, transmitted: 100)
            if !isPastFirst { next.accounts.add(records, now: start) }
            #expect(next.report(1).quotaUsed == 700)
            #expect(next.report(2).quotaUsed == 0)
            #expect(next.report(2).receivedTotal == 7)
            #expect(next.suspended.isEmpty)
            next.transfer(1, received: 300, transmitted: 0)
            #expect(next.suspended == [1])
            #expect(next.report(1).receivedTotal == 600)

            let third = Scene()
            third.accounts.add(next.accounts.records(), now: start)
            third.set(1) {
                $0.quota = 1000
                $0.quotaSince = start
            }
            #expect(third.suspended == [1])
            third.set(1) {
                $0.quota = 1000
                $0.quotaSince = start + 1
            }
            #expect(third.suspended.isEmpty)
            #expect(third.report(1).quotaUsed == 0)
        }
    }

    @Test("Records of peers that are gone don't pile up")
    func absent() {
        var records: [PublicKey: PeerRecord] = [:]
        for number in 0..<(PeerAccounts.mostAbsent + 1000) {
            var record = PeerRecord()
            record.received = 1
            record.absentSince = UInt64(number)
            var bytes = Array(repeating: UInt8(0), count: 32)
            for place in 0..<4 { bytes[place] = UInt8(number >> (8 * place) & 255) }
            records[PublicKey(Bytes32(bytes)!)] = record
        }
        scene.accounts.add(records, now: start)
        scene.set(1) { _ in }
        scene.transfer(1, received: 1, transmitted: 0)
        scene.change(1) { $0.removes = true }
        let kept = scene.accounts.records()
        #expect(kept.count <= PeerAccounts.mostAbsent)
        #expect(kept[scene.key(1)] != nil)
        #expect(!kept.values.contains { $0.absentSince == 0 })
    }
}

/// A device, and accounts of its peers.
private final class Scene: LimitingEngine {
    private let host: SimulatedHost
    private let network = SimulatedNetwork(seed: 1)
    private let log = Log()
    private(set) var accounts: PeerAccounts!

    final class Log: Sendable {
        let lines = Mutex<[String]>([])
    }

    init() {
        host = SimulatedHost(
            privateKey: SeededRandom(seed: 5).secret(), endpoint: Endpoint(.v4(IPv4Address(0xc000_0201)), port: 1),
            random: SeededRandom(seed: 6), now: network.now)
        let log = log
        accounts = PeerAccounts(engine: self, logger: Logger(label: "") { _ in Recorder(log: log) })
    }

    var lines: [String] { log.lines.withLock { $0 } }

    func key(_ number: UInt8) -> PublicKey { PublicKey(Bytes32(repeatElement(number, count: 32))!) }

    func apply(_ change: DeviceChange, now: Int64 = 1_800_000_000) {
        host.device.apply(change, now: network.now)
        accounts.note(change, now: now)
    }

    func change(_ number: UInt8, now: Int64 = 1_800_000_000, _ body: (inout PeerChange) -> Void) {
        var peer = PeerChange(key(number))
        body(&peer)
        var change = DeviceChange()
        change.peers = [peer]
        apply(change, now: now)
    }

    func set(_ number: UInt8, now: Int64 = 1_800_000_000, _ body: (inout PeerAnnotation) -> Void) {
        var annotation = PeerAnnotation()
        body(&annotation)
        change(number, now: now) { $0.annotation = annotation }
    }

    /// As lanes count, and the tunnel looks.
    func transfer(_ number: UInt8, received: UInt64, transmitted: UInt64) {
        guard let peer = peer(key(number)) else { return }
        peer.received(.keepalive, bytes: Int(received), at: network.now.instant)
        peer.sent(.keepalive, bytes: Int(transmitted), on: nil, at: network.now.instant)
        host.device.handleSignals(now: network.now)
        while let event = host.device.pollEvent() { accounts.note(event, now: 1_800_000_000) }
    }

    func report(_ number: UInt8) -> PeerReport {
        var report = PeerReport(key(number))
        accounts.complete(&report)
        return report
    }

    /// Those that the tunnel doesn't serve.
    var suspended: [UInt8] { (1...9).filter { peer(key($0))?.isSuspended ?? false } }

    func peer(_ publicKey: PublicKey) -> Peer? { host.peer(publicKey) }
    func suspend(_ publicKey: PublicKey) { host.device.suspend(publicKey) }
    func readmit(_ publicKey: PublicKey) { host.device.readmit(publicKey, now: network.now) }
    func setAllowance(_ bytes: UInt64?, of publicKey: PublicKey) { host.device.setAllowance(bytes, of: publicKey) }
}

private struct Recorder: LogHandler {
    let log: Scene.Log
    var metadata = Logger.Metadata()
    var logLevel = Logger.Level.info

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        log.lines.withLock { $0.append("\(event.message)") }
    }
}
