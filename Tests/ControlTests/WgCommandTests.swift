import Control
import TestKit
import Testing
import Wire

private let privateKey = SampleConfiguration.privateKey
private let publicKey = SampleConfiguration.publicKey
private let peer = SampleConfiguration.firstPeer
private let other = SampleConfiguration.secondPeer

/// Values of allowed-ips options, and what of them is sent.
private let allowedIPLists: [([String], [String])] = [
    (["10.0.0.0/8"], ["replace", "10.0.0.0/8"]),
    ([""], ["replace"]),
    (["10.0.0.0/8", "fd00::/8"], ["replace", "10.0.0.0/8", "fd00::/8"]),
    (["+10.0.0.0/8"], ["10.0.0.0/8"]),
    (["-10.0.0.0/8,fd00::/8"], ["-10.0.0.0/8", "fd00::/8"]),
    (["+10.0.0.0/8", "fd00::/8"], ["10.0.0.0/8", "fd00::/8"]),
    (["10.0.0.0/8", "-fd00::/8"], ["10.0.0.0/8", "-fd00::/8"]),
]

@Suite("The commands of wg")
struct WgCommandTests {
    private let bench = CommandBench()

    @Test("usage, version and unknown subcommands")
    func topLevel() {
        for word in ["help", "-h", "--help"] {
            #expect(bench.run(word) == 0)
            #expect(bench.console.text.hasPrefix("Usage: wg <cmd> [<args>]\n\nAvailable subcommands:\n  show: "))
            #expect(bench.console.complaints.isEmpty)
        }
        for word in ["version", "-v", "--version"] {
            #expect(bench.run(word) == 0)
            #expect(bench.console.text == "wireguard-tools v1.0.20260223 - nightjar test\n")
        }
        #expect(bench.run("frobnicate") == 1)
        #expect(bench.console.text.isEmpty)
        #expect(bench.console.complaints.first == "Invalid subcommand: \"frobnicate\"")
        #expect(bench.run("--version", "x") == 1)
    }

    @Test("wrong counts of arguments are refused with the usage")
    func usage() {
        let calls = [
            ["showconf"], ["showconf", "a", "b"], ["set"], ["set", "a"], ["setconf", "a"], ["addconf"],
            ["syncconf", "a", "b", "c"], ["genkey", "a"], ["genpsk", "a"], ["pubkey", "a"], ["show", "a", "dump", "c"],
            ["show", "interfaces", "dump"],
        ]
        for call in calls {
            let command = WgCommand(
                program: "wg", version: "", environment: [:], console: bench.console,
                tool: .wireGuard, places: bench.places)
            #expect(command.run(call) == 1)
            #expect(bench.console.complaints.last?.hasPrefix("Usage: wg \(call[0])") == true)
        }
        #expect(bench.run("show", "--help") == 0)
        #expect(bench.run("show", "wg0", "colour") == 1)
        #expect(bench.console.complaints.first == "Invalid parameter: \"colour\"")
    }

    @Test("genkey makes clamped keys, genpsk any, and pubkey belongs to genkey")
    func keys() throws {
        var seen: Set<String> = []
        for _ in 0..<20 {
            #expect(bench.run("genkey") == 0)
            let line = bench.console.text
            #expect(line.hasSuffix("\n") && line.utf8.count == 45)
            let key = try #require(Base64.decode(line.utf8.dropLast()))
            #expect(key.array[0] & 7 == 0 && key.array[31] & 0xc0 == 0x40)
            seen.insert(line)
            #expect(bench.run("genpsk") == 0)
            #expect(Base64.decode(bench.console.output.dropLast()) != nil)
            seen.insert(bench.console.text)
        }
        #expect(seen.count == 40)
        #expect(bench.console.complaints.isEmpty)
        bench.console.isWorldAccessible = true
        #expect(bench.run("genkey") == 0)
        #expect(bench.console.complaints.count == 2)
    }

