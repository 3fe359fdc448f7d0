import Foundation
import TestKit
import Testing

extension Interop {
    /// `nightjar` under the name `wg` beside Debian's, on the same interfaces.
    @Suite struct WgToolTests {
        private static let forms = [[]] + fields.map { [$0] }
        private static let fields = [
            "public-key", "private-key", "listen-port", "fwmark", "peers", "preshared-keys", "endpoints", "allowed-ips",
            "latest-handshakes", "transfer", "persistent-keepalive", "dump",
        ]
        private static let environments = [
            [:], ["WG_COLOR_MODE": "always"], ["WG_COLOR_MODE": "never"], ["WG_HIDE_KEYS": "never"],
            ["WG_COLOR_MODE": "always", "WG_HIDE_KEYS": "never"],
        ]

        @Test(arguments: Pairing.mixed)
        func statusOfASession(_ pairing: Pairing) async throws {
            try await Tunnel.with(pairing, .init(keepalive: 25)) { tunnel in
                let client = tunnel.client
                try #require(try await client.namespace.ping(tunnel.server.ipv4, count: 30).received == 30)
                for host in [client, tunnel.server] {
                    let preshared = try host.keyFile(try await host.makePresharedKey())
                    try await host.set("fwmark 0xca6c")
                    for number in 1...3 {
                        let key = try await host.makePresharedKey()
                        try await host.set(
                            """
                            peer \(key) allowed-ips 10.8.\(number).1/24,::1.2.3.\(number),fd0\(number)::/16 preshared-key \
                            \(preshared) endpoint [2001:db8::\(number)]:\(number)
                            """)
                    }
                    try await compareAll(host)
                }
            }
        }

        @Test(arguments: [Engine.nightjar, .wireguardGo])
        func statusOfNothing(_ engine: Engine) async throws {
            try await withHosts(engine, count: 1) { hosts in
                try await compareAll(hosts[0])
                try await hosts[0].setDevice()
                try await compareAll(hosts[0])
            }
        }

        /// Every file of the corpus, given by one tool to one interface and by the other to another one.
        @Test(arguments: [Engine.nightjar, .wireguardGo])
        func corpus(_ engine: Engine) async throws {
            try await withHosts(engine, count: 2) { hosts in
                for sample in SampleConfiguration.wg where !sample.differsFromStock {
                    for subcommand in ["setconf", "addconf"] {
                        let results = try await eachTool(hosts, subcommand, sample.text)
                        #expect(results.map(\.status) == (sample.isTaken ? [0, 0] : [1, 1]), "\(sample)")
                        #expect(
                            try await sameDumps(hosts), "\(sample) \(subcommand)")
                    }
                }
                try await compareAll(hosts[0])
                try await compareAll(hosts[1])
            }
        }

        /// With every device value in the file, since the stock tool resets those that aren't; from peers without
        /// preshared keys and keepalives, since Debian's version leaves those alone.
        @Test(arguments: [Engine.nightjar, .wireguardGo])
        func synchronising(_ engine: Engine) async throws {
            try await withHosts(engine, count: 2) { hosts in
                let device = "[Interface]\nPrivateKey = \(SampleConfiguration.privateKey)\nListenPort = 4\nFwMark = 6\n"
                let start = """
                    \(device)
                    [Peer]
                    PublicKey = \(SampleConfiguration.firstPeer)
                    AllowedIPs = 10.0.0.0/8, fd00::/8
                    Endpoint = 192.0.2.1:7
                    [Peer]
                    PublicKey = \(try await hosts[0].makePresharedKey())
                    AllowedIPs = 10.0.0.2
                    """
                for sample in SampleConfiguration.wg where sample.isTaken && !sample.differsFromStock {
                    // "Any port", which the one that it has is.
                    if sample.text.contains("ListenPort = 0") { continue }
                    for text in [start, device + sample.text] {
                        let results = try await eachTool(hosts, "syncconf", text)
                        #expect(results.map(\.status) == [0, 0])
                        #expect(try await sameDumps(hosts), "\(sample)")
                    }
                    for host in hosts { try await host.configure("setconf", device) }
                }
            }
        }

        @Test func synchronisingLeavesWhatTheFileLeavesOut() async throws {
            try await withHosts(.nightjar, count: 1) { hosts in
                let host = hosts[0]
                try await host.setDevice(port: 4321)
                try await host.set("fwmark 51820")
                let before = try await host.status()
                let file = try host.lab.write("[Peer]\nPublicKey = \(SampleConfiguration.firstPeer)\n")
                #expect(try await host.wg(.nightjar, ["syncconf", host.interface, file]).status == 0)
                var after = try await host.status()
                #expect(after.peers.map(\.publicKey) == [SampleConfiguration.firstPeer])
                after.peers = []
                #expect(after == before)
            }
        }

