import Obfuscation
import TestKit
import Testing
import Tunnel

extension Interop {
    /// Disguises on real interfaces, with real traffic.
    @Suite(.disabled(if: Engine.isReferenceUnderTest, "wireguard-go has no disguises"))
    struct DisguiseTests {
        /// Pings, streams, a move of the client, and nothing lost but what came before a session.
        @Test(arguments: SampleDialect.allCases, [Family.ipv4, .ipv6])
        func everyDialectCarriesTraffic(_ sample: SampleDialect, _ outside: Family) async throws {
            let plan = Tunnel.Plan(
                outside: outside, mtu: 1340, load: .heavy, environment: ["LOG_LEVEL": "verbose"])
            try await Tunnel.with(.nightjars, plan) { tunnel in
                let (client, server) = (tunnel.client, tunnel.server)
                try await server.disguise(sample)
                try await client.disguise(sample)
                try #require(try await client.namespace.ping(server.ipv4, count: 5, size: 1300).received == 5)
                #expect(try await server.namespace.ping(client.ipv6, count: 5).received == 5)
                let bytes = min(TransferTests.large, 100_000_000)
                for fromServer in [false, true] {
                    let ends = try await tunnel.transfer(bytes: bytes, .ipv4, fromServer: fromServer)
                    #expect(ends.sent.bytes == bytes)
                    #expect(ends.received == ends.sent)
                }
                let report = try await tunnel.throughput(.ipv6, seconds: 1, ["--bidir", "-P", "2"])
                #expect(report.forward > 1_000_000 && report.reverse > 1_000_000)

                try await client.set("listen-port 40404")
                #expect(try await client.namespace.ping(server.ipv4).received == 3)
                #expect(
                    try await server.status(of: client).endpoint
                        == tunnel.wire.client.endpoint(outside, port: 40404))
                #expect(try await server.namespace.ping(client.ipv4).received == 3)
                for host in [client, server] {
                    let drops = try await host.drops()
                    for reason in ["wrong-dialect", "undecryptable", "disguise-impossible", "inner-packet-malformed"] {
                        #expect(drops[reason, default: 0] == 0, "\(host.interface): \(reason)")
                    }
                }
            }
        }

        /// A stock client and one of each dialect, all on one port of one server.
        @Test func onePortServesEverybody() async throws {
            try await Lab.with(load: .heavy) { lab in
                let wire = try await lab.wire()
                let server = try await WireGuardHost(.nightjar, at: wire.server, number: 200)
                try await server.start()
                try await server.setDevice()
                // Two with AmneziaWG's keys can't be told apart by an interface that has one set of them.
                let samples = SampleDialect.allCases.filter {
                    $0 != .plain && !$0.rawValue.hasPrefix("amneziaWG") && $0 != .wgObfuscatorSTUN
                }
                let speakers: [SampleDialect] = [.plain, .plain, .amneziaWG2] + samples
                var clients: [WireGuardHost] = []
                var lines = ["[Interface]", "PrivateKey = \(server.privateKey)", "ListenPort = \(WireGuardHost.port)"]
                lines += SampleDialect.amneziaWG2.interfaceLines + ["Obfuscation = off"]
                for (index, sample) in speakers.enumerated() {
                    let number = index + 1
                    let client = try await WireGuardHost(
                        index == 0 ? .wireguardGo : .nightjar, at: wire.client, number: number)
                    clients.append(client)
                    lines += ["[Peer]", "PublicKey = \(client.publicKey)", "AllowedIPs = 10.78.\(number).1/32"]
                    lines += sample.peerLines
                }
                let file = try lab.write(lines.joined(separator: "\n") + "\n")
                let result = try await server.wg(.nightjar, ["setconf", server.interface, file])
                try #require(result.status == 0, "\(result.errors)")
                try await server.namespace.ip("link set \(server.interface) mtu 1340 up")
                for (index, sample) in speakers.enumerated() {
                    let (client, number) = (clients[index], index + 1)
                    try await client.start()
                    try await client.setDevice(port: UInt16(40_000 + number))
                    try await client.setPeer(
                        server, endpoint: wire.server.endpoint(.ipv4, port: WireGuardHost.port),
                        allowedIPs: "10.78.\(number).2/32")
                    if index > 0 { try await client.disguise(sample) }
                    try await client.namespace.ip(
                        "link set \(client.interface) mtu 1340 up",
                        "addr add 10.78.\(number).1/24 dev \(client.interface)")
                    try await server.namespace.ip("addr add 10.78.\(number).2/24 dev \(server.interface)")
                }
                for _ in 0..<2 {
                    for (index, sample) in speakers.enumerated() {
                        let ping = try await clients[index].namespace.ping("10.78.\(index + 1).2", size: 1200)
                        #expect(ping.received == 3, "\(sample)")
                    }
                }
                #expect(try await server.drops()["wrong-dialect", default: 0] == 0)
                // Everybody moves at once.
                for client in clients { try await client.set("listen-port 0") }
                for (index, sample) in speakers.enumerated() {
                    let ping = try await clients[index].namespace.ping("10.78.\(index + 1).2")
                    #expect(ping.received == 3, "\(sample)")
                }
            }
        }

