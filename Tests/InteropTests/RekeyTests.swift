import Testing

extension Interop {
    @Suite struct RekeyTests {
        /// The initiator replaces a session after 120 seconds (REKEY_AFTER_TIME), while traffic goes on.
        @Test(arguments: Pairing.all)
        func trafficCrossesARekey(_ pairing: Pairing) async throws {
            try await Tunnel.with(pairing, .init(load: .idle)) { tunnel in
                let (client, server) = (tunnel.client, tunnel.server)
                let ping = try client.namespace.startPing(server.ipv4, count: 650)
                let isUp = try await eventually(within: .seconds(5)) {
                    try await server.status(of: client).latestHandshake > 0
                }
                try #require(isUp)
                let first = (try await client.status(of: server), try await server.status(of: client))
                _ = try await ping.end(within: .seconds(150))
                let report = PingReport(ping.output)
                #expect(report.transmitted == 650)
                #expect(report.received >= 648, "\(report.received) of 650 came back")
                let last = (try await client.status(of: server), try await server.status(of: client))
                #expect((119...125).contains(last.0.latestHandshake - first.0.latestHandshake))
                #expect((119...125).contains(last.1.latestHandshake - first.1.latestHandshake))
            }
        }
    }
}