        @Test(arguments: [Engine.nightjar, .wireguardGo])
        func setting(_ engine: Engine) async throws {
            try await withHosts(engine, count: 2) { hosts in
                let lab = hosts[0].lab
                let (key, psk) = (
                    try lab.write(SampleConfiguration.privateKey + "\n\n"),
                    try lab.write(try await hosts[0].makePresharedKey())
                )
                let (first, second) = (SampleConfiguration.firstPeer, SampleConfiguration.secondPeer)
                let calls = [
                    "listen-port 4711 fwmark 0xca6c private-key \(key)", "fwmark 7", "fwmark OFF", "listen-port domain",
                    "peer \(first)",
                    "peer \(first) preshared-key \(psk) endpoint 192.0.2.7:2468 persistent-keepalive 25",
                    "peer \(first) allowed-ips 10.8.1.1/16,fd00:8::1/32,0.0.0.0/0,::/0 peer \(second) allowed-ips 10.8.0.0/16",
                    "peer \(first) allowed-ips 10.9.0.0/16 allowed-ips 10.10.0.0/16",
                    "peer \(first) persistent-keepalive off",
                    "peer \(first) persistent-keepalive 0x5", "peer \(second) endpoint [2001:db8::5]:99",
                    "peer \(second) endpoint localhost:99", "peer \(second) endpoint 192.0.2.1",
                    "peer \(second) endpoint [::1:5",
                    "peer \(first) preshared-key /dev/null",
                    "peer \(first) remove peer \(second) allowed-ips 10.9.0.0/16",
                    "peer \(first) remove", "private-key /dev/null", "private-key /nowhere", "private-key \(first)",
                    "peer \(first) listen-port 5", "peer \(first.dropLast())", "fwmark 0x100000000", "frobnicate 5",
                    "listen-port", "peer \(first) allowed-ips 300.0.0.0", "peer \(first) allowed-ips 10.0.0.0/33",
                    "remove",
                    "peer \(second) persistent-keepalive 65536", "peer \(second) persistent-keepalive -1",
                    "peer \(SampleConfiguration.publicKey) allowed-ips 10.1.0.0/16", "private-key \(key)",
                ]
                for call in calls {
                    var statuses: [Int32] = []
                    for (tool, host) in zip(WgTool.allCases, hosts) {
                        let words = call.split(separator: " ").map(String.init)
                        statuses.append(try await host.wg(tool, ["set", host.interface] + words).status)
                    }
                    #expect(statuses[0] == statuses[1], "\(call)")
                    #expect(try await sameDumps(hosts), "\(call)")
                }
            }
        }

        @Test func keysOfEitherTool() async throws {
            try await withHosts(.nightjar, count: 1) { hosts in
                for maker in WgTool.allCases {
                    let key = try await hosts[0].wg(maker, ["genkey"]).output
                    var outcomes: Set<String> = []
                    for input in [key, key.trimmed, key + "\n \n", key + "x", String(key.dropFirst()), ""] {
                        for tool in WgTool.allCases {
                            let result = try await hosts[0].wg(tool, ["pubkey"], input: input)
                            outcomes.insert("\(input)|\(result.status)|\(result.output)")
                        }
                    }
                    #expect(outcomes.count == 6)
                }
            }
        }

        @Test func callsThatFailAlike() async throws {
            try await withHosts(.nightjar, count: 1) { hosts in
                let interface = hosts[0].interface
                let calls = [
                    ["frobnicate"], ["show", "nosuch"], ["show", interface, "frobnicate"],
                    ["show", "interfaces", "dump"],
                    ["show", "a", "b", "c"], ["show", "--help"], ["show", "-h"], ["show", "help"], ["--help"],
                    ["help", "x"],
                    ["showconf"], ["showconf", "nosuch"], ["showconf", interface, "x"], ["set"], ["set", interface],
                    ["set", "nosuch", "fwmark", "1"], ["setconf", interface], ["setconf", interface, "/nowhere"],
                    ["addconf", "nosuch", "/dev/null"], ["syncconf", interface, "/nowhere", "x"], ["genkey", "x"],
                    ["genpsk", "x"], ["pubkey", "x"], ["--version", "x"], ["show", ""], ["set", interface, "--help"],
                ]
                for call in calls {
                    let statuses = [
                        try await hosts[0].wg(.stock, call).status, try await hosts[0].wg(.nightjar, call).status,
                    ]
                    #expect(statuses[0] == statuses[1], "\(call)")
                }
            }
        }

