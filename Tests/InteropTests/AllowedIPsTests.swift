import Testing

extension Interop {
    @Suite struct AllowedIPsTests {
        /// The longest prefix decides who may send from an address: here a stranger's, inside the client's network.
        @Test(arguments: Pairing.mixed)
        func wrongSourceIsDropped(_ pairing: Pairing) async throws {
            try await Tunnel.with(pairing) { tunnel in
                let (client, server) = (tunnel.client, tunnel.server)
                let stranger = try await WireGuardHost(.wireguardGo, at: tunnel.wire.client, number: 50)
                try await server.setPeer(client, allowedIPs: "10.77.0.0/24,fd77::/64")
                try await server.setPeer(stranger)
                try await client.namespace.ip(
                    "addr add 10.77.0.50/32 dev \(client.interface)",
                    "addr add fd77::50/128 dev \(client.interface) nodad",
                    "addr add 10.77.0.51/32 dev \(client.interface)")
                #expect(try await client.namespace.ping(server.ipv4, source: "10.77.0.51").received == 3)

                let before = try await receivedPackets(server)
                #expect(try await client.namespace.ping(server.ipv4, source: "10.77.0.50", patience: 1).received == 0)
                #expect(try await client.namespace.ping(server.ipv6, source: "fd77::50", patience: 1).received == 0)
                #expect(try await receivedPackets(server) == before)
                #expect(try await client.namespace.ping(server.ipv4, source: client.ipv4).received == 3)
            }
        }

        /// A prefix belongs to one peer; the last to ask for it has it.
        @Test(arguments: Pairing.mixed)
        func prefixMovesBetweenPeers(_ pairing: Pairing) async throws {
            try await Tunnel.with(pairing) { tunnel in
                let (client, server) = (tunnel.client, tunnel.server)
                let other = try await WireGuardHost(.wireguardGo, at: tunnel.wire.client, number: 3)
                try #require(try await client.namespace.ping(server.ipv4).received == 3)
                try await server.setPeer(other, allowedIPs: "10.77.0.1/32")
                #expect(try await server.status(of: client).allowedIPs == ["fd77::1/128"])
                #expect(try await client.namespace.ping(server.ipv4, patience: 1).received == 0)
                #expect(try await client.namespace.ping(server.ipv6).received == 3)
                try await server.set("peer \(other.publicKey) remove")
                try await server.setPeer(client)
                #expect(try await client.namespace.ping(server.ipv4).received == 3)
            }
        }

        @Test(.beyondReference("wireguard-go drops such packets silently"), arguments: Family.allCases)
        func unreachableWithoutPeer(_ family: Family) async throws {
            try await Tunnel.with(.toReference) { tunnel in
                let client = tunnel.client
                let report = try await client.namespace.ping(
                    family == .ipv4 ? "10.77.0.99" : "fd77::99", count: 1, patience: 1)
                #expect(report.text.contains(unreachable(family)), "\(report.text)")
            }
        }

        @Test(.beyondReference("wireguard-go waits for an endpoint"), arguments: Family.allCases)
        func unreachableWithoutEndpoint(_ family: Family) async throws {
            try await Tunnel.with(.fromReference) { tunnel in
                let (client, server) = (tunnel.client, tunnel.server)
                let report = try await server.namespace.ping(client.address(family), count: 1, patience: 1)
                #expect(report.text.contains(unreachable(family)), "\(report.text)")
            }
        }

        private func unreachable(_ family: Family) -> String {
            family == .ipv4 ? "Destination Host Unreachable" : "Destination unreachable: Address unreachable"
        }

        /// Packets that the daemon gave to the machine.
        private func receivedPackets(_ host: WireGuardHost) async throws -> Int {
            let path = "/sys/class/net/\(host.interface)/statistics/rx_packets"
            return Int(try await host.namespace.run("cat \(path)").output.trimmed) ?? -1
        }
    }
}
