import Testing

extension Interop {
    @Suite struct KeyTests {
        @Test(arguments: Pairing.all)
        func presharedKey(_ pairing: Pairing) async throws {
            try await Tunnel.with(pairing) { tunnel in
                let (client, server) = (tunnel.client, tunnel.server)
                let key = try await client.makePresharedKey()
                try await server.setPeer(client, presharedKey: key)
                try await client.setPeer(server, presharedKey: key)
                #expect(try await server.status(of: client).presharedKey == key)
                let report = try await client.namespace.ping(server.ipv4)
                #expect(report.received == 3, "\(report.text)")
            }
        }

        @Test(arguments: Pairing.mixed)
        func differentPresharedKeys(_ pairing: Pairing) async throws {
            try await Tunnel.with(pairing) { tunnel in
                let (client, server) = (tunnel.client, tunnel.server)
                try await server.setPeer(client, presharedKey: try await client.makePresharedKey())
                try await client.setPeer(server, presharedKey: try await client.makePresharedKey())
                #expect(try await client.namespace.firstAnswer(from: server.ipv4, within: 2) == nil)
                #expect(try await client.status(of: server).latestHandshake == 0)
                #expect(try await server.status(of: client).latestHandshake == 0)
            }
        }

        @Test(arguments: Pairing.mixed)
        func presharedKeyAddedLater(_ pairing: Pairing) async throws {
            try await Tunnel.with(pairing) { tunnel in
                let (client, server) = (tunnel.client, tunnel.server)
                try #require(try await client.namespace.ping(server.ipv4).received == 3)
                let first = try await client.status(of: server).latestHandshake

                let key = try await client.makePresharedKey()
                try await server.setPeer(client, presharedKey: key)
                #expect(try await client.namespace.ping(server.ipv4).received == 3, "the session goes on")
                try await tunnel.forgetSession()
                #expect(try await client.namespace.firstAnswer(from: server.ipv4, within: 1) == nil)

                try await tunnel.forgetSession(presharedKey: key)
                #expect(try await client.namespace.firstAnswer(from: server.ipv4, within: 8) != nil)
                #expect(try await client.status(of: server).latestHandshake > first)
            }
        }

        @Test(arguments: Pairing.all)
        func clientChangesItsKey(_ pairing: Pairing) async throws {
            try await Tunnel.with(pairing) { tunnel in
                let (client, server) = (tunnel.client, tunnel.server)
                try #require(try await client.namespace.ping(server.ipv4).received == 3)
                try await server.set("peer \(client.publicKey) remove")
                try await client.makeKey()
                try await client.set("private-key \(client.keyFile(client.privateKey))")
                try await server.setPeer(client)
                let pause = try await client.namespace.firstAnswer(from: server.ipv4, within: 10)
                #expect(try #require(pause) < .seconds(7))
                #expect(try await server.namespace.ping(client.ipv6).received == 3)
                #expect(try await client.status().publicKey == client.publicKey)
            }
        }

        @Test(arguments: Pairing.all)
        func serverChangesItsKey(_ pairing: Pairing) async throws {
            try await Tunnel.with(pairing) { tunnel in
                let (client, server) = (tunnel.client, tunnel.server)
                try #require(try await client.namespace.ping(server.ipv4).received == 3)
                try await client.set("peer \(server.publicKey) remove")
                try await server.makeKey()
                try await server.set("private-key \(server.keyFile(server.privateKey))")
                try await client.setPeer(server, endpoint: tunnel.serverEndpoint(.ipv4))
                let pause = try await client.namespace.firstAnswer(from: server.ipv4, within: 10)
                #expect(try #require(pause) < .seconds(7))
                #expect(try await server.namespace.ping(client.ipv4).received == 3)
            }
        }
    }
}
