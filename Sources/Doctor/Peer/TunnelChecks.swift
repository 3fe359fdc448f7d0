import Control
import LinuxNet
import Tunnel
import Wire

/// A peer sends packets under addresses that it may not use here.
struct ForeignSourceCheck: Check {
    /// Fewer happen by the way: packets that were under way when the tunnel came up.
    private static let many: UInt64 = 20

    func findings(_ interface: InterfaceFacts, _ facts: Facts) -> [Finding] {
        interface.examinedPeers.compactMap { peer -> Finding? in
            guard let report = peer.report, report.foreignSources > 0, let source = report.foreignSource,
                !source.isLocal
            else { return nil }
            // An address of the tunnel's own network is nothing that happens by the way.
            let isNeighbour = interface.addresses.contains { $0.network?.holds(source) == true }
            let isDeaf = isNeighbour && report.foreignSources > 1 && !hasSentOthers(peer.status, report)
            guard isDeaf || report.foreignSources >= Self.many else { return nil }
            let key = peer.status.publicKey
            let label = interface.label(key)
            let allowed = peer.status.allowedIPs.map { "\($0)" }
            let list = allowed.isEmpty ? "nothing" : allowed.prefix(8).joined(separator: ", ")
            return interface.finding(
                .sourceNotAllowed, isDeaf ? .failure : .warning, peer: key,
                "\(label) sends packets as \(source), which isn't among its AllowedIPs here, so they are dropped.",
                evidence: [
                    "\(report.foreignSources) packets from \(label) dropped as source-not-allowed, the last one from \(source)",
                    "accepted from \(label): \(list)",
                ],
                remedy:
                    "If \(label) may use \(source), add \(source)/\(source.bitCount), or the network it is in, to its AllowedIPs"
                    + (interface.place(key).map { " in \($0)" } ?? "")
                    + ", then: nightjar reload \(interface.name). If not, correct Address on \(label).")
        }
    }
}

extension ForeignSourceCheck {
    /// Whether a peer has sent more than what is foreign can have been.
    private func hasSentOthers(_ status: PeerStatus, _ report: PeerReport) -> Bool {
        // Generous: a full packet for each of them, for each handshake, and for the keepalives. A sum of hostile counters may wrap.
        let most = report.foreignSources &+ report.initiationsAccepted &+ report.completedAsInitiator &+ 1
        return status.receivedBytes / 1600 > most
    }
}

/// Packets of the interface's MTU don't get through.
struct SizeCheck: Check {
    func findings(_ interface: InterfaceFacts, _ facts: Facts) -> [Finding] {
        guard let mtu = interface.link?.mtu else { return [] }
        return interface.examinedPeers.compactMap { peer -> Finding? in
            guard let probe = peer.probe else { return nil }
            let key = peer.status.publicKey
            let label = interface.label(key)
            if case .limited(let size) = probe.size {
                return interface.finding(
                    .mtuTooLarge, .failure, peer: key,
                    "Packets of more than \(size) bytes don't get through to \(label), and the MTU of \(interface.name) is \(mtu).",
                    evidence: [
                        "echo requests of \(size) bytes through the tunnel are answered, larger ones up to \(mtu) aren't"
                    ],
                    remedy: "Set 'MTU = \(size)' in [Interface] of both sides, then: nightjar reload \(interface.name)")
            }
            guard probe.call.isAnswered, let path = probe.pathMTU, let endpoint = probe.endpoint,
                peer.status.dialect == .plain
            else { return nil }
            let overhead = endpoint.address.isIPv6 ? 80 : 60
            guard mtu + overhead > path, path > overhead else { return nil }
            return interface.finding(
                .mtuTooLarge, .warning, peer: key,
                "Full packets to \(label) are cut in two on the way, which is slow and which some networks don't carry.",
                evidence: [
                    "the way to \(endpoint.address) carries packets of \(path) bytes",
                    "those of \(interface.name) have up to \(mtu) bytes, and \(mtu + overhead) with WireGuard's headers",
                ],
                remedy:
                    "Set 'MTU = \(path - 80)' in [Interface], or leave MTU out, then: nightjar reload \(interface.name)"
            )
        }
    }
}

/// Handshakes pass, and data doesn't.
struct DataCheck: Check {
    func findings(_ interface: InterfaceFacts, _ facts: Facts) -> [Finding] {
        interface.examinedPeers.compactMap { peer -> Finding? in
            guard let probe = peer.probe, probe.isExpected, probe.call.isAnswered, probe.echo == .nothing else {
                return nil
            }
            let key = peer.status.publicKey
            let label = interface.label(key)
            let heard = peer.report?.dataReceived.map { "data last came from \(label) \($0.words)" }
            return interface.finding(
                .dataDies, .failure, peer: key, "Handshakes with \(label) pass, but no data comes back.",
                evidence: [
                    "a handshake has just been answered",
                    "for eleven seconds after that nothing came through the tunnel, not even the sign of life that WireGuard gives",
                ] + (heard.map { [$0] } ?? []),
                remedy:
                    "Something on the way lets the handshake pass and drops what follows, as networks do that block WireGuard. Try "
                    + "another port, or a disguise on both sides ('nightjar new server --obfuscation', or Obfuscation = … in "
                    + "both files). On \(label), 'nightjar doctor' tells whether data arrives there.")
        }
    }
}

