import Testing

extension Interop {
    /// The stock `wg` tool drives the daemon.
    @Suite struct ConfigurationTests {
        @Test func everyDeviceValue() async throws {
            try await withHost { host in
                let empty = try await host.status()
                #expect(empty.privateKey == nil && empty.publicKey == nil && empty.peers.isEmpty)
                #expect(empty.firewallMark == 0)

                try await host.set("listen-port 1234 fwmark 0xca6c private-key \(host.keyFile(host.privateKey))")
                let full = try await host.status()
                #expect(full.privateKey == host.privateKey)
                #expect(full.publicKey == host.publicKey)
                #expect(full.listenPort == 1234)
                #expect(full.firewallMark == 0xCA6C)

                try await host.set("listen-port 0 fwmark off private-key /dev/null")
                let reset = try await host.status()
                #expect(reset.privateKey == nil)
                #expect(reset.listenPort != 1234)
                #expect(reset.firewallMark == 0)
            }
        }

        @Test func everyPeerValue() async throws {
            try await withHost { host in
                let peer = try await makePublicKey(host)
                let preshared = try await host.makePresharedKey()
                try await host.set(
                    """
                    peer \(peer) preshared-key \(host.keyFile(preshared)) endpoint 192.0.2.7:2468 \
                    persistent-keepalive 25 allowed-ips 10.8.1.1/16,fd00:8::1/32,0.0.0.0/0,::/0,10.8.1.1/32
                    """)
                var status = try #require(try await host.status().peers.first)
                #expect(status.publicKey == peer)
                #expect(status.presharedKey == preshared)
                #expect(status.endpoint == "192.0.2.7:2468")
                #expect(status.keepalive == 25)
                #expect(status.allowedIPs == ["0.0.0.0/0", "10.8.0.0/16", "10.8.1.1/32", "::/0", "fd00:8::/32"])
                #expect(status.latestHandshake == 0 && status.receivedBytes == 0)

                try await host.set(
                    "peer \(peer) preshared-key /dev/null endpoint [2001:db8::5]:99 persistent-keepalive off")
                try await host.wg(["set", host.interface, "peer", peer, "allowed-ips", ""])
                status = try #require(try await host.status().peers.first)
                #expect(status.presharedKey == nil)
                #expect(status.endpoint == "[2001:db8::5]:99")
                #expect(status.keepalive == 0)
                #expect(status.allowedIPs.isEmpty)

                try await host.set("peer \(peer) remove")
                #expect(try await host.status().peers.isEmpty)
                try await host.set("peer \(peer) remove")
            }
        }

        @Test func allowedIPsMoveAndAreReplaced() async throws {
            try await withHost { host in
                let (first, second) = (try await makePublicKey(host), try await makePublicKey(host))
                try await host.set(
                    "peer \(first) allowed-ips 10.1.0.0/16,10.2.0.0/16 peer \(second) allowed-ips 10.2.0.0/16")
                #expect(try await allowedIPs(host) == [first: ["10.1.0.0/16"], second: ["10.2.0.0/16"]])
                try await host.set("peer \(first) allowed-ips 10.3.0.0/16")
                #expect(try await allowedIPs(host) == [first: ["10.3.0.0/16"], second: ["10.2.0.0/16"]])
                try await host.configure("addconf", "[Peer]\nPublicKey = \(second)\nAllowedIPs = 10.3.0.0/16\n")
                #expect(try await allowedIPs(host) == [first: [], second: ["10.3.0.0/16"]])
            }
        }

        @Test func ownKeyIsNoPeer() async throws {
            try await withHost { host in
                try await host.setDevice()
                try await host.set("peer \(host.publicKey) allowed-ips 10.1.0.0/16")
                #expect(try await host.status().peers.isEmpty)

                let other = try await WireGuardHost(.nightjar, at: host.site, number: 2)
                try await host.set("peer \(other.publicKey) allowed-ips 10.1.0.0/16")
                try await host.set("private-key \(host.keyFile(other.privateKey))")
                #expect(try await host.status().peers.isEmpty)
            }
        }

        @Test func filesReplaceAddAndSynchronise() async throws {
            try await withHost { host in
                let (first, second) = (try await makePublicKey(host), try await makePublicKey(host))
                let device = "[Interface]\nPrivateKey = \(host.privateKey)\nListenPort = 4321\nFwMark = 7\n"
                let peer = "[Peer]\nPublicKey = \(first)\nAllowedIPs = 10.1.0.0/16\nEndpoint = 192.0.2.1:1\n"
                try await host.configure("setconf", device + peer)
                let shown = try await host.wg(["showconf", host.interface]).output
                let before = try await host.status()
                try await host.configure("setconf", shown)
                #expect(try await host.status() == before)

                try await host.configure("addconf", "[Peer]\nPublicKey = \(second)\nPersistentKeepalive = 9\n")
                #expect(try await host.status().peers.map(\.publicKey).sorted() == [first, second].sorted())
                #expect(try await host.status().firewallMark == 7)

                try await host.configure(
                    "syncconf", device + "[Peer]\nPublicKey = \(second)\nAllowedIPs = 10.1.0.0/16\n")
                let synced = try await host.status()
                #expect(synced.peers.map(\.publicKey) == [second])
                #expect(synced.peers.first?.allowedIPs == ["10.1.0.0/16"])

                try await host.configure("setconf", "[Interface]\n")
                let reset = try await host.status()
                #expect(reset.privateKey == nil && reset.peers.isEmpty && reset.firewallMark == 0)
                #expect(reset.listenPort != 4321)
            }
        }