        /// A client with other numbers gets no answer, and the server's log says what is wrong.
        @Test func mismatchIsExplained() async throws {
            try await Tunnel.with(.nightjars, .init(mtu: 1340)) { tunnel in
                let (client, server) = (tunnel.client, tunnel.server)
                try await server.disguise(["S1 = 40", "H1 = 5-10"])
                try await client.disguise(["S1 = 0", "H1 = 7"])
                #expect(try await client.namespace.ping(server.ipv4, count: 1, patience: 1).received == 0)
                #expect(try await server.drops()["wrong-dialect", default: 0] > 0)
                let log = { server.daemon.map { $0.output + $0.errors } ?? "" }
                #expect(log().contains("no WireGuard under S1=40; it would be under S1=0"))
                try await server.disguise(["Obfuscation = lwo"])
                let isTold = try await eventually(within: .seconds(10)) {
                    log().contains("would be under H1=7") || log().contains("it would be under Obfuscation")
                }
                #expect(isTold, "\(log())")
            }
        }

        /// A recorded handshake is refused after a crash, too.
        @Test(arguments: [SampleDialect.veil, .swgp2026])
        func replayFloorOutlivesACrash(_ sample: SampleDialect) async throws {
            try await Tunnel.with(.nightjars, .init(mtu: 1340)) { tunnel in
                let (client, server) = (tunnel.client, tunnel.server)
                try await server.disguise(sample)
                try await client.disguise(sample)
                try #require(try await client.namespace.ping(server.ipv4).received == 3)
                let path = "/run/nightjar/\(server.interface).newest"
                let before = try await tunnel.lab.run(["od", "-An", "-td8", path]).output.trimmed
                #expect(Int(before) ?? 0 > 1_700_000_000_000)
                #expect(try await tunnel.lab.run(["stat", "-c", "%a", path]).output.trimmed == "600")
                server.crash()
                try await server.namespace.run(["rm", "-f", server.socketPath])
                try await server.start()
                try await server.setDevice()
                try await server.setPeer(client)
                try await server.disguise(sample)
                let after = try await tunnel.lab.run(["od", "-An", "-td8", path]).output.trimmed
                #expect(after == before)
                try await tunnel.lab.run(["rm", "-f", path])
            }
        }
    }
}

extension WireGuardHost {
    /// Gives the interface a disguise, and all of its peers.
    fileprivate func disguise(_ sample: SampleDialect) async throws {
        try await disguise(sample.interfaceLines)
    }