        /// A change of one among ten thousand peers. Unoptimised code is given much more time than users wait.
        @Test func synchronisingManyPeers() async throws {
            try await withHosts(.nightjar, count: 1) { hosts in
                let host = hosts[0]
                let count = 10_000
                var text = "[Interface]\nPrivateKey = \(SampleConfiguration.privateKey)\n"
                for number in 0..<count {
                    let bytes = (0..<32).map { UInt8(truncatingIfNeeded: number >> (8 * min($0, 3))) ^ UInt8($0 * 7) }
                    text += """
                        [Peer]
                        PublicKey = \(Data(bytes).base64EncodedString())
                        AllowedIPs = 10.\(100 + number >> 16).\(number >> 8 & 255).\(number & 255)/32

                        """
                }
                let paths = [try host.lab.write(text), try host.lab.write(text + "PersistentKeepalive = 25\n")]
                try #require(try await host.wg(.nightjar, ["setconf", host.interface, paths[0]]).status == 0)
                let start = ContinuousClock.now
                try #require(try await host.wg(.nightjar, ["syncconf", host.interface, paths[1]]).status == 0)
                let duration = ContinuousClock.now - start
                print("syncconf of one change among \(count) peers took \(duration)")
                #expect(duration < (Engine.isOptimised ? .seconds(1) : .seconds(8)))
                let status = try await host.status()
                #expect(status.peers.count == count)
                #expect(status.peers.filter { $0.keepalive == 25 }.count == 1)
            }
        }
    }
}

extension Interop.WgToolTests {
    private func withHosts(_ engine: Engine, count: Int, _ body: ([WireGuardHost]) async throws -> Void) async throws {
        try await Lab.with { lab in
            let wire = try await lab.wire()
            var hosts: [WireGuardHost] = []
            for (number, site) in [wire.client, wire.server].prefix(count).enumerated() {
                let host = try await WireGuardHost(engine, at: site, number: number + 1)
                try await host.start()
                hosts.append(host)
            }
            try await body(hosts)
        }
    }

    /// Gives one file to an interface by the stock tool and to another one by the tool under test.
    private func eachTool(_ hosts: [WireGuardHost], _ subcommand: String, _ text: String) async throws
        -> [CommandResult]
    {
        let file = try hosts[0].lab.write(text)
        var results: [CommandResult] = []
        for (tool, host) in zip(WgTool.allCases, hosts) {
            results.append(try await host.wg(tool, [subcommand, host.interface, file]))
        }
        return results
    }

    /// Whether both interfaces have the same configuration, whatever the order of their peers.
    private func sameDumps(_ hosts: [WireGuardHost]) async throws -> Bool {
        var statuses: [InterfaceStatus] = []
        for host in hosts {
            var status = try await host.status()
            // A port that the system chose.
            if status.listenPort >= 32768 { status.listenPort = 0 }
            status.peers.sort { $0.publicKey < $1.publicKey }
            statuses.append(status)
        }
        return statuses[0] == statuses[1]
    }

    /// Every form of `show`, and `showconf`, of both tools.
    private func compareAll(_ host: WireGuardHost) async throws {
        for form in Self.forms {
            for target in [host.interface, "all"] {
                // Debian's version leaves the interface's name out of these lines.
                if target == "all", form == ["endpoints"] { continue }
                try await compare(host, ["show", target] + form)
            }
        }
        for environment in Self.environments { try await compare(host, ["show", host.interface], environment) }
        try await compare(host, ["showconf", host.interface])
    }

    /// Compares what both tools print; more than once, because time passes between them.
    private func compare(_ host: WireGuardHost, _ words: [String], _ environment: [String: String] = [:]) async throws {
        var outputs: [String] = []
        for _ in 0..<5 {
            outputs = []
            for tool in WgTool.allCases {
                let result = try await host.wg(tool, words, environment: environment)
                outputs.append("\(result.status)\n" + comparable(result.output, host, words))
            }
            if outputs[0] == outputs[1] { return }
        }
        #expect(outputs[0] == outputs[1], "\(words)")
    }

    /// wireguard-go tells its peers in another order each time, and other tests have interfaces of their own.
    private func comparable(_ output: String, _ host: WireGuardHost, _ words: [String]) -> String {
        if words.contains("all") {
            guard words.count == 3 else {
                let blocks = output.components(separatedBy: "\n\ninterface: ").filter { $0.contains(host.interface) }
                return blocks.joined(separator: "\n").split(separator: "\n").sorted().joined(separator: "\n")
            }
            let lines = output.split(separator: "\n").filter { $0.hasPrefix("\(host.interface)\t") }
            return lines.sorted().joined(separator: "\n")
        }
        guard host.engine == .wireguardGo else { return output }
        return output.split(separator: "\n", omittingEmptySubsequences: false).sorted().joined(separator: "\n")
    }
}
