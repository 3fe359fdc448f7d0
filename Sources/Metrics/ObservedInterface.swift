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
    /// The peers that it has; those that are in its file alone are only counted.
    let peers: [ObservedPeer]
    let tally: Health.Tally

    init(_ snapshot: InterfaceSnapshot) {
        self.snapshot = snapshot
        let labels = MetricLabels().adding("interface", snapshot.name)
        self.labels = labels
        publicKey = snapshot.status.privateKey.map { $0.isZero ? "" : X25519.publicKey(of: $0).base64 } ?? ""
        var seen: Set<PublicKey> = []
        var peers: [ObservedPeer] = []
        peers.reserveCapacity(snapshot.status.peers.count)
        var words: [Health.Word] = []
        // Two samples with the same labels would make the whole answer worthless.
        for peer in snapshot.peers() where seen.insert(peer.publicKey).inserted {
            let health = snapshot.health(of: peer).word
            words.append(health)
            if let status = peer.status {
                peers.append(ObservedPeer(peer, status, health, interface: labels, now: snapshot.time.seconds))
            }
        }
        self.peers = peers
        tally = Health.Tally(words)
    }

    var server: String {
        switch snapshot.server {
        case .nightjar: "nightjar"
        case .otherProgram: "program"
        case .kernel: "kernel"
        }
    }

    /// Whether packets can go in and out; nil when nobody knows.
    var isUp: Bool? { snapshot.isUp.map { $0 && snapshot.report?.bindFailure ?? 0 == 0 } }

    /// Unix seconds.
    func time(of age: Age) -> Int64 { wallTime(of: age, now: snapshot.time.seconds) }

    /// The labels of a peer as mdlayher's exporter has them.
    func deviceLabels(of peer: ObservedPeer) -> MetricLabels {
        var labels = MetricLabels()
        labels.add("device", snapshot.name)
        labels.add("public_key", peer.publicKey)
        return labels
    }
}

/// A peer with the labels of its samples. An object, since it is handed around a dozen times.
final class ObservedPeer {
    let status: PeerStatus
    let report: PeerReport?
    let health: Health.Word
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
    init(_ peer: PeerSnapshot, _ status: PeerStatus, _ health: Health.Word, interface: MetricLabels, now: Int64) {
        self.status = status
        self.report = peer.report
        self.health = health
        self.now = now
        publicKey = status.publicKey.base64
        name = peer.name?.printable ?? ""
        allowedIPs = status.allowedIPs.map { "\($0)" }.joined(separator: ",")
        endpoint = status.endpoint.map { "\($0)" } ?? ""
        labels = interface.adding("public_key", publicKey)
        detailedLabels = labels.adding("allowed_ips", allowedIPs).adding("friendly_name", name)
    }

    /// What a daemon counts over its lives comes first.
    var sentBytes: UInt64 { max(report?.transmittedTotal ?? 0, status.transmittedBytes) }
    var receivedBytes: UInt64 { max(report?.receivedTotal ?? 0, status.receivedBytes) }

    /// Unix seconds; nil when there was none.
    var lastHandshake: Int64? {
        let time = status.lastHandshake
        return time.seconds == 0 && time.nanoseconds == 0 ? nil : time.seconds
    }

    /// Unix seconds.
    func time(of age: Age) -> Int64 { wallTime(of: age, now: now) }
}

private func wallTime(of age: Age, now: Int64) -> Int64 {
    now &- Int64(clamping: age.milliseconds / 1000)
}
