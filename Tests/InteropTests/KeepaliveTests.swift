import Testing

extension Interop {
    @Suite struct KeepaliveTests {
        @Test(arguments: Pairing.mixed)
        func persistentKeepaliveBringsTheTunnelUp(_ pairing: Pairing) async throws {
            try await Tunnel.with(pairing, .init(keepalive: 1, load: .idle)) { tunnel in
                let (client, server) = (tunnel.client, tunnel.server)
                let isUp = try await eventually(within: .seconds(7)) {
                    try await server.status(of: client).latestHandshake > 0
                }
                try #require(isUp)
                #expect(try await client.status(of: server).keepalive == 1)
                let before = try await server.status(of: client).receivedBytes
                try await Task.sleep(for: .seconds(5))
                let grown = try await server.status(of: client).receivedBytes - before
                #expect(grown.isMultiple(of: 32))
                #expect((3...7).contains(grown / 32))

                try await client.set("peer \(server.publicKey) persistent-keepalive 0")
                try await Task.sleep(for: .milliseconds(100))
                let after = try await server.status(of: client).receivedBytes
                try await Task.sleep(for: .seconds(3))
                #expect(try await server.status(of: client).receivedBytes == after)
            }
        }

        @Test(arguments: Pairing.mixed)
        func oneKeepaliveAnswersDataThatNeedsNone(_ pairing: Pairing) async throws {
            try await Tunnel.with(pairing, .init(load: .idle)) { tunnel in
                let (client, server) = (tunnel.client, tunnel.server)
                try #require(try await client.namespace.ping(server.ipv4, count: 1).received == 1)
                try await Task.sleep(for: .milliseconds(300))
                let before = (try await client.status(of: server), try await server.status(of: client))
                try await Task.sleep(for: .seconds(14))
                let after = (try await client.status(of: server), try await server.status(of: client))
                #expect(after.0.sentBytes == before.0.sentBytes + 32)
                #expect(after.1.receivedBytes == before.1.receivedBytes + 32)
                #expect(after.1.sentBytes == before.1.sentBytes, "a keepalive isn't answered")
            }
        }
    }
}
