import Testing

extension Interop {
    /// An interface that is moved while its daemon and the daemon's sockets stay where they are.
    @Suite struct NamespaceTests {
        @Test(.beyondReference("wireguard-go never notices that the link goes down and up"))
        func interfaceWorksInAnotherNamespace() async throws {
            try await Tunnel.with(.nightjars) { tunnel in
                let (client, server) = (tunnel.client, tunnel.server)
                let inner = try await client.lab.namespace("inner")
                try await client.namespace.ip("link set \(client.interface) netns \(inner.name)")
                try await inner.ip("address add \(client.ipv4)/24 dev \(client.interface)")
                try await inner.ip("link set \(client.interface) up")
                let report = try await inner.ping(server.ipv4)
                #expect(report.received == 3, "\(report.text)")
            }
        }
    }
}
