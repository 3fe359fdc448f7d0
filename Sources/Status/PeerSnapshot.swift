package import Control
package import Tunnel
package import Wire

/// One peer at one moment: its state, what the daemon reports of it, and what the configuration file says.
package struct PeerSnapshot: Sendable {
    package var publicKey: PublicKey
    /// Nil when the file has the peer and the interface doesn't.
    package var status: PeerStatus?
    /// Nil unless Nightjar serves the interface.
    package var report: PeerReport?
    /// What the file says of it; nil when the file doesn't have it, or nobody could read it.
    package var entry: ConfigurationText.Peer?
    /// How long ago the last handshake was completed; nil when never.
    package var handshake: Age?

    package init(_ publicKey: PublicKey) {
        self.publicKey = publicKey
    }

    /// What people call it, as somebody has written it; nil when nobody has. See ``label``.
    package var name: String? {
        if let name = entry?.name { return name }
        guard let name = report?.annotation.name, !name.isEmpty else { return nil }
        return name
    }

    /// The name, or the short key of a peer without one, fit for a terminal.
    package var label: String { name?.printable ?? publicKey.short }

    /// The name that its endpoint was given by.
    package var endpointName: String? {
        if let name = report?.endpointName { return name }
        guard let name = entry?.section?.endpoint, name.numeric == nil else { return nil }
        return name.description
    }
}

extension InterfaceSnapshot {
    /// The peers of the interface in its order, and after them those that only the file has.
    package func peers() -> [PeerSnapshot] {
        var entries: [PublicKey: ConfigurationText.Peer] = [:]
        for entry in configuration?.peers ?? [] {
            guard let key = entry.section?.publicKey else { continue }
            // A peer that is switched on and off in two places is on.
            if entries[key] == nil || entry.isEnabled { entries[key] = entry }
        }
        var reports: [PublicKey: PeerReport] = [:]
        reports.reserveCapacity(report?.peers.count ?? 0)
        for peer in report?.peers ?? [] { reports[peer.publicKey] = peer }
        var peers: [PeerSnapshot] = []
        peers.reserveCapacity(status.peers.count)
        for status in status.peers {
            var peer = PeerSnapshot(status.publicKey)
            peer.status = status
            peer.report = reports[status.publicKey]
            peer.entry = entries.removeValue(forKey: status.publicKey)
            peer.handshake = peer.report?.handshake ?? age(of: status.lastHandshake)
            peers.append(peer)
        }
        guard !entries.isEmpty else { return peers }
        for entry in configuration?.peers ?? [] {
            guard let key = entry.section?.publicKey, let entry = entries.removeValue(forKey: key) else { continue }
            var peer = PeerSnapshot(key)
            peer.entry = entry
            peers.append(peer)
        }
        return peers
    }

    /// How long one of the peers may be used, as its daemon says, or else the file.
    package func annotation(of peer: PeerSnapshot) -> PeerAnnotation {
        if let report = peer.report { return report.annotation }
        return peer.entry.flatMap { configuration?.annotation(of: $0) } ?? PeerAnnotation()
    }

    /// How long ago a moment of the wall clock was; nil for zeros. A clock that was set back makes it now.
    private func age(of moment: WallTime) -> Age? {
        guard moment.seconds != 0 || moment.nanoseconds != 0 else { return nil }
        let (seconds, overflow) = time.seconds.subtractingReportingOverflow(moment.seconds)
        guard !overflow, seconds >= 0 else { return .zero }
        let (milliseconds, tooLong) = UInt64(seconds).multipliedReportingOverflow(by: 1000)
        return Age(milliseconds: tooLong ? .max : milliseconds)
    }
}
