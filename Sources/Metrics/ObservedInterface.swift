import Control
import NoisePrimitives
import Status
import Tunnel
import Wire

/// An interface with the labels of its samples.
struct ObservedInterface {
    let snapshot: InterfaceSnapshot
    let labels: MetricLabels
    /// Empty without a private key.
    let publicKey: String
    let peers: [ObservedPeer]

    init(_ snapshot: InterfaceSnapshot) {
        self.snapshot = snapshot
        labels = MetricLabels().adding("interface", snapshot.name)
        publicKey = snapshot.status.privateKey.map { X25519.publicKey(of: $0).base64 } ?? ""
        let reports = Dictionary(
            (snapshot.report?.peers ?? []).map { ($0.publicKey, $0) }, uniquingKeysWith: { first, _ in first })
        let names = Self.names(snapshot)
        var seen: Set<PublicKey> = []
        // Two samples with the same labels would make the whole answer worthless.
        let statuses = snapshot.status.peers.filter { seen.insert($0.publicKey).inserted }
        peers = statuses.map { [labels] status in
            ObservedPeer(
                status, reports[status.publicKey], fileName: names[status.publicKey], interface: labels,
                now: snapshot.time.seconds)
        }
    }

    var server: String {
        switch snapshot.server {
        case .nightjar: "nightjar"
        case .otherProgram: "program"
        case .kernel: "kernel"
        }
    }

    /// Unix seconds.
    func time(of age: Age) -> Int64 { wallTime(of: age, now: snapshot.time.seconds) }

    /// The labels of a peer as mdlayher's exporter has them.
    func deviceLabels(of peer: ObservedPeer) -> MetricLabels {
        var labels = MetricLabels()
        labels.add("device", snapshot.name)
        labels.add("public_key", peer.publicKey)
        return labels
    }

    private static func names(_ snapshot: InterfaceSnapshot) -> [PublicKey: String] {
        var names: [PublicKey: String] = [:]
        for peer in snapshot.configuration?.peers ?? [] {
            if let key = peer.section?.publicKey, let name = peer.name { names[key] = name }
        }
        return names
    }
}

/// A peer with the labels of its samples.
struct ObservedPeer {
    let status: PeerStatus
    let report: PeerReport?
    let publicKey: String
    /// Fit for terminals; empty when it has none.
    let name: String
    let allowedIPs: String
    /// Empty when there is none.
    let endpoint: String
    /// `interface` and `public_key`.
    let labels: MetricLabels
    /// Also `allowed_ips` and `friendly_name`.
    let detailedLabels: MetricLabels
    private let now: Int64

    /// - Parameters:
    ///   - interface: the labels of its interface.
    ///   - now: Unix seconds.
    init(_ status: PeerStatus, _ report: PeerReport?, fileName: String?, interface: MetricLabels, now: Int64) {
        self.status = status
        self.report = report
        self.now = now
        publicKey = status.publicKey.base64
        let name = report?.annotation.name ?? ""
        self.name = printable(name.isEmpty ? fileName ?? "" : name)
        allowedIPs = status.allowedIPs.map { "\($0)" }.joined(separator: ",")
        endpoint = status.endpoint.map { "\($0)" } ?? ""
        labels = interface.adding("public_key", publicKey)
        detailedLabels = labels.adding("allowed_ips", allowedIPs).adding("friendly_name", self.name)
    }

    /// What a daemon counts over its lives comes first.
    var sentBytes: UInt64 { max(report?.transmittedTotal ?? 0, status.transmittedBytes) }
    var receivedBytes: UInt64 { max(report?.receivedTotal ?? 0, status.receivedBytes) }

    /// Unix seconds; nil when there was none.
    var lastHandshake: Int64? {
        let time = status.lastHandshake
        return time.seconds == 0 && time.nanoseconds == 0 ? nil : time.seconds
    }

    /// Whether something authenticated came within the life of a session. Of interfaces that others serve only
    /// handshakes are known, of which there is one every two minutes while there is traffic.
    var isAlive: Bool {
        if let report { return report.heard.map { $0 < Self.lifetime } ?? false }
        guard let lastHandshake else { return false }
        return lastHandshake > now - Int64(Self.lifetime.milliseconds / 1000)
    }

    /// Unix seconds.
    func time(of age: Age) -> Int64 { wallTime(of: age, now: now) }

    /// REJECT_AFTER_TIME.
    private static let lifetime = Age(milliseconds: 180_000)
}

private func wallTime(of age: Age, now: Int64) -> Int64 {
    now &- Int64(clamping: age.milliseconds / 1000)
}

/// A name from a file that anybody may have written: of bearable length, and nothing for a terminal to obey.
private func printable(_ name: String) -> String {
    String(
        String.UnicodeScalarView(
            name.unicodeScalars.prefix(64).map { scalar in
                switch scalar.properties.generalCategory {
                case .control, .lineSeparator, .paragraphSeparator: "\u{fffd}"
                case .format where scalar != "\u{200d}": "\u{fffd}"
                default: scalar
                }
            }))
}
