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
    package func peers() -> [PeerSnapshot] { peers { $0 } }

    /// What `body` makes of each of them, in one go: ten thousand take megabytes.
    func peers<Result>(_ body: (PeerSnapshot) -> Result) -> [Result] {
        let entries = configuration?.peers ?? []
        // A peer that is switched on and off in two places is on.
        var switchedOn = KeySearch(entries.map { $0.isEnabled ? $0.section?.publicKey : nil })
        var switchedOff = KeySearch(entries.map { $0.isEnabled ? nil : $0.section?.publicKey })
        let reports = report?.peers ?? []
        var reported = KeySearch(reports.map(\.publicKey))
        var isTaken = [Bool](repeating: false, count: entries.count)
        var results: [Result] = []
        results.reserveCapacity(max(status.peers.count, entries.count))
        for status in status.peers {
            var peer = PeerSnapshot(status.publicKey)
            peer.status = status
            peer.report = reported.place(of: status.publicKey).map { reports[$0] }
            if let place = switchedOn.place(of: status.publicKey) ?? switchedOff.place(of: status.publicKey) {
                peer.entry = entries[place]
                isTaken[place] = true
            }
            peer.handshake = peer.report?.handshake ?? age(of: status.lastHandshake)
            results.append(body(peer))
        }
        guard isTaken.contains(false) else { return results }
        let known = Set(status.peers.map(\.publicKey))
        var places: [PublicKey: Int] = [:]
        for (place, entry) in entries.enumerated() where !isTaken[place] {
            guard let key = entry.section?.publicKey, !known.contains(key) else { continue }
            if let former = places[key], entries[former].isEnabled || !entry.isEnabled { continue }
            places[key] = place
        }
        for place in places.values.sorted() {
            guard let key = entries[place].section?.publicKey else { continue }
            var peer = PeerSnapshot(key)
            peer.entry = entries[place]
            results.append(body(peer))
        }
        return results
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
