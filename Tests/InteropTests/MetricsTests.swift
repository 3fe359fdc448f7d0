import Foundation
import Glibc
import Testing

extension Interop {
    /// What Prometheus and supervisors get of real daemons.
    @Suite(.disabled(if: Engine.isReferenceUnderTest, "wireguard-go has no metrics"))
    struct MetricsTests {
        private static let port = 9586

        /// The status and the body of an answer; nil without one.
        private func get(_ path: String, _ namespace: Namespace, _ address: String = "127.0.0.1") async throws
            -> (status: Int, body: String)?
        {
            let url = "http://\(address):\(Self.port)\(path)"
            let result = try await namespace.run(
                ["curl", "-s", "--max-time", "5", "-w", "%{http_code}", url], mayFail: true)
            guard result.status == 0, let status = Int(result.output.suffix(3)) else { return nil }
            return (status, String(result.output.dropLast(3)))
        }

        /// The only sample whose line begins so and contains all of `parts`.
        private func value(_ text: String, _ name: String, _ parts: String...) throws -> Int {
            let lines = text.split(separator: "\n").filter { line in
                line.hasPrefix(name + "{") && parts.allSatisfy { line.contains($0) }
            }
            guard lines.count == 1, let value = lines[0].split(separator: " ").last.flatMap({ Double($0) }) else {
                throw Failure("no \(name) with \(parts): \(text)")
            }
            return Int(value)
        }

        @Test func aDaemonAnswersPrometheus() async throws {
            var plan = Tunnel.Plan()
            plan.environment = ["NIGHTJAR_METRICS_LISTEN": "\(Self.port)"]
            try await Tunnel.with(.nightjars, plan) { tunnel in
                let (client, server) = (tunnel.client, tunnel.server)
                #expect(try await get("/livez", client.namespace)?.status == 200)
                let early = try #require(try await get("/readyz", client.namespace))
                #expect(early.status == 503)
                #expect(early.body.hasPrefix("not ready: \(client.interface): no peer connected"))

                #expect(try await client.namespace.ping(server.ipv4, count: 3).received == 3)
                let isReady = try await eventually(within: .seconds(5)) {
                    try await get("/readyz", client.namespace)?.status == 200
                }
                #expect(isReady)
                #expect(try await get("/readyz", server.namespace)?.body == "ready: 1 of 1 expected peers connected\n")

                // Nothing flows any more, so both tools see the same.
                for (host, peer) in [(client, server), (server, client)] {
                    let text = try #require(try await get("/metrics", host.namespace)).body
                    let status = try await host.status(of: peer)
                    let key = "public_key=\"\(peer.publicKey)\""
                    #expect(try value(text, "wireguard_sent_bytes_total", key) == status.sentBytes)
                    #expect(try value(text, "wireguard_received_bytes_total", key) == status.receivedBytes)
                    #expect(try value(text, "wireguard_latest_handshake_seconds", key) == status.latestHandshake)
                    let own = try #require(try await host.status().publicKey)
                    #expect(
                        try value(text, "nightjar_interface_info", "public_key=\"\(own)\"", "server=\"nightjar\"") == 1)
                    #expect(try value(text, "nightjar_peer_up", key) == 1)
                    let role = host === client ? "initiator" : "responder"
                    #expect(try value(text, "nightjar_peer_handshakes_total", key, "completed-as-\(role)") == 1)
                    #expect(!text.contains(host.privateKey))
                    let judged = try await host.namespace.run(
                        [
                            "sh", "-c",
                            "curl -s http://127.0.0.1:\(Self.port)/metrics?names=both | promtool check metrics",
                        ])
                    #expect(judged.output + judged.errors == "")
                }
                // Another machine isn't answered.
                #expect(try await get("/metrics", client.namespace, server.site.ipv4) == nil)
                #expect(try await get("/metrics", client.namespace, server.ipv4) == nil)
            }
        }

        @Test func dropsAreThoseOfTheDaemon() async throws {
            var plan = Tunnel.Plan()
            plan.environment = ["NIGHTJAR_METRICS_LISTEN": "[::1]:\(Self.port)"]
            try await Tunnel.with(.nightjars, plan) { tunnel in
                let client = tunnel.client
                // No peer has this address.
                try await client.namespace.run("ip route add 198.51.100.1 dev \(client.interface)")
                try await client.namespace.run("ping -n -c 1 -W 1 198.51.100.1", mayFail: true)
                let text = try #require(try await get("/metrics", client.namespace, "[::1]")).body
                #expect(try value(text, "nightjar_interface_drops_total", "reason=\"no-peer-for-destination\"") == 1)
                let program = try Engine.nightjar.executable()
                let printed = try await client.namespace.run([program, "metrics", client.interface]).output
                #expect(try value(printed, "nightjar_interface_drops_total", "reason=\"no-peer-for-destination\"") == 1)
                // Out there, where there is no such thing.
                let missing = try await tunnel.server.namespace.run(
                    [program, "metrics", "nosuchthing", tunnel.server.interface], mayFail: true)
                #expect(missing.status == 1)
                #expect(missing.errors.contains("nosuchthing"))
                #expect(missing.output.contains("nightjar_interface_info{interface=\"\(tunnel.server.interface)\""))
            }
        }

        /// As a unit has it, with names from the file; and what happens when the port isn't free.
        @Test func aCommentInTheFileIsEnough() async throws {
            try await Lab.with { lab in
                let wire = try await lab.wire()
                let machine = try await QuickMachine(.nightjar, at: wire.client)
                let key = try await lab.run(["wg", "genkey"]).output.trimmed
                let peer = try await lab.run(["wg", "pubkey"], input: key + "\n").output.trimmed
                try await machine.configure(
                    """
                    [Interface]
                    Address = 10.77.0.1/24
                    PrivateKey = \(try await lab.run(["wg", "genkey"]).output.trimmed)
                    # MetricsListen = \(Self.port)
                    [Peer]
                    # Name = Ann's "phone"
                    PublicKey = \(peer)
                    AllowedIPs = 10.77.0.2/32
                    """)
                try await machine.quick("up")
                #expect(try await get("/livez", wire.client.namespace)?.status == 200)
                let printed = try await machine.run([try Engine.nightjar.executable(), "metrics"]).output
                #expect(
                    try value(
                        printed, "wireguard_sent_bytes_total", "interface=\"wg0\"", "public_key=\"\(peer)\"",
                        #"friendly_name="Ann's \"phone\"""#) == 0)
                try await machine.quick("down")
                #expect(try await get("/livez", wire.client.namespace) == nil)

                let holder = try machine.start(["python3", "-m", "http.server", "--bind", "127.0.0.1", "\(Self.port)"])
                let isHeld = try await eventually(within: .seconds(10)) {
                    try await get("/", wire.client.namespace) != nil
                }
                try #require(isHeld)
                let failed = try await machine.quick("up", mayFail: true)
                #expect(failed.status == 1)
                #expect(
                    failed.errors.contains(
                        "cannot listen on 127.0.0.1:\(Self.port) for metrics: Address already in use"))
                #expect(try await wire.client.namespace.hasLink("wg0") == false)
                await holder.stop()
                // The option counts more than the file.
                try await machine.run(
                    [try Engine.nightjar.executable(), "up", "wg0", "--metrics-listen", "10.9.1.1:\(Self.port)"])
                #expect(try await get("/livez", wire.server.namespace, "10.9.1.1")?.status == 200)
                #expect(try await get("/livez", wire.client.namespace) == nil)
                try await machine.quick("down")
            }
        }
    }
}
