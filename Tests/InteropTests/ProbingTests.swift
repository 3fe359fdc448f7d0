import Foundation
import Glibc
import Obfuscation
import TestKit
import Testing
import Tunnel
import Wire

extension Interop {
    /// A `veil` listener that strangers probe while its peer uses it. `NIGHTJAR_PROBES` says how many probes, 40 000 by default; from
    /// a million on the recorded ones are tried again after a minute, too.
    @Suite struct ProbingTests {
        private static let secret = "the nightjar's egg"
        private static let veil = ["obfuscation=veil", "obfuscation_key=\(secret)"]
        private static let stranger = "198.51.100.1"
        private static let listener = "198.51.100.2"

        private let count = ProcessInfo.processInfo.environment["NIGHTJAR_PROBES"].flatMap { Int($0) } ?? 40_000
        private var isLong: Bool { count >= 1_000_000 }
        /// Probes a second: what a listener can look at beside its peer's traffic on a small machine.
        private let rate = 40_000

        @Test(.beyondReference("wireguard-go has no disguise")) func aStrangerIsNeverAnswered() async throws {
            try await with(Self.veil) { _, client, server, stranger in
                let recorded = try await record(client, server)
                let key = try #require(Base64.decode(server.publicKey.utf8))
                let probes = Probes(recorded: recorded, server: PublicKey(key), seed: 7)
                let ping = try client.namespace.start(
                    ["ping", "-n", "-i", "0.2", "-w", "\(count / rate * 2 + 120)", server.ipv4])

                // At once.
                try await probe(from: stranger, probes.mixture(20_000), count: count / 4)
                if isLong {
                    try await Task.sleep(for: .seconds(60))
                    try await probe(from: stranger, probes.mixture(20_000), count: count / 4)
                }
                try await probeUnderLoad(from: stranger, client, probes)
                ping.signal(SIGINT)
                _ = try await ping.end(within: .seconds(5))
                let report = PingReport(ping.output)
                #expect(report.sequence.count > 20 && report.longestGap <= 10, "the peer goes on: \(report.text)")

                // After a restart, and once more when the peer is back.
                server.crash()
                try await start(server, Self.veil, withPeer: client)
                try await probe(from: stranger, recorded + probes.mixture(10_000), count: count / 4)
                let pause = try await client.namespace.firstAnswer(from: server.ipv4, within: 40)
                #expect(pause != nil, "the peer comes back")
                try await probe(from: stranger, recorded + probes.mixture(10_000), count: count / 4)

                // What the listener had no time to look at doesn't count.
                let missed = try await server.namespace.counter("UdpRcvbufErrors")
                #expect(missed * 10 < count, "of \(count) probes \(missed) were lost")
            }
        }

        /// The same replays make a listener speak that has no disguise.
        @Test func withoutADisguiseTheyAreAnswered() async throws {
            try await with([]) { _, client, server, stranger in
                let recorded = try await record(client, server)
                // Both, so that nothing newer than what was recorded is known after the restart.
                client.crash()
                server.crash()
                try await start(server, [], withPeer: client)
                let prober = try await startProber(
                    recorded, in: stranger, to: Self.listener, count: recorded.count * 10, rate: 1000)
                let answers = try await end(prober, within: 60)
                #expect(answers.packets > 0 && answers.answers > 0)
            }
        }

        /// A client and a server that speak so, and a stranger with a cable to the server.
        private func with(
            _ settings: [String], _ body: (Lab, WireGuardHost, WireGuardHost, Namespace) async throws -> Void
        ) async throws {
            try await Lab.with(load: .heavy) { lab in
                let wire = try await lab.wire()
                let client = try await WireGuardHost(.nightjar, at: wire.client, number: 1)
                let server = try await WireGuardHost(.nightjar, at: wire.server, number: 2)
                let stranger = try await lab.namespace("stranger")
                try await server.namespace.ip(
                    "link add eth1 type veth peer name eth0 netns \(stranger.name)",
                    "addr add \(Self.listener)/24 dev eth1", "link set eth1 up")
                try await stranger.ip("addr add \(Self.stranger)/24 dev eth0", "link set eth0 up")
                try await start(server, settings, withPeer: client)
                try await start(
                    client, settings, withPeer: server, endpoint: wire.server.endpoint(.ipv4, port: WireGuardHost.port))
                try await body(lab, client, server, stranger)
            }
        }

