import Control
import TestKit
import Testing
import Tunnel
import Wire

private let peer = SampleConfiguration.firstPeer
private let secret = SampleConfiguration.privateKey

private let answer = """
    listen_port=5
    obfuscation=veil
    jc=4
    h1=5-9
    h2=2
    h3=3
    h4=4
    i1=<b 0x01> <r 5>
    header_protection_key=\(hex(secret))
    random_trailers=0
    disable_cookies=0
    public_key=\(hex(peer))
    persistent_keepalive_interval=22
    persistent_keepalive_maximum=30
    allowed_ip=10.0.0.0/8
    public_key=\(hex(SampleConfiguration.secondPeer))
    obfuscation=off
    errno=0


    """

@Suite("Obfuscation in the commands of wg")
struct WgObfuscationTests {
    private let bench = CommandBench()

    @Test("set takes every setting, those of a peer after it")
    func set() {
        let daemon = bench.serve("wg0", "errno=0\n\n")
        let keys = [bench.file(secret + "\n", "protection"), bench.file("  two words \n", "key")]
        #expect(
            bench.run(
                "set", "wg0", "obfuscation", "on", "jc", "4", "jmin", "40", "jmax", "off", "s1", "20", "h1", "5-100",
                "i1",
                "<b 0x01> <r 5>", "i2", "", "header-protection-key", keys[0], "rekey_timeout", "4 - 6",
                "random-trailers", "on", "disable-cookies", "0", "peer", peer, "obfuscation", "xor", "obfuscation-key",
                keys[1],
                "obfuscation-mtu", "1400", "reserved", "1, 2, 3", "persistent-keepalive", "22-30") == 0)
        #expect(
            daemon.requests == [
                """
                set=1
                obfuscation=veil
                jc=4
                jmin=40
                jmax=0
                s1=20
                h1=5-100
                i1=<b 0x01> <r 5>
                i2=
                header_protection_key=\(hex(secret))
                rekey_timeout=4-6
                random_trailers=1
                disable_cookies=0
                public_key=\(hex(peer))
                persistent_keepalive_interval=22-30
                obfuscation=xor
                obfuscation_key=two words
                obfuscation_mtu=1400
                reserved=1,2,3


                """
            ])
    }

    @Test("the key of header protection may stand there itself, as AmneziaWG's tool has it")
    func inlineKey() {
        let daemon = bench.serve("wg0", "errno=0\n\n")
        #expect(bench.run("set", "wg0", "header-protection-key", secret, "obfuscation-key", "/dev/null") == 0)
        #expect(daemon.requests == ["set=1\nheader_protection_key=\(hex(secret))\nobfuscation_key=\n\n"])
    }

    @Test("nothing is sent when a setting is wrong, and no key is told")
    func wrong() {
        let daemon = bench.serve("wg0", "errno=0\n\n")
        let lines = bench.file("one\ntwo\n", "lines")
        let calls = [
            ["obfuscation", "viel"], ["jc", "x"], ["h1", "9-5"], ["s1", "70000"], ["i1", "\u{1}"],
            ["random-trailers", "2"],
            ["obfuscation-key", secret], ["obfuscation-key", lines], ["header-protection-key", "/nowhere"],
            ["reserved", "1,2"], ["peer", peer, "jc", "4"], ["peer", peer, "obfuscation", "no"], ["obfuscation"],
            ["J1", "x"],
        ]
        for call in calls {
            let command = WgCommand(
                program: "wg", version: "", environment: [:], console: bench.console, tool: .wireGuard,
                places: bench.places)
            #expect(command.run(["set", "wg0", "fwmark", "1"] + call) == 1, "\(call)")
        }
        #expect(daemon.requests.isEmpty)
        #expect(!bench.console.complaints.joined().contains(secret))
    }

    @Test("show names disguises and hides keys")
    func show() {
        bench.serve("wg0", answer)
        #expect(bench.run("show", "wg0") == 0)
        #expect(
            bench.console.text == """
                interface: wg0
                  listening port: 5
                  obfuscation: veil
                  jc: 4
                  h1: 5-9
                  i1: <b 0x01> <r 5>
                  header protection key: (hidden)

                peer: \(peer)
                  allowed ips: 10.0.0.0/8
                  persistent keepalive: every 22 seconds to 30 seconds
                  obfuscation: veil

                peer: \(SampleConfiguration.secondPeer)
                  allowed ips: (none)

                """)
        bench.environment["WG_HIDE_KEYS"] = "never"
        #expect(bench.run("show", "wg0") == 0)
        #expect(bench.console.text.contains("  header protection key: \(secret)\n"))
    }

    @Test(
        "fields for scripts",
        arguments: [
            ("obfuscation", "\(peer)\tveil\n\(SampleConfiguration.secondPeer)\toff\n"), ("jc", "4\n"), ("jmin", "0\n"),
            ("h1", "5-9\n"), ("h2", "2\n"), ("i1", "<b 0x01> <r 5>\n"), ("i2", "(none)\n"),
            ("header-protection-key", "\(secret)\n"), ("rekey-after-time", "(none)\n"), ("random-trailers", "off\n"),
            ("persistent-keepalive", "\(peer)\t22-30\n\(SampleConfiguration.secondPeer)\toff\n"),
        ])
    func fields(field: String, expected: String) {
        bench.serve("wg0", answer)
        #expect(bench.run("show", "wg0", field) == 0)
        #expect(bench.console.text == expected)
        #expect(bench.run("show", "all", field) == 0)
        #expect(bench.console.text.split(separator: "\n").allSatisfy { $0.hasPrefix("wg0\t") })
    }

    @Test("keys of obfuscation are no field", arguments: ["obfuscation-key", "reserved", "obfuscation-mtu"])
    func noField(field: String) {
        bench.serve("wg0", answer)
        #expect(bench.run("show", "wg0", field) == 1)
    }

    @Test("dump has the stock columns, and AmneziaWG's for its tool")
    func dump() {
        bench.serve("wg0", answer)
        #expect(bench.run("show", "wg0", "dump") == 0)
        let lines = bench.console.text.split(separator: "\n").map { $0.split(separator: "\t") }
        #expect(lines.map(\.count) == [4, 8, 8])
        #expect(lines[1].last == "22")
        bench.tool = .amneziaWG
        #expect(bench.run("show", "wg0", "dump") == 0)
        let columns = bench.console.text.split(separator: "\n")[0].split(separator: "\t")
        #expect(
            columns == [
                "(none)", "(none)", "5", "4", "0", "0", "0", "0", "0", "0", "5-9", "2", "3", "4", "<b 0x01> <r 5>",
                "(null)",
                "(null)", "(null)", "(null)", Substring(secret), "(null)", "(null)", "(null)", "(null)", "(null)",
                "(null)",
                "off",
            ])
    }

    @Test("JSON")
    func json() {
        bench.serve("wg0", answer)
        #expect(bench.run("show", "wg0", "--json") == 0)
        let text = bench.console.text
        #expect(text.contains("\"obfuscation\" : \"veil\""))
        #expect(text.contains("\"H1\" : \"5-9\""))
        #expect(text.contains("\"HeaderProtectionKey\" : \"(hidden)\""))
        #expect(text.contains("\"persistentKeepaliveMaximum\" : 30"))
    }

    @Test("showconf is a file that says it all, which setconf makes nothing of")
    func showconf() throws {
        let daemon = bench.serve("wg0", answer, answer, "errno=0\n\n")
        #expect(bench.run("showconf", "wg0") == 0)
        let text = bench.console.text
        #expect(
            text == """
                [Interface]
                ListenPort = 5
                Obfuscation = veil
                Jc = 4
                H1 = 5-9
                I1 = <b 0x01> <r 5>
                HeaderProtectionKey = \(secret)

                [Peer]
                PublicKey = \(peer)
                AllowedIPs = 10.0.0.0/8
                PersistentKeepalive = 22-30

                [Peer]
                PublicKey = \(SampleConfiguration.secondPeer)
                Obfuscation = off

                """)
        let usable = text.split(separator: "HeaderProtectionKey = \(secret)\n").joined()
        let mended = usable.split(separator: "Jc = 4").joined(separator: "Jc = 4\nJmin = 5\nJmax = 6")
        #expect(bench.run("syncconf", "wg0", bench.file(mended)) == 0)
        let zeros = String(repeating: "0", count: 64)
        #expect(daemon.requests.last == "set=1\njmin=5\njmax=6\nheader_protection_key=\(zeros)\n\n")
    }

    @Test("setconf takes back what the file doesn't say, and nothing more")
    func setconf() {
        let daemon = bench.serve("wg0", answer, "errno=0\n\n")
        #expect(bench.run("setconf", "wg0", bench.file("[Interface]\nS1 = 7\n")) == 0)
        let zeros = String(repeating: "0", count: 64)
        #expect(
            daemon.requests.last == """
                set=1
                private_key=\(zeros)
                listen_port=0
                fwmark=0
                obfuscation=
                jc=0
                s1=7
                h1=1
                i1=
                header_protection_key=\(zeros)
                replace_peers=true


                """)
    }

    @Test("a refusal says where the reason is")
    func refusal() {
        bench.serve("wg0", "errno=-22\n\n")
        #expect(bench.run("set", "wg0", "obfuscation", "veil") == 1)
        #expect(bench.console.complaints.joined().contains("log"))
    }

    @Test("each family of tools has its places")
    func families() {
        #expect(
            ToolFamily(programName: "awg").devicePlaces
                == DevicePlaces(
                    socketDirectories: ["/var/run/amneziawg"], includesKernel: false))
        #expect(ToolFamily(programName: "wg").devicePlaces == DevicePlaces(socketDirectories: ["/var/run/wireguard"]))
        #expect(ToolFamily(programName: "nightjar").devicePlaces.socketDirectories.count == 2)
        #expect(ToolFamily(programName: "awg-quick").configurationDirectory == "/etc/amnezia/amneziawg")
        #expect(ToolFamily(programName: "amneziawg-go").socketDirectory == "/var/run/amneziawg")
    }
}
