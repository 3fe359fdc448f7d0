import Control
import Foundation
import TestKit
import Testing
import Wire

private let privateKey = SampleConfiguration.privateKey
private let publicKey = SampleConfiguration.publicKey
private let peer = SampleConfiguration.firstPeer
private let other = SampleConfiguration.secondPeer

/// What each field of the status below prints.
private let fields: [(String, String)] = [
    ("public-key", "\(publicKey)\n"), ("private-key", "\(privateKey)\n"), ("listen-port", "51820\n"),
    ("fwmark", "0xca6c\n"), ("peers", "\(other)\n\(peer)\n"),
    ("preshared-keys", "\(other)\t(none)\n\(peer)\t\(privateKey)\n"),
    ("endpoints", "\(other)\t(none)\n\(peer)\t[2607:5300:60:6b0::c05f:543]:2468\n"),
    ("allowed-ips", "\(other)\t(none)\n\(peer)\t192.168.0.0/16 fd00::/8\n"),
    ("latest-handshakes", "\(other)\t0\n\(peer)\t1699999935\n"),
    ("transfer", "\(other)\t0\t0\n\(peer)\t564\t1240\n"),
    ("persistent-keepalive", "\(other)\toff\n\(peer)\t25\n"),
    (
        "dump",
        """
        \(privateKey)\t\(publicKey)\t51820\t0xca6c
        \(other)\t(none)\t(none)\t(none)\t0\t0\t0\toff
        \(peer)\t\(privateKey)\t[2607:5300:60:6b0::c05f:543]:2468\t192.168.0.0/16,fd00::/8\t1699999935\t564\t1240\t25

        """
    ),
]

private let amounts: [UInt64] = [
    1, 1023, 1024, 1025, 1029, 1030, 1034, 1036, 1 << 20 - 1, 1 << 20, 1 << 20 + 5_242, 1 << 30 - 1, 1 << 30,
    1 << 40 - 1, 1 << 40, 123 << 40 + 7 << 30, 1 << 53 - 1,
]

private let ages: [(Int64, String)] = [
    (0, "Now"), (1, "1 second ago"), (60, "1 minute ago"), (3600, "1 hour ago"), (86400, "1 day ago"),
    (31_536_000, "1 year ago"), (63_331_207, "2 years, 3 days, 7 seconds ago"),
    (-1, "(System clock wound backward; connection problems may ensue.)"),
]

@Suite("wg show")
struct WgShowTests {
    private let bench = CommandBench()

    private let full = """
        private_key=\(hex(privateKey))
        listen_port=51820
        fwmark=51820
        public_key=\(hex(other))
        preshared_key=\(String(repeating: "0", count: 64))
        protocol_version=1
        last_handshake_time_sec=0
        last_handshake_time_nsec=0
        tx_bytes=0
        rx_bytes=0
        persistent_keepalive_interval=0
        public_key=\(hex(peer))
        preshared_key=\(hex(privateKey))
        protocol_version=1
        endpoint=[2607:5300:60:6b0::c05f:543]:2468
        last_handshake_time_sec=1699999935
        last_handshake_time_nsec=5
        tx_bytes=1240
        rx_bytes=564
        persistent_keepalive_interval=25
        allowed_ip=192.168.0.0/16
        allowed_ip=fd00::/8
        some_key_of_the_future=1
        errno=0


        """

    @Test("for people")
    func pretty() {
        bench.serve("wg0", full)
        #expect(bench.run("show", "wg0") == 0)
        let expected = """
            interface: wg0
              public key: \(publicKey)
              private key: (hidden)
              listening port: 51820
              fwmark: 0xca6c

            peer: \(peer)
              preshared key: (hidden)
              endpoint: [2607:5300:60:6b0::c05f:543]:2468
              allowed ips: 192.168.0.0/16, fd00::/8
              latest handshake: 1 minute, 5 seconds ago
              transfer: 564 B received, 1.21 KiB sent
              persistent keepalive: every 25 seconds

            peer: \(other)
              allowed ips: (none)

            """
        #expect(bench.console.text == expected)
        #expect(bench.run() == 0)
        #expect(bench.console.text == expected)
        bench.environment["WG_HIDE_KEYS"] = "never"
        #expect(bench.run("show") == 0)
        #expect(bench.console.text == expected.split(separator: "(hidden)").joined(separator: privateKey))
    }

