package import Control
package import LinuxNet
package import Quick
package import Status
package import Tunnel
package import Wire

/// All that is known of one interface: what it is, what its file wants it to be, and what came of trying it out.
package struct InterfaceFacts: Sendable {
    package var name: String
    /// Nil when it isn't there, or when nobody serves it.
    package var snapshot: InterfaceSnapshot? {
        didSet {
            statuses = Dictionary(snapshot?.status.peers.map { ($0.publicKey, $0) } ?? []) { $1 }
            reports = Dictionary(snapshot?.report?.peers.map { ($0.publicKey, $0) } ?? []) { $1 }
        }
    }
    private var statuses: [PublicKey: PeerStatus] = [:]
    private var reports: [PublicKey: PeerReport] = [:]
    /// Nil when the kernel has no interface of this name.
    package var link: LinkState?
    package var addresses: [InterfaceAddress] = []
    package var file: FileFacts?
    /// What `nightjar up` has noted of it; nil when it isn't up by `nightjar up`.
    package var record: UpRecord?
    /// What came of trying its peers out.
    package var probes = PeerProbes()
    /// What couldn't be looked at, a sentence each.
    package var blindSpots: [String] = []

    package init(_ name: String) {
        self.name = name
    }

    package var status: DeviceStatus? { snapshot?.status }
    package var report: DeviceReport? { snapshot?.report }
    package var configuration: ConfigurationFile? { file?.text?.configuration }
    /// Whether the administrator has it up.
    package var isUp: Bool { link?.isUp == true }
    /// The mark of its datagrams.
    package var mark: UInt32 { status?.firewallMark ?? 0 }
}

/// A configuration file.
package struct FileFacts: Sendable {
    package var path: String
    /// Nil when it can't be read as one.
    package var text: ConfigurationText?
    /// Why; with the line.
    package var problem: String?
    /// Whether others than its owner may read the keys in it.
    package var isReadableByOthers = false
    /// Whether the peers' packets are to be passed on.
    package var forwarding = Forwarding.off
    /// Those that are switched on; the first one of a key.
    fileprivate let peers: [PublicKey: ConfigurationText.Peer]

    package init(path: String, text: ConfigurationText?, problem: String? = nil) {
        self.path = path
        self.text = text
        self.problem = problem
        let enabled = text?.peers.filter(\.isEnabled) ?? []
        peers = Dictionary(enabled.compactMap { peer in peer.section.map { ($0.publicKey, peer) } }) { first, _ in first
        }
        let setting = text?.layout.interfaceComment(.forwarding)
        forwarding = setting.flatMap { Forwarding(rawValue: $0.value.lowercased()) } ?? .off
    }
}

// MARK: - Peers by name

extension InterfaceFacts {
    /// How people call a peer: its name, else its short key. Fit for a terminal.
    package func label(_ key: PublicKey) -> String {
        // What was pasted into the wrong place stays a secret.
        if isOwnPrivateKey(key) { return "(a private key)" }
        let name = filePeer(key)?.name ?? peerReport(key)?.annotation.name ?? ""
        return name.isEmpty ? key.short : name.printable
    }

    /// The peer as the interface has it.
    package func peerStatus(_ key: PublicKey) -> PeerStatus? { statuses[key] }

    /// What the daemon tells of it.
    package func peerReport(_ key: PublicKey) -> PeerReport? { reports[key] }

    /// The peer as the file has it; one that is switched off doesn't count.
    package func filePeer(_ key: PublicKey) -> ConfigurationText.Peer? { file?.peers[key] }

    /// Where the file speaks of a peer, as `/etc/wireguard/wg0.conf:12`.
    package func place(_ key: PublicKey) -> String? {
        guard let file, let text = file.text, let peer = filePeer(key) else { return nil }
        return "\(file.path):\(text.line(of: peer))"
    }

    /// A finding about this interface.
    package func finding(
        _ code: FindingCode, _ severity: Finding.Severity, peer: PublicKey? = nil, _ summary: String,
        evidence: [String], remedy: String
    ) -> Finding {
        Finding(
            code, severity, interface: name, peer: peer.map(label), summary: summary, evidence: evidence,
            remedy: remedy)
    }
}
