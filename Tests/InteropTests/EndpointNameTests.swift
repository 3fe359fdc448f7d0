import Foundation
import Testing

extension Interop {
    /// Peers whose endpoints are given by name, and move.
    @Suite struct EndpointNameTests {
        @Test(.beyondReference("only nightjar looks names up again")) func trafficFollowsTheName() async throws {
            try await withNamedServer { scene in
                let (client, server) = (scene.client, scene.server)
                try scene.point(to: scene.wire.server.ipv4)
                try scene.setName("\(scene.wire.server.ipv4):51820")
                #expect(try scene.socket.ask("endpoint_names=1\n\n")?[1] == "endpoint_name=home.test:51820")
                #expect(try await client.namespace.ping(server.ipv4).received == 3)

                try await server.namespace.ip(
                    "addr del \(scene.wire.server.ipv4)/24 dev eth0", "addr add 10.9.1.200/24 dev eth0",
                    // It forgets the session, or it would call the client first.
                    "link set \(server.interface) down", "link set \(server.interface) up")
                try scene.point(to: "10.9.1.200")
                // 15 seconds until a silent peer gets an initiation, and as many of those without an answer.
                let pause = try await client.namespace.firstAnswer(from: server.ipv4, within: 50)
                #expect(try #require(pause) > .seconds(20))
                #expect(try await client.status(of: server).endpoint == "10.9.1.200:51820")
                #expect(try #require(client.daemon).errors.contains("home.test:51820 is at 10.9.1.200:51820 now"))
                let lines = try scene.socket.get()
                #expect(!lines.contains { $0.contains("endpoint_name") }, "stock tools see what they know")
            }
        }

        @Test(.beyondReference("only nightjar looks names up again")) func aNameThatIsFoundLater() async throws {
            try await withNamedServer { scene in
                let (client, server) = (scene.client, scene.server)
                try scene.setName(nil)
                #expect(try await client.status(of: server).endpoint == nil)
                try scene.point(to: scene.wire.server.ipv4)
                let pause = try await client.namespace.firstAnswer(from: server.ipv4, within: 40)
                #expect(pause != nil)
            }
        }

        /// All of the machine's packets go into the tunnel, those to its name servers as well.
        @Test(.beyondReference("only nightjar looks names up again")) func theNameIsFoundPastASilentTunnel()
            async throws
        {
            try await withNamedServer(.bridge, resolver: "10.9.1.254") { scene in
                let (client, server) = (scene.client, scene.server)
                let middle = try #require(scene.wire.middle)
                try await middle.ip("addr add 10.9.1.254/24 dev bridge0")
                let address = try client.lab.write(scene.wire.server.ipv4, name: "address")
                _ = try await middle.serve(Scripts.names, ["10.9.1.254", address])
                try scene.setName("\(scene.wire.server.ipv4):51820", allowedIPs: "0.0.0.0/0")
                try await client.set("fwmark 0x51")
                try await client.namespace.ip(
                    "rule add not fwmark 0x51 table 51", "route add default dev \(client.interface) table 51")
                try scene.rewrite(scene.servers, "nameserver \(server.ipv4)\n")
                #expect(try await client.namespace.ping(server.ipv4).received == 3)

                try await server.namespace.ip(
                    "addr del \(scene.wire.server.ipv4)/24 dev eth0", "addr add 10.9.1.200/24 dev eth0")
                try scene.rewrite(address, "10.9.1.200")
                let pause = try await client.namespace.firstAnswer(from: server.ipv4, within: 80)
                #expect(pause != nil)
                #expect(try await client.status(of: server).endpoint == "10.9.1.200:51820")
            }
        }

        @Test(.beyondReference("only nightjar looks names up again")) func nothingWaitsForADeafResolver() async throws {
            try await withNamedServer(resolver: "10.9.1.99") { scene in
                let (client, server) = (scene.client, scene.server)
                try scene.setName(nil)
                // It is asking now, and gets no answer for long.
                for _ in 0..<20 {
                    let start = ContinuousClock.now
                    _ = try scene.socket.get()
                    #expect(ContinuousClock.now - start < .seconds(1))
                }
                try await client.set("peer \(server.publicKey) endpoint \(scene.wire.server.ipv4):51820")
                #expect(try await client.namespace.ping(server.ipv4).received == 3)
                #expect(try scene.socket.ask("endpoint_names=1\n\n") == ["errno=0"])
                try await client.set("peer \(server.publicKey) remove")
                let start = ContinuousClock.now
                #expect(try await client.stop() == 0)
                #expect(ContinuousClock.now - start < .seconds(3))
            }
        }

        /// Two machines, of which the client has a file of hosts and name servers of its own.
        private struct Scene {
            let wire: Wire
            let client: WireGuardHost
            let server: WireGuardHost
            let hosts: String
            let servers: String
            let socket: ConfigurationSocket

            /// Gives the name this address.
            func point(to address: String) throws {
                try rewrite(hosts, "127.0.0.1 localhost\n\(address) home.test\n")
            }

            /// Changes a file in place, since it is mounted.
            func rewrite(_ path: String, _ text: String) throws {
                let file = try FileHandle(forWritingTo: URL(filePath: path))
                try file.truncate(atOffset: 0)
                try file.write(contentsOf: Data(text.utf8))
                try file.close()
            }

            /// Makes the server a peer by name, as the stock `wg` can't.
            func setName(_ endpoint: String?, allowedIPs: String? = nil) throws {
                let bytes = Data(base64Encoded: server.publicKey) ?? Data()
                let key = bytes.map { String(format: "%02x", $0) }.joined()
                let lines = [
                    "public_key=\(key)", endpoint.map { "endpoint=\($0)" },
                    "endpoint_name=home.test:51820",
                    "allowed_ip=\(allowedIPs ?? "\(server.ipv4)/32")",
                ]
                #expect(try socket.set(lines.compactMap { $0 }) == 0)
            }
        }

        private func withNamedServer(
            _ join: Join = .direct, resolver: String = "127.0.0.1", _ body: (Scene) async throws -> Void
        ) async throws {
            try await Lab.with(load: .idle) { lab in
                let wire = try await lab.wire(join)
                let client = try await WireGuardHost(.nightjar, at: wire.client, number: 1)
                let server = try await WireGuardHost(.nightjar, at: wire.server, number: 2)
                let hosts = try lab.write("127.0.0.1 localhost\n", name: "hosts")
                let servers = try lab.write("nameserver \(resolver)\n", name: "resolv.conf")
                let mounts = "mount --bind \(hosts) /etc/hosts && mount --bind \(servers) /etc/resolv.conf"
                try await server.start()
                try await client.start(under: ["unshare", "-m", "sh", "-c", "\(mounts) && exec \"$@\"", "sh"])
                for host in [server, client] {
                    try await host.setDevice()
                    try await host.bringUp()
                }
                try await server.setPeer(client)
                let socket = try ConfigurationSocket(client.interface)
                try await body(
                    Scene(wire: wire, client: client, server: server, hosts: hosts, servers: servers, socket: socket))
            }
        }
    }
}
