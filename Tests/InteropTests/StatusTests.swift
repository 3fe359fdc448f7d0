import Foundation
import Testing

extension Interop {
    /// `nightjar status` beside real interfaces.
    @Suite(.disabled(if: Engine.isReferenceUnderTest, "wireguard-go has no status"))
    struct StatusTests {
        private struct Document: Decodable {
            struct Interface: Decodable {
                let name: String
                let server: String
                let health: String
                let peers: [Peer]
            }
            struct Peer: Decodable {
                let name: String?
                let health: String
                let reason: String
                let routes: [String]?
                let receivedBytesPerSecond: UInt64?
            }
            let version: Int
            let interfaces: [Interface]
        }

        private func status(_ machine: QuickMachine) async throws -> Document.Interface {
            let result = try await machine.run([try Engine.nightjar.executable(), "status", "wg0", "--json"])
            let document = try JSONDecoder().decode(Document.self, from: Data(result.output.utf8))
            #expect(document.version == 1)
            return try #require(document.interfaces.first)
        }

        /// A server that is up with two peers, and a client with the file of the first, which wireguard-go is to serve.
        private func withTunnel(
            _ body: (_ server: QuickMachine, _ client: QuickMachine) async throws -> Void
        ) async throws {
            try await Lab.with { lab in
                let wire = try await lab.wire(.direct)
                let server = try await QuickMachine(.nightjar, at: wire.server)
                let client = try await QuickMachine(.stock, at: wire.client)
                let program = try Engine.nightjar.executable()
                try await server.run([
                    program, "new", "server", "--subnet", "10.8.0.0/24", "--endpoint", wire.server.ipv4,
                ])
                try await server.run([program, "new", "peer", "laptop", "--out", "/run/laptop.conf"])
                try await server.run([program, "new", "peer", "phone", "--no-qr"])
                try await server.run([program, "up", "wg0"])
                let file = try lab.write(try await server.run("cat /run/laptop.conf").output, name: "laptop")
                try await client.run(["install", "-m", "600", file, "/etc/wireguard/wg0.conf"])
                try await body(server, client)
            }
        }

        @Test func whoIsConnected() async throws {
            try await withTunnel { server, client in
                let before = try await status(server)
                #expect(before.peers.map(\.health) == ["waiting", "waiting"])
                #expect(before.peers.map(\.name) == ["laptop", "phone"])
                try await client.quick("up")
                #expect(try await client.run("ping -n -c 1 -W 3 10.8.0.1").status == 0)

                let after = try await status(server)
                #expect(after.server == "nightjar" && after.health == "healthy")
                #expect(after.peers.map(\.health) == ["healthy", "waiting"])
                #expect(after.peers[0].routes == ["10.8.0.2/32"])
                #expect(after.peers[0].receivedBytesPerSecond != nil)

                let other = try await status(client)
                #expect(other.server == "program" && other.health == "healthy")
                #expect(other.peers[0].routes == ["0.0.0.0/0"])

                try await server.run([try Engine.nightjar.executable(), "disable", "laptop"])
                let screen = try await server.run([try Engine.nightjar.executable(), "status"]).output
                #expect(screen.hasPrefix("wg0: waiting, no peer connected, 1 waiting, 1 off\n"), "\(screen)")
                #expect(!screen.contains("\u{1b}"))
                // The route leaves, what the peer may send stays.
                try await server.run("ip route del 10.8.0.0/24 dev wg0")
                let routeless = try await server.run([try Engine.nightjar.executable(), "status", "wg0"]).output
                #expect(
                    routeless.contains("routes to nothing, for lack of a route into wg0; accepts from 10.8.0.3\n"),
                    "\(routeless)")
                try await server.run("ip link set wg0 down")
                #expect(try await status(server).health == "down")
            }
        }

        @Test func nothingIsUp() async throws {
            try await Lab.with { lab in
                let wire = try await lab.wire(.direct)
                let machine = try await QuickMachine(.nightjar, at: wire.server)
                let program = try Engine.nightjar.executable()
                let nothing = try await machine.run([program, "status"])
                #expect(nothing.output.contains("'nightjar new server'"))
                try await machine.run([program, "new", "server", "--endpoint", wire.server.ipv4])
                #expect(try await machine.run([program, "status"]).output.contains("'nightjar up wg0' brings up"))
                let missing = try await machine.run([program, "status", "wg0"], mayFail: true)
                #expect(missing.status == 1 && missing.errors.contains("'nightjar up wg0' brings it up"))
                let pipe = try await machine.run([program, "status", "--watch"], mayFail: true)
                #expect(pipe.status == 1 && pipe.errors.contains("the output isn't one"))
            }
        }

        /// By the key, and by a signal; both leave the terminal as it was.
        @Test(arguments: [nil, "TERM", "INT"]) func watchingEnds(_ signal: String?) async throws {
            try await Lab.with { lab in
                let wire = try await lab.wire(.direct)
                let machine = try await QuickMachine(.nightjar, at: wire.server)
                let program = try Engine.nightjar.executable()
                try await machine.run([program, "new", "server", "--endpoint", wire.server.ipv4])
                try await machine.run([program, "up", "wg0"])
                let watch = "\(program) status --watch"
                let ending = signal.map { "timeout --foreground -s \($0) 0.7 \(watch)" } ?? watch
                let script =
                    "stty rows 24 columns 80; stty -a >/run/before; \(ending); echo ended $?; stty -a >/run/after"
                let typescript = try await machine.run(
                    ["script", "-qec", script, "/dev/null"], environment: ["TERM": "xterm", "NO_COLOR": "1"],
                    input: signal == nil ? "hq" : "h")
                let screen = typescript.output
                #expect(screen.contains("wg0: idle, it has no peers"), "\(screen)")
                #expect(screen.contains("[q]uit"))
                #expect(screen.contains("\u{1b}[?1049h") && screen.contains("\u{1b}[?25h\u{1b}[?1049l"))
                #expect(screen.contains(signal == nil ? "ended 0" : "ended 124"), "\(screen)")
                #expect(try await machine.run("cmp /run/before /run/after", mayFail: true).status == 0)
            }
        }
    }
}
