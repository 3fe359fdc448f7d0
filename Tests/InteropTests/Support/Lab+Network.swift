/// One end of a wire: a namespace, and the addresses of its `eth0`.
struct Site {
    let namespace: Namespace
    let ipv4: String
    let ipv6: String

    func address(_ family: Family) -> String { family == .ipv4 ? ipv4 : ipv6 }

    /// `address:port` as `wg` reads it.
    func endpoint(_ family: Family, port: UInt16) -> String {
        family == .ipv4 ? "\(ipv4):\(port)" : "[\(ipv6)]:\(port)"
    }
}

/// Two machines, and what lies between them.
struct Wire {
    let client: Site
    let server: Site
    /// The bridge's or the router's namespace.
    let middle: Namespace?
}

enum Join: Sendable {
    /// One pair of virtual Ethernet devices.
    case direct
    /// A bridge in a namespace of its own, one network.
    case bridge
    /// A router in a namespace of its own, a network on each side: its `eth0` is the client's, its `eth1` the server's.
    case router
}

extension Lab {
    /// Makes two machines joined as `join` says, both with an `eth0` of `mtu` bytes.
    func wire(_ join: Join = .direct, mtu: Int = 1500) async throws -> Wire {
        let client = try await namespace("client")
        let server = try await namespace("server")
        let (clientNet, serverNet) = join == .router ? (1, 2) : (1, 1)
        let wire = Wire(
            client: Site(namespace: client, ipv4: "10.9.\(clientNet).1", ipv6: "fd09:\(clientNet)::1"),
            server: Site(namespace: server, ipv4: "10.9.\(serverNet).2", ipv6: "fd09:\(serverNet)::2"),
            middle: join == .direct ? nil : try await namespace("middle"))

        if let middle = wire.middle {
            try await cable(client, "eth0", middle, "eth0", mtu: mtu)
            try await cable(server, "eth0", middle, "eth1", mtu: mtu)
        } else {
            try await cable(client, "eth0", server, "eth0", mtu: mtu)
        }
        for site in [wire.client, wire.server] {
            try await site.namespace.ip(
                "addr add \(site.ipv4)/24 dev eth0", "addr add \(site.ipv6)/64 dev eth0 nodad", "link set eth0 up")
        }
        switch (join, wire.middle) {
        case (.bridge, let middle?):
            try await middle.ip(
                "link add bridge0 mtu \(mtu) type bridge forward_delay 0",
                "link set eth0 master bridge0", "link set eth1 master bridge0",
                "link set eth0 up", "link set eth1 up", "link set bridge0 up")
        case (.router, let middle?):
            try await middle.sysctl("ipv4.ip_forward=1", "ipv6.conf.all.forwarding=1")
            try await middle.ip(
                "addr add 10.9.1.254/24 dev eth0", "addr add fd09:1::fe/64 dev eth0 nodad",
                "addr add 10.9.2.254/24 dev eth1", "addr add fd09:2::fe/64 dev eth1 nodad",
                "link set eth0 up", "link set eth1 up")
            try await client.ip("route add default via 10.9.1.254", "route add ::/0 via fd09:1::fe")
            try await server.ip("route add default via 10.9.2.254", "route add ::/0 via fd09:2::fe")
        default:
            break
        }
        return wire
    }

    private func cable(
        _ left: Namespace, _ leftName: String, _ right: Namespace, _ rightName: String, mtu: Int
    ) async throws {
        try await left.ip(
            "link add \(leftName) mtu \(mtu) type veth peer name \(rightName) mtu \(mtu) netns \(right.name)")
        for (namespace, name) in [(left, leftName), (right, rightName)] {
            // A link-local address then needs no second of duplicate detection before it can be used.
            try await namespace.sysctl("ipv6.conf.\(name).accept_dad=0")
        }
    }
}
