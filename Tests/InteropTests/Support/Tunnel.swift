/// A client that knows its server's endpoint, and a server that learns its client's; both ready, without a session.
struct Tunnel {
    let lab: Lab
    let wire: Wire
    /// 10.77.0.1 and fd77::1 inside. It begins the handshake.
    let client: WireGuardHost
    /// 10.77.0.2 and fd77::2 inside.
    let server: WireGuardHost

    struct Plan: Sendable {
        var outside = Family.ipv4
        var join = Join.direct
        /// Bytes of an IP packet inside.
        var mtu = 1420
        /// Bytes of an IP packet on the wire.
        var wireMTU = 1500
        /// Seconds, at the client.
        var keepalive: Int?
        var presharedKeys: (client: String?, server: String?)
        var load = Load.usual
        /// More variables for both daemons.
        var environment: [String: String] = [:]
    }

    static func with(
        _ pairing: Pairing, _ plan: Plan = Plan(), _ body: (Tunnel) async throws -> Void
    ) async throws {
        try await Lab.with(load: plan.load) { lab in
            let wire = try await lab.wire(plan.join, mtu: plan.wireMTU)
            let tunnel = Tunnel(
                lab: lab, wire: wire,
                client: try await WireGuardHost(
                    pairing.initiator, at: wire.client, number: 1, environment: plan.environment),
                server: try await WireGuardHost(
                    pairing.responder, at: wire.server, number: 2, environment: plan.environment))
            for host in [tunnel.server, tunnel.client] {
                try await host.start()
                try await host.setDevice()
                try await host.bringUp(mtu: plan.mtu)
            }
            try await tunnel.server.setPeer(tunnel.client, presharedKey: plan.presharedKeys.server)
            try await tunnel.client.setPeer(
                tunnel.server, endpoint: tunnel.serverEndpoint(plan.outside), keepalive: plan.keepalive,
                presharedKey: plan.presharedKeys.client)
            try await body(tunnel)
        }
    }

    func serverEndpoint(_ family: Family) -> String {
        wire.server.endpoint(family, port: WireGuardHost.port)
    }

    /// Makes the client forget its session, so that its next packet begins a handshake.
    func forgetSession(_ outside: Family = .ipv4, presharedKey: String? = nil) async throws {
        try await client.set("peer \(server.publicKey) remove")
        try await client.setPeer(server, endpoint: serverEndpoint(outside), presharedKey: presharedKey)
    }
}
