import Control
import LinuxNet
import Tunnel
import Wire

/// Whether the kernel's reverse path filter (RFC 3704), which only IPv4 has, drops what peers send.
struct ReversePathCheck: Check {
    func findings(_ interface: InterfaceFacts, _ facts: Facts) -> [Finding] {
        guard interface.isUp else { return [] }
        return outside(interface, facts.host) + inside(interface, facts.host)
    }

    /// Datagrams of peers on another interface. They come without the tunnel's mark, so the filter looks for the way back
    /// into the tunnel, unless the mark of their connection is put on them and the filter sees marks.
    private func outside(_ interface: InterfaceFacts, _ host: HostFacts) -> [Finding] {
        (interface.status?.peers ?? []).compactMap { peer in
            guard let endpoint = peer.endpoint, !endpoint.address.isIPv6,
                let way = host.way(to: endpoint.address, mark: interface.mark), way.interface != interface.name,
                host.reversePathFilter(way.interface) == 1,
                let back = host.way(to: endpoint.address), back.interface != way.interface
            else { return nil }
            var packet = FirewallPacket(isIPv6: false)
            packet.incoming = way.interface
            packet.transport = "udp"
            packet.source = endpoint.address
            packet.sourcePort = endpoint.port
            packet.destinationPort = interface.status?.listenPort
            let seesMarks = host.reversePathFilterSeesMarks(way.interface)
            let restoresMarks = host.firewall.mayRestoreMark(of: packet)
            guard !seesMarks || !restoresMarks else { return nil }
            var evidence = [
                filter(way.interface, host), "ip route get \(endpoint.address): dev \(back.interface)",
                "ip route get \(endpoint.address) mark \(interface.mark): dev \(way.interface)",
            ]
            if !seesMarks { evidence.append("net.ipv4.conf.all.src_valid_mark = 0") }
            if !restoresMarks { evidence.append("no rule of the firewall restores the mark of a connection") }
            return interface.finding(
                .reversePathFilter, .failure, peer: peer.publicKey,
                "The reverse path filter drops what the peer sends, since the way back to it seems to lead into the tunnel.",
                evidence: evidence + counter(host),
                remedy: seesMarks
                    ? "nightjar down \(interface.name); nightjar up \(interface.file?.path ?? interface.name) puts the rule back."
                    : "sysctl -w net.ipv4.conf.all.src_valid_mark=1, which 'nightjar up' sets; something has set it back."
            )
        }
    }

    /// Packets out of the tunnel from networks that this machine would answer another way.
    private func inside(_ interface: InterfaceFacts, _ host: HostFacts) -> [Finding] {
        guard host.reversePathFilter(interface.name) == 1, host.reversePathDrops > 0,
            interface.configuration?.interface.table != .auto
        else { return [] }
        let own = Set(host.addresses.map(\.address.address))
        return (interface.status?.peers ?? []).compactMap { peer in
            let lost = peer.allowedIPs.first { prefix in
                guard !prefix.address.isIPv6, let sample = Sample.address(in: prefix, notIn: own) else { return false }
                return host.way(to: sample).map { $0.interface != interface.name } ?? host.hasNoWay(to: sample)
            }
            guard let lost, interface.peerReport(peer.publicKey)?.isSending != false else { return nil }
            return interface.finding(
                .reversePathFilter, .failure, peer: peer.publicKey,
                "The reverse path filter drops what comes out of the tunnel from \(lost.shortText), since the way back doesn't lead there.",
                evidence: [filter(interface.name, host), "no route for \(lost.shortText) leads to \(interface.name)"]
                    + counter(host),
                remedy: """
                    If that is meant, with rules of your own for the way back: sysctl -w net.ipv4.conf.all.rp_filter=2 \
                    net.ipv4.conf.\(interface.name).rp_filter=2; if not, add the route.
                    """)
        }
    }

    private func filter(_ name: String, _ host: HostFacts) -> String {
        let path = "ipv4/conf/\(name)/rp_filter"
        return host.settings[path] == "1"
            ? "\(sysctlName(path)) = 1" : "net.ipv4.conf.all.rp_filter = 1, which counts for \(name), too"
    }

    private func counter(_ host: HostFacts) -> [String] {
        host.reversePathDrops == 0 ? [] : ["dropped so far: \(host.reversePathDrops) (nstat TcpExtIPReversePathFilter)"]
    }
}
