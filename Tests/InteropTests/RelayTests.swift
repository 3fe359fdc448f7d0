import Foundation
import Glibc
import Testing

extension Interop {
    /// `nightjar relay` for WireGuard programs that have no disguise: Debian's wireguard-go on both sides of two relays, and of one
    /// relay where the other end is Nightjar itself.
    @Suite struct RelayTests {
        /// What a side of a relay, or the interface of a daemon, says of its disguise.
        private static let disguises: [(name: String, lines: String, mtu: Int)] = [
            ("veil", "Obfuscation = veil\nObfuscationKey = a secret", 1412),
            ("xor", "Obfuscation = xor\nObfuscationKey = adamxiao", 1420),
            ("lwo", "Obfuscation = lwo", 1420),
            ("swgp", "Obfuscation = swgp\nObfuscationKey = AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", 1420),
            (
                "swgp-paranoid",
                "Obfuscation = swgp-paranoid\nObfuscationKey = AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", 1376
            ),
            ("wg-obfuscator", "Obfuscation = wg-obfuscator-stun\nObfuscationKey = test", 1392),
            (
                "AmneziaWG",
                """
                Jc = 3
                Jmin = 40
                Jmax = 70
                S1 = 15
                S2 = 18
                S3 = 20
                S4 = 16
                H1 = 10-1000000
                H2 = 2000000-3000000
                H3 = 4000000-5000000
                H4 = 6000000-7000000
                HeaderProtectionKey = AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=
                """, 1404
            ),
        ]

        /// Whether a relay that ended has dropped no more than the datagrams that some dialects send before a handshake, and that mean
        /// nothing: random bytes, which may look like data of a session that isn't known.
        private static func hasDroppedNothing(_ log: String) -> Bool {
            guard let drops = log.split(separator: "dropped: ", maxSplits: 1).dropFirst().first else {
                return log.contains("nothing dropped")
            }
            return drops.prefix { $0 != "\n" }.split(separator: ", ").allSatisfy { drop in
                let words = drop.split(separator: " ")
                guard words.count == 2, let count = Int(words[1]) else { return false }
                return ["not-wireguard", "unknown-session"].contains(words[0]) && count <= 8
            }
        }

        @Test(arguments: disguises.indices)
        func stockOnBothEnds(_ place: Int) async throws {
            let disguise = Self.disguises[place]
            try await Lab.with { lab in
                let ends = try await Ends(lab, client: .wireguardGo)
                let far = try await ends.relay(
                    at: ends.server, "Listen = 443\nEndpoint = 127.0.0.1:51820", "[Listen]\n\(disguise.lines)")
                let near = try await ends.relay(
                    at: ends.client, "Listen = 127.0.0.1:51821\nEndpoint = \(ends.wire.server.ipv4):443",
                    "[Forward]\n\(disguise.lines)")
                try await ends.start(endpoint: "127.0.0.1:51821", mtu: disguise.mtu)
                try await ends.expectTraffic()
                for relay in [near, far] {
                    relay.signal(SIGTERM)
                    #expect(try await relay.end(within: .seconds(5)) == 0)
                    #expect(Self.hasDroppedNothing(relay.errors), "\(disguise.name): \(relay.errors)")
                }
            }
        }

        @Test(arguments: disguises.indices)
        func daemonBesideRelay(_ place: Int) async throws {
            let disguise = Self.disguises[place]
            try await Lab.with { lab in
                let ends = try await Ends(lab, client: .nightjar)
                let far = try await ends.relay(
                    at: ends.server, "Listen = 443\nEndpoint = 127.0.0.1:51820", "[Listen]\n\(disguise.lines)")
                try await ends.start(
                    endpoint: "\(ends.wire.server.ipv4):443", mtu: disguise.mtu, disguise: disguise.lines)
                try await ends.expectTraffic()
                far.signal(SIGUSR1)
                #expect(
                    try await eventually(within: .seconds(2)) { far.errors.contains("1 flows now, 1 in all") })
                #expect(Self.hasDroppedNothing(far.errors), "\(disguise.name): \(far.errors)")
            }
        }

