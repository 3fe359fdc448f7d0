import Testing

extension Interop {
    @Suite struct LinkStateTests {
        @Test(.beyondReference("wireguard-go doesn't notice that its link goes down"), arguments: Pairing.mixed)
        func downClosesThePortAndUpOpensIt(_ pairing: Pairing) async throws {
            try await Tunnel.with(pairing, .init(keepalive: 1)) { tunnel in
                let (client, server) = (tunnel.client, tunnel.server)
                let (host, other) = client.engine == .nightjar ? (client, server) : (server, client)
                try #require(try await client.namespace.ping(server.ipv4).received == 3)
                try #require(try await host.namespace.udpPorts() == [WireGuardHost.port])

                try await host.namespace.ip("link set \(host.interface) down")
                let isClosed = try await eventually(within: .seconds(2)) {
                    try await host.namespace.udpPorts().isEmpty
                }
                try #require(isClosed)
                let before = (try await host.status(of: other), try await other.status(of: host))
                try await Task.sleep(for: .seconds(2))
                let after = (try await host.status(of: other), try await other.status(of: host))
                #expect(after.0.sentBytes == before.0.sentBytes)
                #expect(after.1.receivedBytes == before.1.receivedBytes)

                try await host.namespace.ip("link set \(host.interface) up")
                let isOpen = try await eventually(within: .seconds(2)) {
                    try await host.namespace.udpPorts() == [WireGuardHost.port]
                }
                #expect(isOpen)
                // Sessions went with the link; the client begins again when its old one stays without answer.
                #expect(try await client.namespace.firstAnswer(from: server.ipv4, within: 20) != nil)
                #expect(try await server.namespace.ping(client.ipv4).received == 3)
            }
        }

        @Test(.beyondReference("wireguard-go binds its port while its link is down"))
        func nothingIsBoundBeforeTheLinkIsUp() async throws {
            try await Lab.with { lab in
                let host = try await WireGuardHost(.nightjar, at: try await lab.wire().client, number: 1)
                try await host.start()
                try await host.setDevice()
                #expect(try await host.namespace.udpPorts().isEmpty)
                #expect(try await host.status().listenPort == WireGuardHost.port)
                try await host.bringUp()
                let isOpen = try await eventually(within: .seconds(2)) {
                    try await host.namespace.udpPorts() == [WireGuardHost.port]
                }
                #expect(isOpen)
            }
        }
    }
}
