import Testing

extension Interop {
    @Suite struct HandshakeTests {
        @Test(arguments: Pairing.all, Family.allCases)
        func sessionCarriesBothFamilies(_ pairing: Pairing, _ outside: Family) async throws {
            try await Tunnel.with(pairing, .init(outside: outside)) { tunnel in
                let (client, server) = (tunnel.client, tunnel.server)
                #expect(try await server.status(of: client).latestHandshake == 0)
                for inside in Family.allCases {
                    let report = try await client.namespace.ping(server.address(inside))
                    #expect(report.received == 3, "\(report.text)")
                    let back = try await server.namespace.ping(client.address(inside))
                    #expect(back.received == 3, "\(back.text)")
                }
                let atServer = try await server.status(of: client)
                let atClient = try await client.status(of: server)
                #expect(atServer.endpoint == tunnel.wire.client.endpoint(outside, port: WireGuardHost.port))
                #expect(atServer.latestHandshake > 0)
                #expect(atClient.latestHandshake > 0)
                // Twelve packets of 84 or 104 bytes in each direction, padded to 16, with 32 bytes around each, one
                // handshake message each way, and the client's keepalive at most.
                let packets = 6 * (96 + 32) + 6 * (112 + 32)
                #expect((packets + 148...packets + 148 + 32).contains(atServer.receivedBytes))
                #expect(atServer.receivedBytes == atClient.sentBytes)
                #expect(atClient.receivedBytes == packets + 92)
                #expect(atClient.receivedBytes == atServer.sentBytes)
            }
        }

        @Test(arguments: Pairing.all)
        func bothEndsBeginAtOnce(_ pairing: Pairing) async throws {
            try await Tunnel.with(pairing) { tunnel in
                let (client, server) = (tunnel.client, tunnel.server)
                try await server.setPeer(
                    client, endpoint: tunnel.wire.client.endpoint(.ipv4, port: WireGuardHost.port))
                let pings = [
                    try client.namespace.startPing(server.ipv4, count: 40),
                    try server.namespace.startPing(client.ipv4, count: 40),
                ]
                for ping in pings {
                    _ = try await ping.end(within: .seconds(30))
                    let report = PingReport(ping.output)
                    #expect(report.longestGap < 30 && report.received >= 10, "\(report.text)")
                }
            }
        }

        @Test(arguments: Pairing.mixed)
        func linkLocalEndpointWithZone(_ pairing: Pairing) async throws {
            try await Tunnel.with(pairing) { tunnel in
                let (client, server) = (tunnel.client, tunnel.server)
                try await server.namespace.ip("addr add fe80::2/64 dev eth0 nodad")
                try await client.namespace.ip("addr add fe80::1/64 dev eth0 nodad")
                try await client.set("peer \(server.publicKey) endpoint [fe80::2%eth0]:\(WireGuardHost.port)")
                #expect(try await client.namespace.firstAnswer(from: server.ipv4, within: 8) != nil)
                let endpoint = try await client.status(of: server).endpoint
                // wireguard-go uses the zone, but doesn't show it.
                let zone = client.engine == .nightjar && !Engine.isReferenceUnderTest ? "%eth0" : ""
                #expect(endpoint == "[fe80::2\(zone)]:\(WireGuardHost.port)")
            }
        }

        @Test func unknownClientGetsNoAnswer() async throws {
            try await Tunnel.with(.fromReference) { tunnel in
                let (client, server) = (tunnel.client, tunnel.server)
                try await server.set("peer \(client.publicKey) remove")
                #expect(try await client.namespace.firstAnswer(from: server.ipv4, within: 2) == nil)
                let status = try await client.status(of: server)
                #expect(status.sentBytes >= 148)
                #expect(status.receivedBytes == 0)
            }
        }

        @Test(arguments: Pairing.all)
        func machinesWithoutIPv6(_ pairing: Pairing) async throws {
            try await Lab.with { lab in
                let wire = try await lab.wire()
                var hosts: [WireGuardHost] = []
                for (engine, site) in [(pairing.initiator, wire.client), (pairing.responder, wire.server)] {
                    try await site.namespace.sysctl("ipv6.conf.all.disable_ipv6=1", "ipv6.conf.default.disable_ipv6=1")
                    let host = try await WireGuardHost(engine, at: site, number: hosts.count + 1)
                    try await host.start()
                    try await host.setDevice()
                    try await host.bringUp()
                    hosts.append(host)
                }
                let (client, server) = (hosts[0], hosts[1])
                try await server.setPeer(client)
                try await client.setPeer(server, endpoint: wire.server.endpoint(.ipv4, port: WireGuardHost.port))
                let report = try await client.namespace.ping(server.ipv4)
                #expect(report.received == 3, "\(report.text)")
            }
        }
    }
}
