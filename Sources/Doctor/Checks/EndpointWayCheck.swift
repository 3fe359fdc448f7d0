import Control
import Tunnel
import Wire

/// Whether datagrams to a peer can leave, and don't go in circles.
struct EndpointWayCheck: Check {
    func findings(_ interface: InterfaceFacts, _ facts: Facts) -> [Finding] {
        guard interface.isUp else { return [] }
        return (interface.status?.peers ?? []).compactMap { peer in
            guard let endpoint = peer.endpoint else { return nil }
            let marked = interface.mark == 0 ? "" : " mark \(interface.mark)"
            let question = "ip route get \(endpoint.address)\(marked)"
            if let way = facts.host.way(to: endpoint.address, mark: interface.mark), way.interface == interface.name {
                let prefix = peer.allowedIPs.first { $0.holds(endpoint.address) }
                return interface.finding(
                    .endpointInTunnel, .failure, peer: peer.publicKey,
                    "The way to the peer's endpoint leads into the tunnel itself.",
                    evidence: ["\(question): dev \(interface.name)"]
                        + (prefix.map { ["AllowedIPs has \($0.shortText), and the endpoint is \(endpoint.address)"] }
                            ?? []),
                    remedy: """
                        Take the endpoint's address out of AllowedIPs; or write 0.0.0.0/0 and ::/0 as they are instead of \
                        in halves, then 'nightjar up' keeps the tunnel's own packets apart; or add a route: \
                        ip route add \(endpoint.address) via GATEWAY
                        """)
            }
            guard facts.host.hasNoWay(to: endpoint.address, mark: interface.mark) else { return nil }
            return interface.finding(
                .endpointUnroutable, .failure, peer: peer.publicKey,
                "There is no route to the peer's endpoint \(endpoint.address).",
                evidence: ["\(question): no route"],
                remedy: endpoint.address.isIPv6
                    ? "This machine has no IPv6 towards it. Give the peer's IPv4 address as Endpoint, or mend the network: ip -6 route"
                    : "The machine's own network isn't up, or has no default route: ip route")
        }
    }
}
