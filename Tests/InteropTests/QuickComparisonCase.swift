import Testing

/// A pair of files, each brought up by the stock tools and by nightjar on equal machines, with the other end by the stock
/// tools.
///
/// The client is 10.9.1.1 and fd09:1::1 behind the router 10.9.1.254 and fd09:1::fe, the server 10.9.2.2 and fd09:2::2
/// behind 10.9.2.254 and fd09:2::fe. The router is also 198.51.100.1 and 2001:db8:100::1, the Internet.
struct QuickComparisonCase: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// Lines of the client's file under `[Interface]` but for the private key, and under `[Peer]` but for the public one.
    var client: File
    var server = File.plainServer
    /// Lines of `ip` for the client before it is brought up.
    var preparation: [String] = []
    /// Whether the machines have `nft`, or only `iptables`.
    var hasNft = true
    /// What the client pings when both are up.
    var reaches: [String] = ["10.77.0.2"]
    /// What the server pings when both are up.
    var reachesBack: [String] = ["10.77.0.1"]
    /// The source address under which the Internet, 198.51.100.1, sees the client; nil not to look.
    var seenAs: String?
    /// The client's address in the tunnel, when the firewall keeps the local network from it.
    var guardedAddress: String?

    struct File: Sendable {
        var interface: [String]
        var peer: [String]

        static let plainServer = File(
            interface: ["Address = 10.77.0.2/24, fd77::2/64", "ListenPort = 51820"],
            peer: ["AllowedIPs = 10.77.0.1/32, fd77::1/128"])

        func text(privateKey: String, peerKey: String) -> String {
            (["[Interface]"] + interface + ["PrivateKey = \(privateKey)", "", "[Peer]", "PublicKey = \(peerKey)"] + peer)
                .joined(separator: "\n")
        }
    }

    private static let endpoint = "Endpoint = 10.9.2.2:51820"

    /// Lets the Internet into the tunnel and out again, as the client of a default route needs.
    private static var exit: File {
        File(
            interface: File.plainServer.interface + [
                "PreUp = sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1",
                "PostUp = iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE",
                "PostUp = ip6tables -t nat -A POSTROUTING -o eth0 -j MASQUERADE",
                "PostDown = iptables -t nat -D POSTROUTING -o eth0 -j MASQUERADE",
                "PostDown = ip6tables -t nat -D POSTROUTING -o eth0 -j MASQUERADE",
            ], peer: File.plainServer.peer)
    }

    static let all: [Self] = [
        Self(
            testDescription: "a NAT server and its client",
            client: File(
                interface: [
                    "Address = 172.99.0.2/32", "DNS = 8.8.8.8", "MTU = 1420", "FwMark = 0x7500",
                    "PostUp = ip route add 203.0.113.0/24 via 10.9.1.254",
                    "PreDown = ip route del 203.0.113.0/24 via 10.9.1.254",
                ], peer: ["AllowedIPs = 0.0.0.0/0", "Endpoint = 10.9.2.2:41642", "PersistentKeepalive = 30"]),
            server: File(
                interface: [
                    "Address = 172.99.0.1/32", "ListenPort = 41642", "MTU = 1420", "FwMark = 0x7500",
                    "PreUp = sysctl -qw net.ipv4.ip_forward=1",
                    "PostUp = iptables -A FORWARD -i %i -j ACCEPT; iptables -A FORWARD -o %i -j ACCEPT; "
                        + "iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE",
                    "PostDown = iptables -D FORWARD -i %i -j ACCEPT; iptables -D FORWARD -o %i -j ACCEPT; "
                        + "iptables -t nat -D POSTROUTING -o eth0 -j MASQUERADE",
                ], peer: ["AllowedIPs = 172.99.0.2/32", "PersistentKeepalive = 30"]),
            reaches: ["172.99.0.1", "198.51.100.1"], reachesBack: ["172.99.0.2"], seenAs: "10.9.2.2",
            guardedAddress: "172.99.0.2"),
        Self(
            testDescription: "two addresses, one network behind the peer",
            client: File(
                interface: ["Address = 10.77.0.1/24, fd77::1/64"],
                peer: ["AllowedIPs = 10.77.0.2/32, fd77::2/128, 172.30.1.0/24, fd30::/64", endpoint]),
            reaches: ["10.77.0.2", "fd77::2"], reachesBack: ["10.77.0.1", "fd77::1"]),
        Self(
            testDescription: "default routes of both families",
            client: File(
                interface: ["Address = 10.77.0.1/24", "Address = fd77::1/64"],
                peer: ["AllowedIPs = 0.0.0.0/0, ::/0", endpoint]),
            server: exit, reaches: ["10.77.0.2", "fd77::2", "198.51.100.1", "2001:db8:100::1", "10.9.1.254"],
            seenAs: "10.9.2.2", guardedAddress: "10.77.0.1"),
        Self(
            testDescription: "default routes of both families, without nft",
            client: File(
                interface: ["Address = 10.77.0.1/24", "Address = fd77::1/64"],
                peer: ["AllowedIPs = 0.0.0.0/0, ::/0", endpoint]),
            server: exit, hasNft: false, reaches: ["10.77.0.2", "fd77::2", "198.51.100.1", "2001:db8:100::1"],
            seenAs: "10.9.2.2", guardedAddress: "10.77.0.1"),
        Self(
            testDescription: "a default route in halves, the endpoint by way of the gateway",
            client: File(
                interface: [
                    "Address = 10.77.0.1/32", "PreUp = ip route add 10.9.2.2 via 10.9.1.254",
                    "PostDown = ip route del 10.9.2.2 via 10.9.1.254",
                ], peer: ["AllowedIPs = 0.0.0.0/1, 128.0.0.0/1", endpoint]),
            server: exit, reaches: ["10.77.0.2", "198.51.100.1"], seenAs: "10.9.2.2"),
        Self(
            testDescription: "a table by its number",
            client: File(
                interface: [
                    "Address = 10.77.0.1/24", "Table = 1234", "PostUp = ip rule add to 198.51.100.0/24 table 1234",
                    "PreDown = ip rule del to 198.51.100.0/24 table 1234",
                ], peer: ["AllowedIPs = 0.0.0.0/0, 172.30.0.0/16", endpoint]),
            server: exit, reaches: ["10.77.0.2", "198.51.100.1"], seenAs: "10.9.2.2"),
        Self(
            testDescription: "no table, routes by hand",
            client: File(
                interface: [
                    "Address = 10.77.0.1/24", "Table = off", "PostUp = ip route add 198.51.100.0/24 dev %i",
                ], peer: ["AllowedIPs = 0.0.0.0/0, ::/0", endpoint]),
            server: exit, reaches: ["10.77.0.2", "198.51.100.1"], seenAs: "10.9.2.2"),
        Self(
            testDescription: "odd spacing, case and comments",
            client: File(
                interface: [
                    "  address=10.77.0.1/24 ,fd77::1/64 # the first", "ADDRESS =\t10.78.0.1/16", "# a line", "",
                    "mtu= 1380", "pOsTuP = true # %i;", "ListenPort=5555",
                ],
                peer: ["allowedips=10.77.0.0/24,fd77::/64", "AllowedIPs = 10.79.0.0/16#x", "endpoint =10.9.2.2:51820"]),
            reaches: ["10.77.0.2", "fd77::2"], reachesBack: ["10.77.0.1", "fd77::1"]),
        Self(
            testDescription: "IPv6 only, over IPv6",
            client: File(
                interface: ["Address = fd77::1/128"], peer: ["AllowedIPs = ::/0", "Endpoint = [fd09:2::2]:51820"]),
            server: exit, reaches: ["fd77::2", "2001:db8:100::1"], reachesBack: ["fd77::1"]),
        Self(
            testDescription: "allowed IPs that other routes of the interface cover",
            client: File(
                interface: ["Address = 10.77.0.1/24"],
                peer: [
                    "AllowedIPs = 10.77.0.0/25, 10.77.0.2/32, 172.30.0.0/16, 172.30.7.0/24",
                    "AllowedIPs = 172.30.7.9/32",
                    endpoint,
                ])),
        Self(
            testDescription: "a preshared key and a port",
            client: File(
                interface: ["Address = 10.77.0.1", "ListenPort = 5555"],
                peer: [
                    "PresharedKey = FpCyhws9cxwWoV4xELtfJvjJN+zQVRPISllRWgeopVE=", "AllowedIPs = 10.77.0.2/32",
                    endpoint,
                    "PersistentKeepalive = 25",
                ]),
            server: File(
                interface: ["Address = 10.77.0.2/24", "ListenPort = 51820"],
                peer: [
                    "AllowedIPs = 10.77.0.1/32", "PresharedKey = FpCyhws9cxwWoV4xELtfJvjJN+zQVRPISllRWgeopVE=",
                ])),
        Self(
            testDescription: "a default route with a mark of its own",
            client: File(
                interface: ["Address = 10.77.0.1/24", "FwMark = 1234"], peer: ["AllowedIPs = 0.0.0.0/0", endpoint]),
            server: exit, reaches: ["10.77.0.2", "198.51.100.1"], seenAs: "10.9.2.2", guardedAddress: "10.77.0.1"),
        Self(
            testDescription: "a default route where the usual table is taken",
            client: File(interface: ["Address = 10.77.0.1/24"], peer: ["AllowedIPs = 0.0.0.0/0", endpoint]),
            server: exit, preparation: ["route add 192.0.2.0/24 via 10.9.1.254 table 51820"],
            reaches: ["10.77.0.2", "198.51.100.1"], seenAs: "10.9.2.2", guardedAddress: "10.77.0.1"),
        Self(
            testDescription: "an MTU from the route to the endpoint",
            client: File(interface: ["Address = 10.77.0.1/24"], peer: ["AllowedIPs = 10.77.0.2/32", endpoint]),
            preparation: ["route add 10.9.2.0/24 via 10.9.1.254 mtu 1400"]),
        Self(
            testDescription: "name servers, search domains, hooks in order",
            client: File(
                interface: [
                    "Address = 10.77.0.1/24", "DNS = 10.77.0.2, fd77::2, corp.example", "DNS = lab.example",
                    "PreUp = echo one %i >/run/hooks", "PostUp = echo two >>/run/hooks",
                    "PostUp = echo three >>/run/hooks",
                    "PreDown = echo four >>/run/hooks", "PostDown = echo five >>/run/hooks",
                ], peer: ["AllowedIPs = 10.77.0.2/32, fd77::2/128", endpoint])),
        Self(
            testDescription: "a peer without an endpoint, and rules of others",
            client: File(
                interface: ["Address = 10.77.0.1/24", "ListenPort = 51820"], peer: ["AllowedIPs = 0.0.0.0/0"]),
            server: File(
                interface: ["Address = 10.77.0.2/24"],
                peer: ["AllowedIPs = 10.77.0.1/32", "Endpoint = 10.9.1.1:51820", "PersistentKeepalive = 1"]),
            preparation: [
                "rule add fwmark 9 table 99", "rule add table main suppress_prefixlength 8 priority 99",
                "rule add from ::/0 table main suppress_prefixlength 8",
            ]),
    ]
}
