import Control
import Quick
import Tunnel
import Wire

/// Whether questions for names go where the tunnel's file wants them.
struct NameServerCheck: Check {
    func findings(_ interface: InterfaceFacts, _ facts: Facts) -> [Finding] {
        outside(interface) + overwritten(interface) + leaking(interface, facts.host)
    }

    private func outside(_ interface: InterfaceFacts) -> [Finding] {
        guard let file = interface.file, let configuration = interface.configuration else { return [] }
        let allowedIPs = configuration.peers.flatMap(\.prefixes)
        let servers = DNSReach.outside(configuration.interface.dns, allowedIPs: allowedIPs)
        guard let first = servers.first else { return [] }
        let list = servers.map(\.description).joined(separator: ", ")
        let (subject, object) =
            servers.count == 1 ? ("server \(list) is", "it") : ("servers \(list) are", "them")
        return [
            interface.finding(
                .dnsOutsideTunnel, .warning,
                "The DNS \(subject) asked outside of the tunnel, or in vain, since no peer's AllowedIPs hold \(object).",
                evidence: ["\(file.path): DNS has \(list)", "AllowedIPs: \(Self.list(allowedIPs))"],
                remedy:
                    "Add \(first)/\(first.bitCount) to the AllowedIPs of the peer that it is behind, or take it out of DNS."
            )
        ]
    }

    private func overwritten(_ interface: InterfaceFacts) -> [Finding] {
        guard interface.isUp, let record = interface.record, record.isHere, record.isUp,
            !record.lostNameServers.isEmpty
        else { return [] }
        let list = record.lostNameServers.map(\.description).joined(separator: ", ")
        return [
            interface.finding(
                .dnsOverwritten, .failure,
                "The tunnel's DNS servers aren't in use any more: another program has replaced them.",
                evidence: ["'nightjar up' has set \(list)", "/etc/resolv.conf or systemd-resolved has others now"],
                remedy: """
                    nightjar down \(interface.name); nightjar up \(interface.name) sets them again. Find what writes \
                    /etc/resolv.conf (a DHCP client, NetworkManager), or use systemd-resolved or resolvconf, which keep them apart.
                    """)
        ]
    }

    /// All traffic goes into the tunnel, only names are asked beside it.
    private func leaking(_ interface: InterfaceFacts, _ host: HostFacts) -> [Finding] {
        guard interface.isUp, interface.configuration?.interface.table ?? .off == .auto,
            interface.configuration?.interface.dns.isEmpty == true
        else { return [] }
        let allowedIPs = interface.status?.peers.flatMap(\.allowedIPs) ?? []
        let leaking = host.nameServers.compactMap { server -> (IPAddress, Way)? in
            guard allowedIPs.contains(where: { $0.length == 0 && $0.address.isIPv6 == server.isIPv6 }),
                let way = host.way(to: server), way.interface != interface.name, way.interface != "lo"
            else { return nil }
            return (server, way)
        }
        guard let (server, way) = leaking.first else { return [] }
        return [
            interface.finding(
                .dnsOutsideTunnel, .warning,
                "All traffic goes into the tunnel, but names are asked outside of it, at \(server).",
                evidence: ["resolv.conf: nameserver \(server)", "ip route get \(server): dev \(way.interface)"],
                remedy:
                    "Write the DNS server of your VPN into \(interface.file?.path ?? "the file"): DNS = ADDRESS below [Interface]."
            )
        ]
    }

    private static func list(_ prefixes: [Prefix]) -> String {
        guard !prefixes.isEmpty else { return "none" }
        return prefixes.prefix(6).map(\.shortText).joined(separator: ", ")
            + (prefixes.count > 6 ? " and \(prefixes.count - 6) more" : "")
    }
}
