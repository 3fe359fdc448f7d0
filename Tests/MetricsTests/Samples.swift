import Control
import Metrics
import Status
import Tunnel
import Wire

func key(_ byte: UInt8) -> PublicKey {
    PublicKey(Bytes32(repeatElement(byte, count: 32))!)
}

/// The moment at which sample interfaces were looked at.
let sampleTime: Int64 = 1_700_000_000

/// An interface of Nightjar whose first peer is connected, whose second never was.
func sampleSnapshot() -> InterfaceSnapshot {
    var status = DeviceStatus()
    status.privateKey = Secret32(key(9).bytes)
    status.listenPort = 51820
    var laptop = PeerStatus(key(1))
    laptop.allowedIPs = [
        Prefix(.v4(IPv4Address(0x0a00_0002)), length: 32)!,
        Prefix(.v6(IPv6Address(high: 0xfd << 56, low: 2)), length: 128)!,
    ]
    laptop.endpoint = Endpoint(.v4(IPv4Address(0xc000_0201)), port: 40000)
    laptop.lastHandshake = WallTime(seconds: sampleTime - 60, nanoseconds: 5)
    laptop.receivedBytes = 3000
    laptop.transmittedBytes = 4000
    laptop.dialect = .veil
    status.peers = [laptop, PeerStatus(key(2))]

    var report = DeviceReport()
    report.isUp = true
    report.mtu = 1420
    report.age = Age(milliseconds: 3_600_000)
    report.drops = [.init("wrong-mac1", 7), .init("replayed", 0)]
    report.earlierDrops = [.init("wrong-mac1", 100), .init("of-another-version", 3)]
    var first = PeerReport(key(1))
    first.annotation.name = "laptop"
    first.annotation.expires = sampleTime + 86400
    first.annotation.quota = 1 << 30
    first.completedAsInitiator = 2
    first.completedAsResponder = 3
    first.timesGivenUp = 1
    first.initiationsSent = 11
    first.initiationsAccepted = 4
    first.handshake = Age(milliseconds: 60_000)
    first.handshakeMicroseconds = 1_020_304
    first.heard = Age(milliseconds: 2_500)
    first.foreignSources = 5
    first.earlier.completedAsInitiator = 20
    first.earlier.timesGivenUp = 30
    first.earlier.initiationsSent = 40
    first.quotaUsed = 15_000
    first.receivedTotal = 7000
    first.transmittedTotal = 8000
    first.refusals = [
        .init(reason: "initiation-replayed", count: 6, age: Age(milliseconds: 90_000), endpoint: laptop.endpoint!)
    ]
    var second = PeerReport(key(2))
    second.unanswered = 9
    second.suspension = .expired
    report.peers = [first, second]
    return snapshot("wg0", status, report)
}

func snapshot(_ name: String, _ status: DeviceStatus, _ report: DeviceReport?) -> InterfaceSnapshot {
    InterfaceSnapshot(
        name: name, server: report == nil ? .kernel : .nightjar, status: status, report: report, path: nil,
        configuration: nil, time: WallTime(seconds: sampleTime, nanoseconds: 0))
}

func text(_ snapshots: InterfaceSnapshot..., names: PeerMetricNames = .mindflavor) -> String {
    String(decoding: Exposition.text(of: snapshots, names: names, version: "1.2.3"), as: UTF8.self)
}
