import Foundation
import Testing

extension Interop {
    /// What the log and the report say about handshakes that pass and fail between two real daemons.
    @Suite(.disabled(if: Engine.isReferenceUnderTest, "wireguard-go logs otherwise, and has no report"))
    struct LogTests {
        private func lines(_ host: WireGuardHost) -> [Substring] { host.daemon?.errors.split(separator: "\n") ?? [] }

        private func tells(_ host: WireGuardHost, _ text: String) async throws -> Bool {
            try await eventually(within: .seconds(10)) { lines(host).contains { $0.contains(text) } }
        }

        /// The values of the lines that begin with `key=` in a report.
        private func report(_ host: WireGuardHost, _ key: String) throws -> [String] {
            let answer = try ConfigurationSocket(host.interface).ask("report=1\n\n") ?? []
            return answer.filter { $0.hasPrefix("\(key)=") }.map { String($0.dropFirst(key.count + 1)) }
        }

        private func short(_ host: WireGuardHost) -> String {
            "\(host.publicKey.prefix(4))…\(host.publicKey.dropLast().suffix(4))"
        }

        @Test func eachReasonIsTold() async throws {
            let plan = Tunnel.Plan(environment: ["LOG_LEVEL": "info"])
            try await Tunnel.with(.nightjars, plan) { tunnel in
                let (client, server) = (tunnel.client, tunnel.server)
                let (from, to) = (
                    tunnel.wire.client.endpoint(.ipv4, port: WireGuardHost.port), tunnel.serverEndpoint(.ipv4)
                )
                #expect(try await client.namespace.ping(server.ipv4).received == 3)
                #expect(try await tells(client, "peer \(short(server)): handshake completed with \(to)"))
                #expect(try await tells(server, "peer \(short(client)): handshake completed with \(from)"))
                #expect(try report(client, "completed_as_initiator") == ["1"])
                #expect(try report(server, "completed_as_responder") == ["1"])
                #expect(try await tells(server, "INFO: (\(server.interface)) "))
                #expect(try await tells(server, " Interface up, listening on UDP port \(WireGuardHost.port)"))

                try await server.set("peer \(client.publicKey) remove")
                try await tunnel.forgetSession()
                _ = try await client.namespace.ping(server.ipv4, count: 1, patience: 0.2)
                #expect(
                    try await tells(
                        server, "Handshake from \(from) refused: no peer here has its public key \(short(client))"))
                #expect(try report(server, "stranger").first?.contains(" \(from) ") ?? false)

                try await server.setPeer(client, presharedKey: try await server.makePresharedKey())
                try await tunnel.forgetSession()
                _ = try await client.namespace.ping(server.ipv4, count: 1, patience: 0.2)
                #expect(try await tells(client, "most likely one side has another preshared key"))
                #expect(try report(client, "refused").first?.hasPrefix("response-undecryptable 1 ") ?? false)
                #expect(try report(server, "unconfirmed") == ["1"])

                let key = server.privateKey
                let other = try await tunnel.lab.run(["wg", "genkey"]).output.trimmed
                try await server.set("private-key \(server.keyFile(other))")
                try await tunnel.forgetSession()
                _ = try await client.namespace.ping(server.ipv4, count: 1, patience: 0.2)
                #expect(try await tells(server, "refused: it was made for another public key than this interface's"))
                #expect(try report(server, "misdirected").first?.hasPrefix("\(from) ") ?? false)

                try await server.set(
                    "private-key \(server.keyFile(key)) peer \(client.publicKey) preshared-key /dev/null")
                try await tunnel.forgetSession()
                #expect(try await client.namespace.ping(server.ipv4).received == 3)
                try await client.set("listen-port 51999")
                #expect(try await client.namespace.ping(server.ipv4).received == 3)
                let moved = tunnel.wire.client.endpoint(.ipv4, port: 51999)
                #expect(try await tells(server, "peer \(short(client)): roamed from \(from) to \(moved)"))

                try await server.namespace.ip("link set \(server.interface) down")
                #expect(try await tells(server, " Interface down"))
                // Nothing that happens every two minutes, or for every packet, and no secrets.
                for host in [client, server] {
                    #expect(lines(host).count <= 8)
                    #expect(!lines(host).contains { $0.hasPrefix("DEBUG") })
                    for secret in [client.privateKey, server.privateKey, other] {
                        #expect(!lines(host).contains { $0.contains(secret) })
                    }
                }
            }
        }

