import Control
import Glibc
import LinuxNet
import Tunnel
import Wire

/// Nobody knows where the peer is, and nobody can tell us.
struct NoEndpointCheck: Check {
    func findings(_ interface: InterfaceFacts, _ facts: Facts) -> [Finding] {
        // A machine with a port of its own waits for calls.
        guard let configuration = interface.configuration, configuration.interface.listenPort ?? 0 == 0 else {
            return []
        }
        return interface.examinedPeers.compactMap { peer -> Finding? in
            let key = peer.status.publicKey
            guard peer.status.endpoint == nil, peer.report?.suspension == nil,
                interface.filePeer(key) != nil, interface.filePeer(key)?.section?.endpoint == nil
            else { return nil }
            let drops = interface.report?.drops.first { $0.reason == "no-endpoint" }?.count ?? 0
            return interface.finding(
                .noEndpoint, .failure, peer: key,
                "\(interface.label(key)) can't be called: its section has no Endpoint.",
                evidence: [
                    "\(interface.place(key) ?? "the file"): no Endpoint in this [Peer]",
                    "the file has no ListenPort, so the peer can't know where to call either",
                ] + (drops > 0 ? ["\(drops) packets dropped as no-endpoint"] : []),
                remedy:
                    "Add 'Endpoint = HOST:PORT' of the server to this [Peer] section, then: nightjar reload \(interface.name)"
            )
        }
    }
}

/// What the endpoint's name leads to.
struct EndpointNameCheck: Check {
    func findings(_ interface: InterfaceFacts, _ facts: Facts) -> [Finding] {
        interface.examinedPeers.compactMap { peer -> Finding? in
            guard let probe = peer.probe, let (name, answer) = probe.name else { return nil }
            let key = peer.status.publicKey
            switch answer {
            case .endpoints(let endpoints):
                guard let endpoint = probe.endpoint, probe.call == .unanswered,
                    !endpoints.contains(where: { $0.address == endpoint.address })
                else { return nil }
                let list = Set(endpoints.map { "\($0.address)" }).sorted().prefix(4).joined(separator: ", ")
                return interface.finding(
                    .endpointMoved, .failure, peer: key,
                    "\(interface.label(key)) has moved: \(name.printable) leads to another address than the one in use.",
                    evidence: [
                        "in use: \(endpoint), where nothing answers", "\(name.printable) is now \(list)",
                    ],
                    remedy:
                        "Nightjar looks the name up itself after some seconds without an answer. At once: nightjar set "
                        + "\(interface.name) peer '\(interface.keyText(key))' endpoint \(name.printable)")
            case .failure(let reason):
                return unresolvable(interface, key, name, probe, "the resolver says: \(reason.printableLine)")
            case .tooSlow:
                return unresolvable(interface, key, name, probe, "the name servers don't answer within four seconds")
            }
        }
    }

    private func unresolvable(
        _ interface: InterfaceFacts, _ key: PublicKey, _ name: String, _ probe: PeerProbe, _ reason: String
    ) -> Finding {
        let works = probe.call.isAnswered
        return interface.finding(
            .endpointUnresolvable, works ? .warning : .failure, peer: key,
            works
                ? "The name of \(interface.label(key))'s endpoint leads nowhere: the tunnel works, but won't after a restart."
                : "The name of \(interface.label(key))'s endpoint leads nowhere.",
            evidence: ["\(name.printable): \(reason)"]
                + (probe.endpoint.map { ["the address in use is \($0)"] } ?? []),
            remedy:
                "Check the name's spelling in \(interface.place(key) ?? "the file"), and that this machine has a name server "
                + "that works without the tunnel: getent hosts \(name.printable.split(separator: ":").first ?? "")")
    }
}

/// What packets outside of the tunnel tell about the way to a peer that doesn't answer.
struct OutsideCheck: Check {
    func findings(_ interface: InterfaceFacts, _ facts: Facts) -> [Finding] {
        interface.examinedPeers.compactMap { peer -> Finding? in
            guard let probe = peer.probe, probe.isExpected, probe.call == .unanswered, let outside = probe.outside,
                let endpoint = probe.endpoint
            else { return nil }
            let key = peer.status.publicKey
            switch outside.port {
            case .refused(let refusal):
                let words = NetworkWords.sentence(refusal, to: endpoint)
                switch refusal.reason {
                case .portUnreachable: return closed(interface, key, endpoint, words)
                case .hostUnreachable, .networkUnreachable, .hopsExceeded:
                    return unreachable(interface, key, endpoint, words)
                case .prohibited, .other: return blocked(interface, key, endpoint, [words])
                case .packetTooLarge: return nil
                }
            case .unsent(let code):
                guard code == EPERM || code == EACCES else { return nil }
                return blocked(
                    interface, key, endpoint, ["this machine's own firewall or security policy refuses to send (EPERM)"]
                )
            case .silence:
                guard outside.answersEcho, outside.otherPort == .silence else { return nil }
                return blocked(
                    interface, key, endpoint,
                    [
                        "\(endpoint.address) answers ICMP echo requests",
                        "UDP datagrams to \(endpoint) and to another port come to nothing, without a word",
                    ])
            case .datagram: return nil
            }
        }
    }

    private func closed(
        _ interface: InterfaceFacts, _ key: PublicKey, _ endpoint: Endpoint, _ words: String
    ) -> Finding {
        interface.finding(
            .portClosed, .failure, peer: key,
            "Nobody listens on \(endpoint), where \(interface.label(key)) should be.", evidence: [words],
            remedy:
                "On that machine: is the interface up ('nightjar status'), and is its ListenPort \(endpoint.port)? If a router is "
                + "in front of it, does the router pass UDP port \(endpoint.port) on?")
    }

    private func unreachable(
        _ interface: InterfaceFacts, _ key: PublicKey, _ endpoint: Endpoint, _ words: String
    ) -> Finding {
        interface.finding(
            .endpointUnroutable, .failure, peer: key,
            "Packets don't get to \(endpoint.address), where \(interface.label(key)) should be.", evidence: [words],
            remedy: "Is the address right, and that machine switched on? If it has another address now, change Endpoint"
                + (interface.place(key).map { " in \($0)" } ?? "") + ".")
    }

    private func blocked(
        _ interface: InterfaceFacts, _ key: PublicKey, _ endpoint: Endpoint, _ evidence: [String]
    ) -> Finding {
        interface.finding(
            .udpBlocked, .failure, peer: key,
            "UDP doesn't get through to \(endpoint), where \(interface.label(key)) should be.", evidence: evidence,
            remedy:
                "Open UDP port \(endpoint.port) in the firewall of that machine, and in its provider's. If it is open, compare "
                + "keys as with 'nightjar explain no-answer'. If this network lets no UDP out, a port that it does let out may "
                + "help, as 443 or 53.")
    }
}