    @Test("pubkey takes a key with white space after it and nothing else")
    func pubkey() {
        for end in ["", "\n", " \t\r\n\n", "\0\0"] {
            #expect(bench.run("pubkey", input: privateKey + end) == 0)
            #expect(bench.console.text == publicKey + "\n")
        }
        let refused = [
            "", "\n", String(privateKey.dropLast()), privateKey + "x", privateKey + privateKey, " " + privateKey,
            String(repeating: "=", count: 44), String(privateKey.dropLast(2)) + "l=",
        ]
        for text in refused {
            #expect(bench.run("pubkey", input: text) == 1)
            #expect(bench.console.text.isEmpty)
            #expect(!bench.console.complaints.joined().contains(privateKey.prefix(20)))
        }
    }

    @Test("set sends one request with all that was asked for")
    func set() {
        let daemon = bench.serve("wg0", "errno=0\n\n")
        let file = bench.file(privateKey + "\n")
        #expect(
            bench.run(
                "set", "wg0", "listen-port", "51820", "fwmark", "0xca6c", "private-key", file, "peer", peer,
                "preshared-key", "/dev/null", "endpoint", "[2001:db8::1]:5", "persistent-keepalive", "off",
                "allowed-ips",
                "10.0.0.1/8, fd00::1", "peer", other, "remove") == 0)
        let expected = """
            set=1
            private_key=\(hex(privateKey))
            listen_port=51820
            fwmark=51820
            public_key=\(hex(peer))
            preshared_key=\(String(repeating: "0", count: 64))
            endpoint=[2001:db8::1]:5
            persistent_keepalive_interval=0
            replace_allowed_ips=true
            allowed_ip=10.0.0.0/8
            allowed_ip=fd00::1/128
            public_key=\(hex(other))
            remove=true


            """
        #expect(daemon.requests == [expected])
        #expect(bench.console.complaints == ["Warning: AllowedIP has nonzero host part: 10.0.0.1/8"])
    }

    @Test("allowed-ips replaces, or changes when an entry has a sign", arguments: allowedIPLists)
    func allowedIPs(_ lists: [String], _ expected: [String]) {
        let daemon = bench.serve("wg0", "errno=0\n\n")
        let words = ["set", "wg0", "peer", peer] + lists.flatMap { ["allowed-ips", $0] }
        let command = WgCommand(
            program: "wg", version: "", environment: [:], console: bench.console, tool: .wireGuard,
            places: bench.places)
        #expect(command.run(words) == 0)
        let lines = daemon.requests.joined().split(separator: "\n").dropFirst(2).map { line in
            line == "replace_allowed_ips=true" ? "replace" : String(line.dropFirst("allowed_ip=".count))
        }
        #expect(lines == expected)
    }

    @Test("nothing is sent when an argument is wrong")
    func wrongArguments() {
        let daemon = bench.serve("wg0", "errno=0\n\n")
        let short = bench.file("abc", "short")
        let long = bench.file(privateKey + " " + privateKey, "long")
        let calls = [
            ["listen-port", "70000"], ["listen-port", ""], ["listen-port", "abc"], ["fwmark", "x"], ["fwmark", "-1"],
            ["private-key", "/nowhere"], ["private-key", short], ["private-key", long], ["private-key", privateKey],
            ["peer", "abc"], ["peer", peer, "endpoint", "1.2.3.4"], ["peer", peer, "endpoint", "1.2.3.4:99999"],
            ["peer", peer, "endpoint", "1.2.3.4:1", "persistent-keepalive", "1d"],
            ["peer", peer, "allowed-ips", "1.2.3"],
            ["peer", peer, "listen-port", "1"], ["endpoint", "1.2.3.4:1"], ["remove"], ["peer"], ["Listen-Port", "1"],
            ["peer", peer, "allowed-ips", "10.0.0.0/8,"], ["peer", peer, "preshared-key", "/nowhere", "remove"],
        ]
        for call in calls {
            let command = WgCommand(
                program: "wg", version: "", environment: [:], console: bench.console,
                tool: .wireGuard, places: bench.places)
            #expect(command.run(["set", "wg0", "fwmark", "1"] + call) == 1, "\(call)")
        }
        #expect(daemon.requests.isEmpty)
        #expect(!bench.console.complaints.joined().contains(privateKey.prefix(20)))
        bench.environment["WG_ENDPOINT_RESOLUTION_RETRIES"] = "often"
        #expect(bench.run("set", "wg0", "peer", peer, "endpoint", "1.2.3.4:1") == 1)
        #expect(daemon.requests.isEmpty)
        bench.environment["WG_ENDPOINT_RESOLUTION_RETRIES"] = "infinity"
        #expect(bench.run("set", "wg0", "peer", peer, "endpoint", "1.2.3.4:1") == 0)
    }

    @Test("a refusal of the daemon is told")
    func refusal() {
        bench.serve("wg0", "errno=-98\n\n")
        #expect(bench.run("set", "wg0", "listen-port", "1") == 1)
        #expect(bench.console.complaints.first?.hasPrefix("Unable to modify interface: Address already in use") == true)
        #expect(bench.run("set", "wg1", "listen-port", "1") == 1)
        #expect(bench.console.complaints.first?.hasPrefix("Unable to modify interface: No such device") == true)
    }

    @Test("a daemon that can't remove allowed IPs is given the rest of them")
    func olderDaemon() {
        let status = "public_key=\(hex(peer))\nallowed_ip=10.0.0.0/8\nallowed_ip=fd00::/8\nerrno=0\n\n"
        let daemon = bench.serve("wg0", "errno=-22\n\n", status, "errno=0\n\n")
        #expect(bench.run("set", "wg0", "peer", peer, "allowed-ips", "-10.0.0.0/8,+10.1.0.0/16") == 0)
        #expect(
            daemon.requests.last
                == "set=1\npublic_key=\(hex(peer))\nreplace_allowed_ips=true\nallowed_ip=fd00::/8\nallowed_ip=10.1.0.0/16\n\n"
        )
    }

    @Test("files are read whole before anything is sent")
    func badFile() {
        let daemon = bench.serve("wg0", "errno=0\n\n")
        let file = bench.file("[Interface]\nListenPort = 5\n[Peer]\nPublicKey = \(peer)\nAllowedIPs = no\n")
        for subcommand in ["setconf", "addconf", "syncconf"] {
            #expect(bench.run(subcommand, "wg0", file) == 1)
            #expect(
                bench.console.complaints.first?.hasPrefix("\(file):5: found \"no\" as AllowedIPs; expected ") == true)
            #expect(bench.console.complaints.last == "Configuration parsing error")
            #expect(bench.run(subcommand, "wg0", "/nowhere") == 1)
        }
        #expect(daemon.requests.isEmpty)
    }

    @Test("setconf resets what the file doesn't say, addconf leaves it")
    func files() {
        let daemon = bench.serve("wg0", "errno=0\n\n")
        let file = bench.file("[Peer]\nPublicKey = \(peer)\n")
        #expect(bench.run("setconf", "wg0", file) == 0)
        #expect(bench.run("addconf", "wg0", file) == 0)
        let zeros = String(repeating: "0", count: 64)
        let section = "public_key=\(hex(peer))\nreplace_allowed_ips=true\n\n"
        #expect(
            daemon.requests == [
                // What was said of a disguise before has to be taken back, if there is any.
                "get=1\n\n",
                "set=1\nprivate_key=\(zeros)\nlisten_port=0\nfwmark=0\nreplace_peers=true\n\(section)",
                "set=1\n\(section)",
            ])
    }
}

func hex(_ base64: String) -> String {
    Base64.decode(base64.utf8).map { Hex.encode($0) } ?? "no key"
}