        @Test func anInitiationIsSentWhenAskedFor() async throws {
            try await Tunnel.with(.nightjars) { tunnel in
                let socket = try ConfigurationSocket(tunnel.client.interface)
                let key = try #require(Data(base64Encoded: tunnel.server.publicKey))
                let request = "initiate=1\npublic_key=\(key.map { String(format: "%02x", $0) }.joined())\n\n"
                #expect(try socket.ask(request) == ["errno=0"])
                #expect(try socket.ask(request) == ["errno=-11"])
                let isCompleted = try await eventually(within: .seconds(5)) {
                    try report(tunnel.client, "completed_as_initiator") == ["1"]
                }
                #expect(isCompleted)
                let microseconds = try #require(
                    try report(tunnel.client, "handshake_microseconds").first.flatMap { Int($0) })
                #expect((1...5_000_000).contains(microseconds))
                let nobody = "initiate=1\npublic_key=\(String(repeating: "1", count: 64))\n\n"
                #expect(try socket.ask(nobody) == ["errno=-2"])
            }
        }

        /// A daemon that `up` leaves behind tells the system's log, by the names in the file.
        @Test func theBackgroundDaemonTellsTheSystemsLog() async throws {
            try await Lab.with { lab in
                let wire = try await lab.wire()
                let server = try await QuickMachine(.nightjar, at: wire.server)
                let client = try await QuickMachine(.nightjar, at: wire.client)
                let program = try Engine.nightjar.executable()
                for machine in [server, client] { try await machine.run(["sh", "-c", Self.privateDevices]) }
                let log = try server.start(["python3", "-c", Self.systemLog])
                try await server.run([
                    program, "new", "server", "--subnet", "10.8.0.0/24", "--forwarding", "off", "--endpoint",
                    wire.server.ipv4,
                ])
                try await server.run([
                    program, "new", "peer", "laptop", "--out", "/run/laptop.conf",
                ])
                #expect(try await eventually(within: .seconds(10)) { log.output.contains("ready") })
                try await server.run([program, "up", "--log-format", "json", "wg0"])
                let file = try lab.write(try await server.run("cat /run/laptop.conf").output, name: "laptop")
                try await client.run(["install", "-m", "600", file, "/etc/wireguard/wg0.conf"])
                // Nobody reads here: nothing may wait for that.
                try await client.quick("up")
                #expect(try await client.run("ping -n -c 1 -W 3 10.8.0.1").status == 0)
                let isTold = try await eventually(within: .seconds(10)) { log.output.contains("handshake-completed") }
                #expect(isTold)
                let objects = try log.output.split(separator: "\n").filter { $0.contains("{") }.map { line in
                    #expect(line.contains(" nightjar["))
                    let text = line[(line.firstIndex(of: "{") ?? line.startIndex)...]
                    return try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: String])
                }
                let handshake = try #require(objects.first { $0["event"] == "handshake-completed" })
                #expect(handshake["name"] == "laptop" && handshake["interface"] == "wg0")
                #expect(handshake["level"] == "info")
                #expect(
                    handshake["message"] == "laptop: handshake completed with \(handshake["endpoint", default: ""])")
                #expect(objects.contains { $0["event"] == "interface-up" })
            }
        }

        /// Gives a machine a /dev of its own with what programs need, where a log may be.
        private static let privateDevices = """
            set -e
            mkdir /run/dev
            mount -t tmpfs tmpfs /run/dev
            mkdir /run/dev/net
            for name in null zero full random urandom net/tun; do
                : >"/run/dev/$name"
                mount --bind "/dev/$name" "/run/dev/$name"
            done
            ln -s /proc/self/fd /run/dev/fd
            mount --rbind /run/dev /dev
            """

        /// Prints what comes to the system's log.
        private static let systemLog = """
            import socket
            log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            log.bind("/dev/log")
            print("ready", flush=True)
            while True:
                print(log.recv(65536).decode(), flush=True)
            """
    }
}
