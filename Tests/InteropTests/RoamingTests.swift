import Testing

extension Interop {
    @Suite struct RoamingTests {
        @Test(arguments: Pairing.all)
        func serverFollowsTheClient(_ pairing: Pairing) async throws {
            try await Tunnel.with(pairing, .init(join: .router, load: .idle)) { tunnel in
                let (client, server) = (tunnel.client, tunnel.server)
                try #require(try await client.namespace.ping(server.ipv4).received == 3)
                let handshake = try await client.status(of: server).latestHandshake

                try await client.set("listen-port 40404")
                #expect(try await client.namespace.ping(server.ipv4).received == 3)
                #expect(try await server.status(of: client).endpoint == "10.9.1.1:40404")
                #expect(try await server.namespace.ping(client.ipv4).received == 3)

                try await client.namespace.ip(
                    "addr del 10.9.1.1/24 dev eth0", "addr add 10.9.1.77/24 dev eth0",
                    "route replace default via 10.9.1.254")
                // wireguard-go holds on to the address that is gone until it has had no answer for 15 seconds.
                let isPrompt = client.engine == .nightjar && !Engine.isReferenceUnderTest
                let pause = try await client.namespace.firstAnswer(from: server.ipv4, within: 25)
                #expect(try #require(pause) < (isPrompt ? .seconds(1) : .seconds(22)))
                #expect(try await server.status(of: client).endpoint == "10.9.1.77:40404")
                #expect(try await server.namespace.ping(client.ipv6).received == 3)
                if isPrompt {
                    #expect(try await client.status(of: server).latestHandshake == handshake, "the session goes on")
                }
            }
        }

        @Test(arguments: Pairing.mixed)
        func clientFollowsFromIPv4ToIPv6(_ pairing: Pairing) async throws {
            try await Tunnel.with(pairing) { tunnel in
                let (client, server) = (tunnel.client, tunnel.server)
                try #require(try await client.namespace.ping(server.ipv4).received == 3)
                try await client.set("peer \(server.publicKey) endpoint \(tunnel.serverEndpoint(.ipv6))")
                #expect(try await client.namespace.ping(server.ipv4).received == 3)
                #expect(
                    try await server.status(of: client).endpoint
                        == tunnel.wire.client.endpoint(.ipv6, port: WireGuardHost.port))
            }
        }

        @Test(arguments: Pairing.all)
        func clientFollowsTheServersPort(_ pairing: Pairing) async throws {
            try await Tunnel.with(pairing) { tunnel in
                let (client, server) = (tunnel.client, tunnel.server)
                try #require(try await client.namespace.ping(server.ipv4).received == 3)
                try await server.set("listen-port 40405")
                #expect(try await server.namespace.udpPorts() == [40405])
                #expect(try await server.namespace.ping(client.ipv4).received == 3)
                #expect(try await client.status(of: server).endpoint == "\(tunnel.wire.server.ipv4):40405")
                #expect(try await client.namespace.ping(server.ipv4).received == 3)
            }
        }

        @Test(arguments: Pairing.mixed, Family.allCases)
        func answersComeFromTheAddressThatWasCalled(_ pairing: Pairing, _ outside: Family) async throws {
            try await Tunnel.with(pairing, .init(outside: outside)) { tunnel in
                let (client, server) = (tunnel.client, tunnel.server)
                // Not the address that the kernel would choose to answer from.
                try await server.namespace.ip(
                    "addr add 10.9.1.200/32 dev eth0", "addr add fd09:1::200/128 dev eth0 nodad")
                if outside == .ipv6 {
                    try await server.namespace.ip("route replace fd09:1::/64 dev eth0 src fd09:1::2")
                }
                let called = outside == .ipv4 ? "10.9.1.200:51820" : "[fd09:1::200]:51820"
                try await client.set("peer \(server.publicKey) endpoint \(called)")
                #expect(try await client.namespace.ping(server.ipv4).received == 3)
                #expect(try await client.status(of: server).endpoint == called)
                #expect(try await server.namespace.ping(client.ipv4).received == 3)
                #expect(try await client.status(of: server).endpoint == called)
            }
        }

        @Test(arguments: Pairing.mixed)
        func firewallMarkChoosesTheRoute(_ pairing: Pairing) async throws {
            try await Tunnel.with(pairing) { tunnel in
                let (client, server) = (tunnel.client, tunnel.server)
                try await server.namespace.ip("addr add 198.51.100.9/32 dev lo")
                try await client.namespace.ip(
                    "rule add fwmark 0x51 table 51", "route add 198.51.100.9 via 10.9.1.2 table 51")
                try await client.set("peer \(server.publicKey) endpoint 198.51.100.9:51820")
                #expect(try await client.namespace.firstAnswer(from: server.ipv4, within: 1) == nil)
                try await client.set("fwmark 0x51")
                #expect(try await client.status().firewallMark == 0x51)
                #expect(try await client.namespace.firstAnswer(from: server.ipv4, within: 8) != nil)
                #expect(try await client.status(of: server).endpoint == "198.51.100.9:51820")

                try await client.set("listen-port 40406")
                #expect(try await client.namespace.ping(server.ipv4).received == 3, "the new socket has the mark")
                try await client.set("fwmark 0")
                #expect(try await client.namespace.ping(server.ipv4, patience: 1).received == 0)
            }
        }
    }
}