    /// Has the interface's settings of its disguise be these lines of a configuration file.
    fileprivate func disguise(_ lines: [String]) async throws {
        let former = try await wg(.nightjar, ["showconf", interface]).output.split(separator: "\n").map(String.init)
        let kept = former.filter { line in
            !ObfuscationSetting.allCases.contains { line.hasPrefix("\($0.rawValue) =") }
        }
        let text = (kept.prefix(1) + lines + kept.dropFirst()).joined(separator: "\n") + "\n"
        let result = try await wg(.nightjar, ["syncconf", interface, try lab.write(text)])
        guard result.status == 0 else { throw Failure("\(interface): \(result.errors)") }
    }

    /// What was dropped, by reason.
    fileprivate func drops() async throws -> [String: Int] {
        let output = try await namespace.run([try Engine.nightjar.executable(), "drops", interface]).output
        var drops: [String: Int] = [:]
        for line in output.split(separator: "\n") {
            let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" || $0 == ":" })
            guard words.count == 2 else { continue }
            if let count = Int(words[1]) { drops[String(words[0])] = count }
            if let count = Int(words[0]) { drops[String(words[1])] = count }
        }
        return drops
    }
}

extension SampleDialect {
    /// What a configuration file says of it in `[Interface]`.
    fileprivate var interfaceLines: [String] {
        guard case .amneziaWG(let settings) = dialect else { return peerLines }
        var lines = ["Jc = \(settings.junkCount)", "Jmin = \(settings.junkMinimum)", "Jmax = \(settings.junkMaximum)"]
        for (index, prefix) in settings.prefixes.enumerated() where prefix > 0 {
            lines.append("S\(index + 1) = \(prefix)")
        }
        for (index, header) in settings.headers.enumerated() where self != .amneziaWGPlain {
            lines.append("H\(index + 1) = \(header.lowerBound)-\(header.upperBound)")
        }
        for (index, packet) in settings.specialPackets.enumerated() where !packet.isEmpty {
            lines.append("I\(index + 1) = \(packet)")
        }
        if self == .amneziaWG3 {
            lines += [
                "HeaderProtectionKey = \(Self.psk)", "RandomTrailers = on", "DisableCookies = on",
                "RekeyAfterTime = 90-130", "RejectAfterTime = 170-200", "RekeyTimeout = 4-7",
                "KeepaliveTimeout = 8-13", "MaxHandshakeAttempts = 10-20",
            ]
        }
        return lines
    }

    /// What it says of it in `[Peer]`.
    fileprivate var peerLines: [String] {
        switch self {
        case .plain: ["Obfuscation = off"]
        case .veil: ["Obfuscation = on"]
        case .veilWithSecret: ["Obfuscation = veil", "ObfuscationKey = a secret of both sides"]
        case .amneziaWG1, .amneziaWG2, .amneziaWG3, .amneziaWGPlain: ["Obfuscation = amneziawg"]
        case .swgp: ["Obfuscation = swgp", "ObfuscationKey = \(Self.psk)"]
        case .swgpParanoid: ["Obfuscation = swgp-paranoid", "ObfuscationKey = \(Self.psk)"]
        case .swgp2026: ["Obfuscation = swgp-2026", "ObfuscationKey = \(Self.psk)"]
        case .swgpParanoid2026: ["Obfuscation = swgp-paranoid-2026", "ObfuscationKey = \(Self.psk)"]
        case .lwo: ["Obfuscation = lwo"]
        case .wgObfuscator: ["Obfuscation = wg-obfuscator", "ObfuscationKey = one of both"]
        case .wgObfuscatorSTUN: ["Obfuscation = wg-obfuscator-stun", "ObfuscationKey = one of both"]
        case .xor: ["Obfuscation = xor", "ObfuscationKey = adamxiao"]
        case .xorBatch: ["Obfuscation = xor-batch"]
        case .warp: ["Obfuscation = warp", "Reserved = 12, 34, 56"]
        }
    }

    private static var psk: String { "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=" }
}