        @Test(arguments: Pairing.mixed)
        func synchronisingKeepsTheSession(_ pairing: Pairing) async throws {
            try await Tunnel.with(pairing) { tunnel in
                let (client, server) = (tunnel.client, tunnel.server)
                try #require(try await client.namespace.ping(server.ipv4).received == 3)
                for host in [client, server] {
                    try await host.configure("syncconf", try await host.wg(["showconf", host.interface]).output)
                }
                let handshake = try await client.status(of: server).latestHandshake
                #expect(try await client.namespace.ping(server.ipv4).received == 3)
                #expect(try await client.status(of: server).latestHandshake == handshake)
                #expect(try await client.status(of: server).sentBytes < 2000, "no second handshake")
            }
        }

        /// More than fits in one read of a socket.
        @Test func manyPeers() async throws {
            try await withHost { host in
                var text = "[Interface]\nPrivateKey = \(host.privateKey)\n"
                var keys: [String] = []
                let generated = try await host.lab.run(["sh", "-c", "for i in $(seq 200); do wg genpsk; done"]).output
                for (number, key) in generated.split(separator: "\n").enumerated() {
                    keys.append(String(key))
                    text += "[Peer]\nPublicKey = \(key)\nAllowedIPs = 10.20.\(number).0/24, fd20:\(number)::/32\n"
                }
                try await host.configure("setconf", text)
                let status = try await host.status()
                #expect(status.peers.map(\.publicKey).sorted() == keys.sorted())
                #expect(status.peers.allSatisfy { $0.allowedIPs.count == 2 })
            }
        }

        @Test func portInUse() async throws {
            try await withHost { host in
                try await host.bringUp()
                _ = try await host.namespace.serve(Scripts.hold, ["0.0.0.0", "7777"])
                let result = try await host.wg(["set", host.interface, "listen-port", "7777"], mayFail: true)
                #expect(result.status == 1)
                #expect(result.errors.contains("Address already in use"), "\(result.errors)")
                try await host.set("listen-port 7778")
                #expect(try await host.namespace.udpPorts().contains(7778))
            }
        }

        @Test(.beyondReference("wireguard-go binds before the link is up"))
        func portInUseWhenTheLinkComesUp() async throws {
            try await withHost { host in
                let holder = try await host.namespace.serve(Scripts.hold, ["0.0.0.0", "7777"])
                try await host.set("listen-port 7777")
                try await host.bringUp()
                let result = try await host.wg(["set", host.interface, "listen-port", "7777"], mayFail: true)
                #expect(result.status == 1)
                #expect(result.errors.contains("Address already in use"), "\(result.errors)")
                await holder.stop()
                try await host.set("listen-port 7777")
                #expect(try await host.namespace.udpPorts() == [7777])
            }
        }

        @Test func prettyStatusOfASession() async throws {
            try await Tunnel.with(.toReference) { tunnel in
                let (client, server) = (tunnel.client, tunnel.server)
                try #require(try await client.namespace.ping(server.ipv4).received == 3)
                let text = try await client.wg(["show", client.interface]).output
                for part in [
                    "interface: \(client.interface)", "public key: \(client.publicKey)", "private key: (hidden)",
                    "listening port: 51820", "peer: \(server.publicKey)", "endpoint: 10.9.1.2:51820",
                    "latest handshake: ", "transfer: ",
                ] {
                    #expect(text.contains(part))
                }
                #expect(try await client.wg(["show", "interfaces"]).output.contains(client.interface))
            }
        }

        private func makePublicKey(_ host: WireGuardHost) async throws -> String {
            let key = try await host.lab.run(["wg", "genkey"]).output
            return try await host.lab.run(["wg", "pubkey"], input: key).output.trimmed
        }

        private func allowedIPs(_ host: WireGuardHost) async throws -> [String: [String]] {
            Dictionary(uniqueKeysWithValues: try await host.status().peers.map { ($0.publicKey, $0.allowedIPs) })
        }
    }

    /// Runs `body` with one nightjar that has no configuration yet.
    static func withHost(_ body: (WireGuardHost) async throws -> Void) async throws {
        try await Lab.with { lab in
            let host = try await WireGuardHost(.nightjar, at: try await lab.wire().client, number: 1)
            try await host.start()
            try await body(host)
        }
    }
}
