import Control
import LinuxNet
import Quick
import Tunnel
import Wire

/// Whether packets for a peer's networks go into the tunnel.
struct RouteCheck: Check {
    func findings(_ interface: InterfaceFacts, _ facts: Facts) -> [Finding] {
        guard interface.isUp, let link = interface.link, let status = interface.status else { return [] }
        let routes = facts.host.routes.filter { $0.interface == link.index && $0.kind == .unicast }
        switch interface.configuration?.interface.table {
        case .auto?: return automatic(interface, status, routes, facts.host)
        case .table(let number)?:
            return status.peers.flatMap { peer in
                missing(
                    interface, peer, peer.allowedIPs,
                    PrefixSet(routes.filter { $0.table == number }.map(\.destination)), table: number)
            }
        case .off?, nil: return byHand(interface, status, routes, facts.host)
        }
    }

    /// What `nightjar up` has made, or should have.
    private func automatic(
        _ interface: InterfaceFacts, _ status: DeviceStatus, _ routes: [Route], _ host: HostFacts
    ) -> [Finding] {
        let own = Set(host.addresses.map(\.address.address))
        let covers = PrefixSet(routes.map(\.destination))
        return status.peers.flatMap { peer -> [Finding] in
            var lost: [Prefix] = []
            var findings: [Finding] = []
            for prefix in peer.allowedIPs {
                guard let sample = Sample.address(in: prefix, notIn: own) else { continue }
                let way = host.way(to: sample)
                guard way != nil || host.hasNoWay(to: sample), way?.interface != interface.name else { continue }
                if covers.coversOrHolds(prefix), let way {
                    findings.append(taken(interface, peer, prefix, sample, way, host))
                } else {
                    lost.append(prefix)
                }
            }
            return missing(interface, peer, lost, PrefixSet([]), table: nil) + findings
        }
    }

    private func missing(
        _ interface: InterfaceFacts, _ peer: PeerStatus, _ prefixes: [Prefix], _ present: PrefixSet, table: UInt32?
    ) -> [Finding] {
        let lost = prefixes.filter { !present.coversOrHolds($0) }
        guard let first = lost.first else { return [] }
        let place = table.map { " table \($0)" } ?? ""
        let list = lost.prefix(6).map(\.shortText).joined(separator: ", ") + (lost.count > 6 ? " and more" : "")
        let command = "ip \(first.address.isIPv6 ? "-6 " : "")route add \(first) dev \(interface.name)\(place)"
        return [
            interface.finding(
                .routeMissing, .failure, peer: peer.publicKey,
                "Packets for \(list) don't go into the tunnel, since there is no route for them by \(interface.name).",
                evidence: lost.prefix(6).map {
                    "AllowedIPs has \($0.shortText); ip route show dev \(interface.name)\(place) doesn't"
                },
                remedy: first.length == 0
                    ? "nightjar down \(interface.name); nightjar up \(interface.file?.path ?? interface.name)"
                    : "\(command); or take the interface down and up again")
        ]
    }

    private func taken(
        _ interface: InterfaceFacts, _ peer: PeerStatus, _ prefix: Prefix, _ sample: IPAddress, _ way: Way,
        _ host: HostFacts
    ) -> Finding {
        let winner = host.route(to: sample, by: way.interface)?.text(interface: way.interface)
        let loser = host.route(to: sample, by: interface.name)?.text(interface: interface.name)
        return interface.finding(
            .routeTaken, .failure, peer: peer.publicKey,
            "\(way.interface) and \(interface.name) both have a route for \(prefix.shortText), and \(way.interface) gets the packets.",
            evidence: [
                "ip route get \(sample): dev \(way.interface)"
                    + (way.table == Route.mainTable ? "" : " table \(way.table)"),
                winner.map { "route: \($0)" }, loser.map { "route: \($0)" },
            ].compactMap(\.self),
            remedy: """
                Two networks with the same addresses can't be reached at once: take one of the routes away, narrow \
                AllowedIPs, or renumber one of the networks.
                """)
    }

    /// Routes are somebody else's business here. Without any for a peer, though, nothing can go back to it.
    private func byHand(
        _ interface: InterfaceFacts, _ status: DeviceStatus, _ routes: [Route], _ host: HostFacts
    ) -> [Finding] {
        status.peers.compactMap { peer in
            guard !peer.allowedIPs.isEmpty,
                !routes.contains(where: { route in peer.allowedIPs.contains(where: route.destination.overlaps) })
            else { return nil }
            let first = peer.allowedIPs[0]
            let report = interface.peerReport(peer.publicKey)
            let seen = report?.isSending == true ? ["packets come from it, and the answers go elsewhere"] : []
            let reason =
                interface.configuration == nil
                ? "AllowedIPs alone make no routes: 'up' does, or you"
                : "\(interface.file?.path ?? "the file"): Table = off"
            return interface.finding(
                .replyRouteMissing, .failure, peer: peer.publicKey,
                "No route leads to the peer by \(interface.name), so what it sends can't be answered.",
                evidence: [
                    "AllowedIPs: \(peer.allowedIPs.prefix(6).map(\.shortText).joined(separator: ", "))",
                    "ip route show dev \(interface.name) has none of them", reason,
                ] + seen,
                remedy: "ip \(first.address.isIPv6 ? "-6 " : "")route add \(first) dev \(interface.name)")
        }
    }
}