/// A router between the two forgets the way back while nothing is sent.
struct KeepaliveCheck: Check {
    func findings(_ interface: InterfaceFacts, _ facts: Facts) -> [Finding] {
        interface.examinedPeers.compactMap { peer -> Finding? in
            guard let probe = peer.probe, let endpoint = probe.endpoint else { return nil }
            let key = peer.status.publicKey
            return probe.isExpected
                ? behindRouter(interface, facts, key, endpoint, peer.status.persistentKeepalive)
                : forgotten(interface, key, endpoint, peer.report, probe)
        }
    }

    /// This machine wants to be called, and a router is before it.
    private func behindRouter(
        _ interface: InterfaceFacts, _ facts: Facts, _ key: PublicKey, _ endpoint: Endpoint, _ keepalive: UInt16
    ) -> Finding? {
        guard keepalive == 0, let file = interface.file, let configuration = interface.configuration,
            configuration.interface.listenPort ?? 0 != 0 || file.forwarding != .off,
            let source = facts.host.way(to: endpoint.address, mark: interface.mark)?.source, source.isPrivate,
            !endpoint.address.isPrivate, !endpoint.address.isLocal
        else { return nil }
        let label = interface.label(key)
        let wish =
            configuration.interface.listenPort ?? 0 != 0
            ? "the file has a ListenPort, so this machine is meant to be called"
            : "the file has Forwarding, so others are meant to reach networks through this machine"
        return interface.finding(
            .noKeepalive, .warning, peer: key,
            "\(label) can reach this machine only for a minute or so after it has sent something: it is behind a router, and has no "
                + "PersistentKeepalive.",
            evidence: [
                "\(source) is a private address and \(endpoint.address) isn't, so a router with NAT is between them",
                wish,
                "\(interface.place(key) ?? "the file"): no PersistentKeepalive",
            ],
            remedy: "Add 'PersistentKeepalive = 25' to this [Peer] section, then: nightjar reload \(interface.name)")
    }

    /// The other machine is behind a router that doesn't know it any more.
    private func forgotten(
        _ interface: InterfaceFacts, _ key: PublicKey, _ endpoint: Endpoint, _ report: PeerReport?, _ probe: PeerProbe
    ) -> Finding? {
        guard let report, report.unconfirmed == 0, probe.call == .unanswered,
            case .refused(let refusal)? = probe.outside?.port, refusal.reason == .portUnreachable
        else { return nil }
        let label = interface.label(key)
        return interface.finding(
            .noKeepalive, .warning, peer: key,
            "\(label) isn't reachable any more where it was heard last; it has to call first.",
            evidence: [
                "\(report.unanswered) calls to \(endpoint) without an answer",
                NetworkWords.sentence(refusal, to: endpoint),
            ] + (report.heard.map { ["it was heard last \($0.words)"] } ?? []),
            remedy:
                "If \(label) is switched on, a router in front of it has forgotten it: add 'PersistentKeepalive = 25' to the [Peer] "
                + "section in the file of \(label).")
    }
}

/// The peer may not be used any more.
struct LimitCheck: Check {
    func findings(_ interface: InterfaceFacts, _ facts: Facts) -> [Finding] {
        interface.examinedPeers.compactMap { peer -> Finding? in
            guard let report = peer.report, let suspension = report.suspension else { return nil }
            let key = peer.status.publicKey
            let label = interface.label(key)
            let place = interface.place(key).map { ["\($0)"] } ?? []
            switch suspension {
            case .expired:
                return interface.finding(
                    .peerExpired, .failure, peer: key,
                    "\(label) isn't served any more: its date has passed.",
                    evidence: place.map { "\($0): Expires" }, remedy: "nightjar renew \(label)")
            case .overQuota:
                let (used, overflow) = report.receivedTotal.addingReportingOverflow(report.transmittedTotal)
                let quota = report.annotation.quota.map { " of \($0)" } ?? ""
                return interface.finding(
                    .peerOverQuota, .failure, peer: key,
                    "\(label) isn't served any more: its quota is used up.",
                    evidence: place.map { "\($0): Quota" } + (overflow ? [] : ["\(used)\(quota) bytes used"]),
                    remedy: "nightjar renew \(label)")
            }
        }
    }
}

extension IPAddress {
    /// Whether it is of no use beyond one link: multicast, link-local, unspecified, loopback.
    var isLocal: Bool {
        switch self {
        case .v4(let v4):
            let first = v4.value >> 24
            return first == 0 || first == 127 || first >= 224 || v4.value >> 16 == 0xa9fe
        case .v6(let v6):
            return v6.isLinkLocal || v6.high >> 56 == 0xff || v6.high == 0 && v6.low <= 1
        }
    }
}
