import Control
import LinuxNet
package import Quick
import Status
import Tunnel
import Wire

extension PeerProbes {
    /// At most this many peers are tried out; others are judged by what is known of them anyway.
    private static let most = 16
    /// Seconds that names are waited for.
    private static let nameSeconds = 4

    /// Tries the peers of an interface out: those that should answer, and those that try to reach this machine in vain.
    /// Where all is well that takes some milliseconds; up to twenty seconds where packets vanish.
    package static func take(_ interface: InterfaceFacts, _ host: HostFacts, _ surroundings: Surroundings) -> PeerProbes
    {
        guard let status = interface.status, interface.isUp,
            let device = try? WireGuardDevices.open(interface.name, in: surroundings.devicePlaces)
        else { return PeerProbes() }
        let keys = status.peers.filter { interface.isWorthTrying($0) }.prefix(most).map(\.publicKey)
        guard !keys.isEmpty else { return PeerProbes() }
        var probes = PeerProbes()
        for key in keys {
            let isExpected = interface.isExpected(key)
            probes.peers[key] = PeerProbe(isExpected: isExpected, endpoint: interface.peerStatus(key)?.endpoint)
        }
        probes.lookUpNames(interface)
        probes.askForPaths(interface)
        do {
            try probes.tryTunnel(interface, TunnelTrial(interface.name, device))
        } catch {
            // The interface went away, or its daemon did, which others notice as well.
        }
        return probes
    }

    private mutating func askForPaths(_ interface: InterfaceFacts) {
        guard var netlink = try? Netlink() else { return }
        for (key, probe) in peers {
            guard let endpoint = probe.endpoint, endpoint.scope == 0,
                let answer = try? netlink.route(to: endpoint.address, mark: interface.mark),
                answer.interface != interface.link?.index
            else { continue }
            peers[key]?.pathMTU = answer.mtu.map { Int($0) } ?? (try? netlink.link(index: answer.interface).mtu)
        }
    }

    private mutating func lookUpNames(_ interface: InterfaceFacts) {
        var names: [PublicKey: EndpointName] = [:]
        for key in peers.keys { names[key] = interface.endpointName(key) }
        guard !names.isEmpty else { return }
        let answers = NameLookups.run(Array(names.values), seconds: Self.nameSeconds)
        for (key, name) in names {
            guard let answer = answers[name] else { continue }
            peers[key]?.name = (name.description, answer)
        }
    }

    private mutating func tryTunnel(_ interface: InterfaceFacts, _ trial: TunnelTrial) throws {
        let targets = Dictionary(
            uniqueKeysWithValues: peers.keys.map { key in
                let allowed = interface.peerStatus(key)?.allowedIPs ?? []
                return (key, InnerTargets.candidates(allowedIPs: allowed, own: interface.addresses))
            })
        // A session that carries packets needs no other.
        try takeEchoes(targets.filter { interface.hasFreshSession($0.key) }, trial, isPatient: false)
        for (key, probe) in peers where probe.echo != .untried { peers[key]?.call = .unneeded }
        var open = targets.filter { peers[$0.key]?.echo == .untried }
        guard !open.isEmpty else { return takeSizes(interface, trial) }

        for (key, call) in try trial.call(open, trustsSessions: false) { peers[key]?.call = call }
        let silent = peers.filter { $0.value.call == .unanswered }.map(\.key)
        lookOutside(silent, interface)
        // One datagram may be lost by accident. Where more than one was, or somebody has said why, there is no need to wait.
        let unsure = silent.filter { key in
            peers[key]?.outside?.isConclusive != true && (interface.peerReport(key)?.unanswered ?? 0) < 1
        }
        for (key, call) in try trial.waitForSecondCall(unsure) {
            peers[key]?.call = call
            peers[key]?.outside = nil
        }

        open = open.filter { peers[$0.key]?.call.isAnswered == true }
        try takeEchoes(open, trial, isPatient: true)
        takeSizes(interface, trial)
    }

    private mutating func takeEchoes(
        _ targets: [PublicKey: [IPAddress]], _ trial: TunnelTrial, isPatient: Bool
    ) throws {
        let targets = targets.filter { !$0.value.isEmpty }
        guard !targets.isEmpty else { return }
        for (key, echo) in try trial.echo(targets, isPatient: isPatient) { peers[key]?.echo = echo }
    }

    private mutating func takeSizes(_ interface: InterfaceFacts, _ trial: TunnelTrial) {
        guard let mtu = interface.link?.mtu, mtu > 84 else { return }
        for (key, probe) in peers {
            guard case .answered(let address, _) = probe.echo, mtu <= 65_535 else { continue }
            peers[key]?.size = trial.largest(address, mtu: mtu)
        }
    }

    /// Finds out how far packets get outside of the tunnel.
    private mutating func lookOutside(_ keys: [PublicKey], _ interface: InterfaceFacts) {
        let endpoints = keys.compactMap { key in peers[key]?.endpoint.map { (key, $0) } }
        guard !endpoints.isEmpty else { return }
        let answers = OutsideLook.take(endpoints.map(\.1), mark: interface.mark)
        for ((key, _), answer) in zip(endpoints, answers) { peers[key]?.outside = answer }
    }
}

extension InterfaceFacts {
    /// Seconds that a session is surely good for: what its peer knows of it isn't forgotten yet.
    private static let freshness: UInt64 = 120_000

    /// The name that a peer's endpoint was given by, as the daemon knows it or the file has it; nil when by an address.
    func endpointName(_ key: PublicKey) -> EndpointName? {
        if let text = peerReport(key)?.endpointName, let name = EndpointName(text, defaultPort: 51820) { return name }
        guard let name = filePeer(key)?.section?.endpoint, name.numeric == nil else { return nil }
        return name
    }

    /// Whether this side was told where a peer is.
    func isExpected(_ key: PublicKey) -> Bool {
        if endpointName(key) != nil || filePeer(key)?.section?.endpoint != nil { return true }
        guard peerStatus(key)?.endpoint != nil else { return false }
        if file?.text != nil, filePeer(key) != nil { return false }
        // Nobody has written down what it was told; who has never called is known from nowhere else.
        return (peerReport(key)?.initiationsAccepted ?? 0) == 0
    }

    /// Whether there is something to be found out by trying.
    func isWorthTrying(_ peer: PeerStatus) -> Bool {
        let report = peerReport(peer.publicKey)
        guard peer.endpoint != nil, report?.suspension == nil else { return false }
        if isExpected(peer.publicKey) { return true }
        // It calls, and doesn't take the answer; or this machine calls where it was heard last.
        guard let report else { return false }
        if report.unconfirmed > 0 || report.unanswered > 0 { return true }
        // Something was sent a moment ago, and nothing has come since.
        guard let sent = report.dataSent, sent.milliseconds < 60_000 else { return false }
        return report.heard.map { $0.milliseconds > sent.milliseconds + 500 } ?? true
    }

    /// Whether there is a session that carried something a moment ago.
    func hasFreshSession(_ key: PublicKey) -> Bool {
        guard let report = peerReport(key) else {
            return peerStatus(key).map { PeerState(status: $0, report: nil).hasRecentHandshake } ?? false
        }
        guard report.unanswered == 0, let handshake = report.handshake else { return false }
        return handshake.milliseconds < Self.freshness
    }
}

extension PeerProbe.Call {
    /// Whether there is a session.
    package var isAnswered: Bool {
        switch self {
        case .answered, .unneeded: true
        default: false
        }
    }
}