        @Test func aReloadKeepsTheTunnelAndABadFileChangesNothing() async throws {
            try await Lab.with { lab in
                let ends = try await Ends(lab, client: .wireguardGo)
                let path = lab.path("relay.conf")
                let text = """
                    [Relay]
                    Listen = 443
                    Endpoint = 127.0.0.1:51820
                    \(ends.keys)
                    """
                let relay = try await ends.relay(at: ends.server, file: try lab.write(text, name: path))
                try await ends.start(endpoint: "\(ends.wire.server.ipv4):443", mtu: 1420)
                try await ends.expectTraffic()

                _ = try lab.write(text + "\nMaxFlow = 3\n", name: path)
                relay.signal(SIGHUP)
                #expect(
                    try await eventually(within: .seconds(2)) {
                        relay.errors.contains("\(path):6: found the unknown key \"MaxFlow\"; expected MaxFlows")
                    })
                _ = try lab.write(
                    text + "\nMaxFlows = 3\n[Relay]\nListen = 444\nEndpoint = 127.0.0.1:51820\n", name: path)
                relay.signal(SIGHUP)
                #expect(try await eventually(within: .seconds(2)) { relay.errors.contains("Took the new settings") })
                #expect(try await ends.server.namespace.udpPorts().isSuperset(of: [443, 444]))
                #expect(try await ends.client.namespace.ping(ends.server.ipv4, count: 5).received == 5)
                relay.signal(SIGUSR1)
                #expect(try await eventually(within: .seconds(2)) { relay.errors.contains("1 flows now, 1 in all") })
            }
        }
    }
}

/// Two hosts on a wire whose WireGuard goes through relays.
private struct Ends {
    let lab: Lab
    let wire: Wire
    let client: WireGuardHost
    let server: WireGuardHost

    init(_ lab: Lab, client engine: Engine) async throws {
        self.lab = lab
        wire = try await lab.wire(.direct)
        client = try await WireGuardHost(engine, at: wire.client, number: 1)
        server = try await WireGuardHost(.wireguardGo, at: wire.server, number: 2)
    }

    /// The keys that relays need for some disguises.
    var keys: String { "ServerPublicKey = \(server.publicKey)\nClientPublicKey = \(client.publicKey)" }

    /// Starts a relay and waits until it listens.
    func relay(at host: WireGuardHost, _ lines: String, _ side: String) async throws -> Child {
        try await relay(at: host, file: try lab.write("[Relay]\n\(lines)\n\(keys)\n\(side)\n", name: "relay.conf"))
    }

    func relay(at host: WireGuardHost, file: String) async throws -> Child {
        let child = try host.namespace.start(
            [try Engine.nightjar.executable(), "relay", file], log: "relay at \(host.namespace.name)")
        let listens = try await eventually(within: .seconds(5), every: .milliseconds(10)) {
            child.status() != nil || child.errors.contains("Listening on")
        }
        guard listens, child.status() == nil else { throw Failure("the relay didn't start: \(child.errors)") }
        return child
    }

    /// Starts both daemons.
    ///
    /// - Parameter disguise: of the client, in the words of a file.
    func start(endpoint: String, mtu: Int, disguise: String = "") async throws {
        for host in [server, client] {
            try await host.start()
            try await host.setDevice()
            try await host.bringUp(mtu: mtu)
        }
        try await server.setPeer(client)
        if disguise.isEmpty {
            try await client.setPeer(server, endpoint: endpoint)
        } else {
            let file = try lab.write(
                """
                [Interface]
                PrivateKey = \(client.privateKey)
                \(disguise)
                [Peer]
                PublicKey = \(server.publicKey)
                AllowedIPs = \(server.ipv4)/32, \(server.ipv6)/128
                Endpoint = \(endpoint)
                """, name: "disguised.conf")
            try await client.namespace.run(
                [try Engine.nightjar.executable(), "setconf", client.interface, file])
        }
    }

    /// Small and full packets, and both directions of TCP.
    func expectTraffic() async throws {
        for family in Family.allCases {
            #expect(try await client.namespace.ping(server.address(family), count: 5, size: 900).received == 5)
        }
        let tunnel = Tunnel(lab: lab, wire: wire, client: client, server: server)
        for fromServer in [false, true] {
            let ends = try await tunnel.transfer(bytes: 4_000_000, fromServer: fromServer)
            #expect(ends.received == ends.sent && ends.sent.bytes == 4_000_000)
        }
        #expect(try await tunnel.throughput(seconds: 1, ["--bidir"]).forward > 1_000_000)
    }
}