        private func start(
            _ host: WireGuardHost, _ settings: [String], withPeer peer: WireGuardHost, endpoint: String? = nil
        ) async throws {
            try await host.start()
            try await host.setDevice()
            try await host.bringUp(mtu: 1412)
            if !settings.isEmpty { try #require(try ConfigurationSocket(host.interface).set(settings) == 0) }
            try await host.setPeer(peer, endpoint: endpoint)
        }

        /// Some handshakes and what they are for, as the listener got them.
        private func record(_ client: WireGuardHost, _ server: WireGuardHost) async throws -> [[UInt8]] {
            let file = client.lab.path("recorded")
            let recorder = try await server.namespace.serve(
                Scripts.record, ["eth0", "\(WireGuardHost.port)", file])
            for _ in 0..<4 {
                try #require(try await client.namespace.ping(server.ipv4).received == 3)
                try await client.set("peer \(server.publicKey) remove")
                try await client.setPeer(
                    server, endpoint: server.site.endpoint(.ipv4, port: WireGuardHost.port))
            }
            try #require(try await client.namespace.ping(server.ipv4).received == 3)
            recorder.signal(SIGTERM)
            _ = try await recorder.end(within: .seconds(5))
            let recorded = Probes.datagrams(of: Array(try Data(contentsOf: URL(filePath: file))))
            try #require(recorded.count >= 5 * 4)
            return recorded
        }

        private struct Answers: Decodable {
            let sent: Int
            let answers: Int
            let packets: Int
            let sizes: [Int]
        }

        /// Sends probes and expects silence.
        private func probe(from namespace: Namespace, _ probes: [[UInt8]], count: Int) async throws {
            let prober = try await startProber(probes, in: namespace, to: Self.listener, count: count, rate: rate)
            let answers = try await end(prober, within: count / rate * 4 + 60)
            #expect(answers.sent == count)
            #expect(answers.packets == 0 && answers.answers == 0, "answers of \(answers.sizes) bytes")
        }

        /// The same while somebody who knows the server's key and the secret keeps it busy, and gets cookies for it.
        private func probeUnderLoad(
            from stranger: Namespace, _ client: WireGuardHost, _ probes: Probes
        ) async throws {
            let keys = CodecKeys(own: nil, peer: probes.server, isPeerServer: true)
            let settings = VeilSettings(secret: ObfuscationKey(Array(Self.secret.utf8)))
            let disguise = try #require(Dialect.veil(settings).disguise(number: 1, keys: keys))
            var time = timespec()
            clock_gettime(CLOCK_REALTIME, &time)
            let now = Moment(
                instant: Instant(nanoseconds: 1),
                wall: WallTime(seconds: Int64(time.tv_sec), nanoseconds: UInt32(time.tv_nsec)))
            let seconds = max(2, count / 4 / rate)
            let flood = probes.insiderInitiations(seconds * 3000, disguise, at: now)
            // In bursts, of which each is more than the listener holds without calling it load, however fast it is.
            let insider = try await startProber(
                flood, in: client.namespace, to: "10.9.1.2", count: flood.count, rate: 3000, pause: 0.25)
            try await probe(from: stranger, probes.mixture(20_000), count: count / 4)
            let cookies = try await end(insider, within: seconds * 4 + 60)
            #expect(cookies.answers > 0, "the listener is under load")
        }

        private func startProber(
            _ probes: [[UInt8]], in namespace: Namespace, to address: String, count: Int, rate: Int,
            pause: Double = 0.001
        ) async throws -> Child {
            let file = namespace.lab.path("probes")
            try Data(Probes.file(probes)).write(to: URL(filePath: file))
            return try await namespace.serve(
                Scripts.probe, ["eth0", address, "\(WireGuardHost.port)", "\(count)", "\(rate)", "\(pause)", file])
        }

        private func end(_ prober: Child, within seconds: Int) async throws -> Answers {
            let status = try await prober.end(within: .seconds(seconds))
            guard status == 0, let line = prober.output.split(separator: "\n").last else {
                throw Failure("the prober failed: \(prober.errors)")
            }
            return try JSONDecoder().decode(Answers.self, from: Data(line.utf8))
        }
    }
}
