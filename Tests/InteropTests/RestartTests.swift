import Testing

extension Interop {
    @Suite struct RestartTests {
        @Test(arguments: Pairing.all)
        func clientComesBack(_ pairing: Pairing) async throws {
            try await Tunnel.with(pairing) { tunnel in
                let (client, server) = (tunnel.client, tunnel.server)
                try #require(try await client.namespace.ping(server.ipv4).received == 3)
                client.crash()
                try await client.start()
                try await client.setDevice()
                try await client.bringUp()
                try await client.setPeer(server, endpoint: tunnel.serverEndpoint(.ipv4))
                let pause = try await client.namespace.firstAnswer(from: server.ipv4, within: 10)
                #expect(try #require(pause) < .seconds(2), "an initiation goes out at once")
            }
        }

        /// The client sends 15 seconds into the void before it begins a handshake (Protocol §9, T3).
        @Test(arguments: Pairing.all)
        func serverComesBack(_ pairing: Pairing) async throws {
            try await Tunnel.with(pairing, .init(load: .idle)) { tunnel in
                let (client, server) = (tunnel.client, tunnel.server)
                try #require(try await client.namespace.ping(server.ipv4).received == 3)
                let ping = try client.namespace.startPing(server.ipv4, count: 110)
                try await Task.sleep(for: .milliseconds(500))
                server.crash()
                try await server.start()
                try await server.setDevice()
                try await server.bringUp()
                try await server.setPeer(client)
                _ = try await ping.end(within: .seconds(40))
                let report = PingReport(ping.output)
                #expect(report.sequence.first == 1, "\(report.text)")
                #expect((1...95).contains(report.longestGap), "\(report.text)")
                #expect(report.sequence.last ?? 0 >= 105, "\(report.text)")
            }
        }
    }
}
