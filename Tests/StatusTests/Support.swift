import Control
import TestKit
import Tunnel
import Wire

@testable import Status

/// Snapshots made by hand.
enum Sample {
    static let now: Int64 = 1_700_000_000

    static func key(_ number: UInt8) -> PublicKey {
        PublicKey(Bytes32((0..<32).map { $0 == 0 ? number : 0x40 })!)
    }

    static func status(_ number: UInt8, _ change: (inout PeerStatus) -> Void = { _ in }) -> PeerStatus {
        var peer = PeerStatus(key(number))
        change(&peer)
        return peer
    }

    static func report(_ number: UInt8, _ change: (inout PeerReport) -> Void = { _ in }) -> PeerReport {
        var peer = PeerReport(key(number))
        change(&peer)
        return peer
    }

    static func snapshot(
        _ peers: [PeerStatus], _ reports: [PeerReport]? = nil, file: String? = nil,
        _ change: (inout InterfaceSnapshot) -> Void = { _ in }
    ) throws -> InterfaceSnapshot {
        var status = DeviceStatus()
        status.privateKey = Secret32(key(200).bytes)
        status.listenPort = 51820
        status.peers = peers
        let report = reports.map { peers in
            var report = DeviceReport()
            report.isUp = true
            report.mtu = 1420
            report.age = seconds(7200)
            report.peers = peers
            return report
        }
        var snapshot = InterfaceSnapshot(
            name: "wg0", server: report == nil ? .kernel : .nightjar, status: status, report: report,
            path: file.map { _ in "/etc/wireguard/wg0.conf" },
            configuration: try file.map { try ConfigurationText(Array($0.utf8), name: "wg0.conf") },
            time: WallTime(seconds: now, nanoseconds: 0))
        change(&snapshot)
        return snapshot
    }
}

func seconds(_ count: UInt64) -> Age { Age(milliseconds: count * 1000) }

func endpoint(_ text: String) -> Endpoint { EndpointName(text, defaultPort: 0)!.numeric! }

func prefix(_ text: String) -> Prefix {
    let parts = text.split(separator: "/")
    let address = IPAddress(parts[0])!
    return Prefix(address, length: parts.count > 1 ? Int(parts[1])! : address.bitCount)!
}
