import Control
import NoisePrimitives
package import Status
import Tunnel
import Wire

/// What monitoring reads of interfaces, in Prometheus' text format.
package struct Exposition {
    private let interfaces: [ObservedInterface]
    private let names: PeerMetricNames
    private let version: String
    private var text: ExpositionText

    /// - Parameters:
    ///   - snapshots: one of each interface.
    ///   - version: of this program, as `1.2.3`.
    package static func text(
        of snapshots: [InterfaceSnapshot], names: PeerMetricNames = .mindflavor, version: String
    ) -> [UInt8] {
        let interfaces = snapshots.map(ObservedInterface.init)
        let peers = interfaces.reduce(0) { $0 + $1.peers.count }
        // Some 1600 bytes for a peer of Nightjar's.
        var exposition = Exposition(
            interfaces: interfaces, names: names, version: version,
            text: ExpositionText(capacity: 16384 + peers * (names == .both ? 2400 : 1700)))
        exposition.write()
        return exposition.text.bytes
    }

    private mutating func write() {
        if names.includesMindFlavor { writeMindFlavorNames() }
        if names.includesMdlayher { writeMdlayherNames() }
        writeInterfaces()
        writePeers()
        writeHandshakes()
        writeLimits()
    }

    // MARK: Interfaces

    private mutating func writeInterfaces() {
        text.begin(.buildInfo)
        var build = MetricLabels()
        build.add("version", version)
        text.sample(build, 1)
        each(.interfaceInfo) { text, interface in
            var labels = interface.labels
            labels.add("public_key", interface.publicKey)
            labels.add("listen_port", String(interface.snapshot.status.listenPort))
            labels.add("server", interface.server)
            labels.add("obfuscation", (interface.snapshot.status.obfuscation.dialect ?? .plain).rawValue)
            text.sample(labels, 1)
        }
        each(.interfaceUp) { text, interface in
            if let isUp = interface.isUp { text.sample(interface.labels, isUp) }
        }
        each(.mtu) { text, interface in
            if let mtu = interface.snapshot.mtu { text.sample(interface.labels, UInt64(clamping: mtu)) }
        }
        each(.peers) { text, interface in
            for word in Self.healthOfPeers {
                text.sample(interface.labels.adding("health", word.rawValue), UInt64(clamping: interface.tally[word]))
            }
        }
        eachReported(.startTime) { $0.sample($1.labels, seconds: $1.time(of: $2.age)) }
        eachReported(.underLoad) { $0.sample($1.labels, $2.isUnderLoad) }
        eachReported(.drops) { text, interface, report in
            for (reason, count) in report.dropsOverLives {
                text.sample(interface.labels.adding("reason", reason), count)
            }
        }
    }

    /// The words that are never used for peers aren't counted.
    private static let healthOfPeers = Health.Word.allCases.filter { $0 != .down && $0 != .broken }

    // MARK: Peers

    /// The labels are those of that exporter, so that queries which join on them work.
    private mutating func writeMindFlavorNames() {
        eachPeer(.sentBytes) { $0.sample($1.detailedLabels, $1.sentBytes) }
        eachPeer(.receivedBytes) { $0.sample($1.detailedLabels, $1.receivedBytes) }
        eachPeer(.latestHandshake) { text, peer in
            if let time = peer.lastHandshake { text.sample(peer.detailedLabels, seconds: time) }
        }
    }

    private mutating func writeMdlayherNames() {
        each(.deviceInfo) { text, interface in
            var labels = MetricLabels()
            labels.add("device", interface.snapshot.name)
            labels.add("public_key", interface.publicKey)
            text.sample(labels, 1)
        }
        each(.peerInfo) { text, interface in
            for peer in interface.peers {
                var labels = interface.deviceLabels(of: peer)
                labels.add("allowed_ips", peer.allowedIPs)
                labels.add("endpoint", peer.endpoint)
                labels.add("name", peer.name)
                text.sample(labels, 1)
            }
        }
        each(.peerTransmitBytes) { text, interface in
            for peer in interface.peers { text.sample(interface.deviceLabels(of: peer), peer.sentBytes) }
        }
        each(.peerReceiveBytes) { text, interface in
            for peer in interface.peers { text.sample(interface.deviceLabels(of: peer), peer.receivedBytes) }
        }
        each(.peerLastHandshake) { text, interface in
            for peer in interface.peers {
                guard let time = peer.lastHandshake else { continue }
                text.sample(interface.deviceLabels(of: peer), seconds: time)
            }
        }
    }

    private mutating func writePeers() {
        eachPeer(.ownPeerInfo) { text, peer in
            var labels = peer.detailedLabels
            labels.add("endpoint", peer.endpoint)
            labels.add("obfuscation", peer.status.dialect.rawValue)
            text.sample(labels, 1)
        }
        eachPeer(.peerUp) { $0.sample($1.labels, $1.health == .healthy) }
        eachReportedPeer(.heard) { text, peer, report in
            if let age = report.heard { text.sample(peer.labels, seconds: peer.time(of: age)) }
        }
        eachReportedPeer(.foreignSources) { $0.sample($1.labels, $2.foreignSources) }
    }

    private mutating func writeHandshakes() {
        let completedAsInitiator = MetricLabels().adding("result", "completed-as-initiator")
        let completedAsResponder = MetricLabels().adding("result", "completed-as-responder")
        let noAnswer = MetricLabels().adding("result", "no-answer")
        eachReportedPeer(.handshakes) { text, peer, report in
            let counts = report.handshakeTotals
            text.sample(peer.labels, completedAsInitiator, counts.completedAsInitiator)
            text.sample(peer.labels, completedAsResponder, counts.completedAsResponder)
            text.sample(peer.labels, noAnswer, counts.timesGivenUp)
        }
        eachReportedPeer(.refusals) { text, peer, report in
            for refusal in report.refusals {
                text.sample(peer.labels.adding("reason", refusal.reason.printable), refusal.count)
            }
        }
        eachReportedPeer(.initiationsSent) { $0.sample($1.labels, $2.handshakeTotals.initiationsSent) }
        eachReportedPeer(.initiationsAccepted) { $0.sample($1.labels, $2.handshakeTotals.initiationsAccepted) }
        eachReportedPeer(.unanswered) { $0.sample($1.labels, $2.unanswered) }
        eachReportedPeer(.roundTrip) { text, peer, report in
            if let duration = report.handshakeMicroseconds { text.sample(peer.labels, microseconds: duration) }
        }
    }

    private mutating func writeLimits() {
        eachReportedPeer(.suspended) { text, peer, report in
            if let reason = report.suspension { text.sample(peer.labels.adding("reason", reason.rawValue), 1) }
        }
        eachReportedPeer(.expiry) { text, peer, report in
            if let time = report.annotation.expires { text.sample(peer.labels, seconds: time) }
        }
        eachReportedPeer(.quota) { text, peer, report in
            if let quota = report.annotation.quota { text.sample(peer.labels, quota) }
        }
        eachReportedPeer(.quotaUsed) { text, peer, report in
            if let used = report.quotaUsed { text.sample(peer.labels, used) }
        }
    }

    // MARK: Walking

    private mutating func each(_ family: MetricFamily, _ write: (inout ExpositionText, ObservedInterface) -> Void) {
        text.begin(family)
        for interface in interfaces { write(&text, interface) }
    }

    private mutating func eachReported(
        _ family: MetricFamily, _ write: (inout ExpositionText, ObservedInterface, DeviceReport) -> Void
    ) {
        each(family) { text, interface in
            if let report = interface.snapshot.report { write(&text, interface, report) }
        }
    }

    private mutating func eachPeer(_ family: MetricFamily, _ write: (inout ExpositionText, ObservedPeer) -> Void) {
        each(family) { text, interface in
            for peer in interface.peers { write(&text, peer) }
        }
    }

    private mutating func eachReportedPeer(
        _ family: MetricFamily, _ write: (inout ExpositionText, ObservedPeer, PeerReport) -> Void
    ) {
        eachPeer(family) { text, peer in
            if let report = peer.report { write(&text, peer, report) }
        }
    }
}

// MARK: - Over the daemon's lives

extension DeviceReport {
    /// Each reason once, fit for a terminal.
    fileprivate var dropsOverLives: [(reason: String, count: UInt64)] {
        let earlier = Dictionary(earlierDrops.map { ($0.reason, $0.count) }, uniquingKeysWith: { first, _ in first })
        var seen: Set<String> = []
        return (drops + earlierDrops.map { Count($0.reason, 0) }).compactMap { drop in
            let reason = drop.reason.printable
            guard seen.insert(reason).inserted else { return nil }
            // Safe: a counter that comes to its end begins anew.
            return (reason, drop.count &+ (earlier[drop.reason] ?? 0))
        }
    }
}