    @Test("colours are for terminals, unless the environment says otherwise")
    func colours() {
        bench.serve("wg0", full)
        let cases: [(mode: String?, isTerminal: Bool, isColoured: Bool)] = [
            (nil, false, false), (nil, true, true), ("always", false, true), ("never", true, false),
            ("auto", true, true),
        ]
        for (mode, isTerminal, isColoured) in cases {
            bench.environment["WG_COLOR_MODE"] = mode
            bench.console.isTerminal = isTerminal
            #expect(bench.run("show", "wg0") == 0)
            #expect(bench.console.text.contains("\u{1b}[32m\u{1b}[1minterface\u{1b}[0m: ") == isColoured)
        }
    }

    @Test("how long ago", arguments: ages)
    func age(_ age: Int64, _ text: String) {
        bench.serve("wg0", "public_key=\(hex(peer))\nlast_handshake_time_sec=\(bench.time - age)\nerrno=0\n\n")
        #expect(bench.run("show", "wg0") == 0)
        #expect(bench.console.text.contains("  latest handshake: \(text)\n"))
    }

    @Test("how much, as printf rounds", arguments: amounts)
    func amount(_ bytes: UInt64) {
        bench.serve("wg0", "public_key=\(hex(peer))\nrx_bytes=\(bytes)\nerrno=0\n\n")
        #expect(bench.run("show", "wg0") == 0)
        let units: [(name: String, shift: UInt64)] = [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)]
        let unit = units.first { bytes >= 1 << $0.shift }
        let amount = unit.map { String(format: "%.2f", Double(bytes) / Double(UInt64(1) << $0.shift)) + " " + $0.name }
        #expect(bench.console.text.contains("  transfer: \(amount ?? "\(bytes) B") received, 0 B sent\n"))
    }

    @Test("for scripts", arguments: fields)
    func field(_ name: String, _ expected: String) {
        bench.serve("wg0", full)
        #expect(bench.run("show", "wg0", name) == 0)
        #expect(bench.console.text == expected)
        #expect(bench.run("show", "all", name) == 0)
        #expect(bench.console.text == expected.split(separator: "\n").map { "wg0\t\($0)\n" }.joined())
    }

    @Test("an interface that has nothing")
    func empty() {
        bench.serve("wg0", "errno=0\n\n")
        #expect(bench.run("show", "wg0") == 0)
        #expect(bench.console.text == "interface: wg0\n")
        #expect(bench.run("show", "wg0", "dump") == 0)
        #expect(bench.console.text == "(none)\t(none)\t0\toff\n")
        #expect(bench.run("showconf", "wg0") == 0)
        #expect(bench.console.text == "[Interface]\n\n")
    }

    @Test("showconf prints what setconf takes")
    func showconf() throws {
        bench.serve("wg0", full)
        #expect(bench.run("showconf", "wg0") == 0)
        let expected = """
            [Interface]
            ListenPort = 51820
            FwMark = 0xca6c
            PrivateKey = \(privateKey)

            [Peer]
            PublicKey = \(other)

            [Peer]
            PublicKey = \(peer)
            PresharedKey = \(privateKey)
            AllowedIPs = 192.168.0.0/16, fd00::/8
            Endpoint = [2607:5300:60:6b0::c05f:543]:2468
            PersistentKeepalive = 25

            """
        #expect(bench.console.text == expected)
        #expect(try ConfigurationFile(parsing: expected, name: "", dialect: .wg).printed(.wg) == Array(expected.utf8))
    }

    @Test("several interfaces, one of them broken")
    func several() {
        #expect(bench.run("show") == 0)
        #expect(bench.console.text.isEmpty && bench.console.complaints.isEmpty)
        #expect(bench.run("show", "interfaces") == 0)
        #expect(bench.console.text.isEmpty)

        bench.serve("wg1", "errno=-5\n\n")
        #expect(bench.run("show", "all") == 1)
        #expect(bench.console.complaints == ["Unable to access interface wg1: Input/output error"])
        bench.serve("wg0", "listen_port=1\nerrno=0\n\n")
        bench.serve("wg2", "listen_port=2\nerrno=0\n\n")
        #expect(bench.run("show", "all") == 0)
        let blocks = bench.console.text.split(separator: "\n\n").map { String($0).trimmingCharacters(in: .newlines) }
        #expect(
            blocks.sorted() == ["interface: wg0\n  listening port: 1", "interface: wg2\n  listening port: 2"])
        #expect(bench.run("show", "interfaces") == 0)
        #expect(bench.console.text.split(whereSeparator: \.isWhitespace).sorted() == ["wg0", "wg1", "wg2"])
    }

    @Test("a socket that nobody serves any more is removed, other files are left")
    func staleSocket() {
        let path = "\(bench.directory.path)/wg0.sock"
        close(boundSocket(at: path))
        let file = bench.file("x", "wg1.sock")
        #expect(bench.run("show", "interfaces") == 0)
        #expect(bench.console.text.isEmpty)
        #expect(fileMode(path) == nil && fileMode(file) != nil)
        close(boundSocket(at: path))
        #expect(bench.run("show", "wg0") == 1)
        #expect(fileMode(path) == nil)
    }

    @Test("names that can't be an interface's are refused", arguments: ["", "a/b", "../x", "1234567890123456", "a b"])
    func badNames(_ name: String) {
        #expect(bench.run("show", name) == 1)
        #expect(bench.console.complaints.first?.hasPrefix("Unable to access interface: ") == true)
    }

    @Test("JSON has a version, numbers as numbers, and keys only when asked for")
    func json() throws {
        bench.serve("wg0", full)
        #expect(bench.run("show", "--json") == 0)
        let hidden = bench.console.output
        #expect(!bench.console.text.contains(privateKey))
        #expect(bench.run("show", "wg0", "--json") == 0)
        #expect(bench.console.output == hidden)
        let document = try #require(try JSONSerialization.jsonObject(with: Data(hidden)) as? [String: Any])
        #expect(document["version"] as? Int == 1)
        let interface = try #require((document["interfaces"] as? [[String: Any]])?.first)
        #expect(interface["name"] as? String == "wg0")
        #expect(interface["publicKey"] as? String == publicKey)
        #expect(interface["hasPrivateKey"] as? Bool == true)
        #expect(interface["listenPort"] as? Int == 51820)
        #expect(interface["firewallMark"] as? Int == 51820)
        let peers = try #require(interface["peers"] as? [[String: Any]])
        #expect(peers.map { $0["publicKey"] as? String } == [other, peer])
        #expect(Set(peers[0].keys) == ["publicKey", "hasPresharedKey", "allowedIPs", "receivedBytes", "sentBytes"])
        #expect(peers[1]["endpoint"] as? String == "[2607:5300:60:6b0::c05f:543]:2468")
        #expect(peers[1]["allowedIPs"] as? [String] == ["192.168.0.0/16", "fd00::/8"])
        #expect(peers[1]["latestHandshake"] as? Int == 1_699_999_935)
        #expect(peers[1]["receivedBytes"] as? Int == 564)
        #expect(peers[1]["sentBytes"] as? Int == 1240)
        #expect(peers[1]["persistentKeepalive"] as? Int == 25)

        bench.environment["WG_HIDE_KEYS"] = "never"
        #expect(bench.run("show", "--json") == 0)
        #expect(bench.console.text.contains("\"privateKey\" : \"\(privateKey)\""))
        #expect(bench.run("show", "wg0", "dump", "--json") == 1)
        #expect(bench.run("show", "interfaces", "--json") == 1)
    }
}
