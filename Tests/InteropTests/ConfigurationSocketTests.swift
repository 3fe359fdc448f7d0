import Testing

/// A request that the daemon refuses, or takes though it looks odd.
struct OddRequest: Sendable, CustomTestStringConvertible {
    let lines: [String]
    let code: Int

    init(_ lines: String..., code: Int) {
        self.lines = lines
        self.code = code
    }

    var testDescription: String { lines.map { String($0.prefix(40)) }.joined(separator: " | ") }

    static let key = "public_key=" + String(repeating: "5a", count: 32)
    static let zeros = String(repeating: "0", count: 64)

    static let refused = [
        OddRequest("foo=1", code: -22),
        OddRequest("listen_port=99999", code: -22),
        OddRequest("listen_port=-1", code: -22),
        OddRequest("listen_port=", code: -22),
        OddRequest("fwmark=0x10", code: -22),
        OddRequest("fwmark=4294967296", code: -22),
        OddRequest("private_key=00", code: -22),
        OddRequest("private_key=" + String(repeating: "zz", count: 32), code: -22),
        OddRequest("private_key=" + zeros + "00", code: -22),
        OddRequest("replace_peers=false", code: -22),
        OddRequest("endpoint=192.0.2.1:1", code: -22),
        OddRequest("public_key=5a", code: -22),
        OddRequest("noequals", code: -71),
        OddRequest(key, "noequals", code: -71),
        OddRequest(key, "foo=1", code: -22),
        OddRequest(key, "private_key=" + zeros, code: -22),
        OddRequest(key, "listen_port=1", code: -22),
        OddRequest(key, "protocol_version=2", code: -22),
        OddRequest(key, "preshared_key=00", code: -22),
        OddRequest(key, "endpoint=host:1", code: -22),
        OddRequest(key, "endpoint=192.0.2.1", code: -22),
        OddRequest(key, "endpoint=192.0.2.1:65536", code: -22),
        OddRequest(key, "persistent_keepalive_interval=65536", code: -22),
        OddRequest(key, "replace_allowed_ips=1", code: -22),
        OddRequest(key, "allowed_ip=10.0.0.1", code: -22),
        OddRequest(key, "allowed_ip=10.0.0.0/33", code: -22),
        OddRequest(key, "allowed_ip=fd00::/129", code: -22),
        OddRequest(key, "remove=false", code: -22),
        OddRequest(key, "update_only=false", code: -22),
    ]

    static let accepted = [
        OddRequest(code: 0),
        OddRequest(key, "protocol_version=1", code: 0),
        OddRequest(key.replacing("5a", with: "5A"), "preshared_key=" + zeros, code: 0),
        OddRequest(key, "remove=true", code: 0),
        OddRequest(key, "remove=true", "allowed_ip=10.0.0.0/8", code: 0),
        OddRequest(key, "update_only=true", "allowed_ip=10.0.0.0/8", code: 0),
        OddRequest("public_key=" + zeros, "allowed_ip=10.0.0.0/8", code: 0),
        OddRequest("private_key=" + zeros, "fwmark=0", "listen_port=0", "replace_peers=true", code: 0),
    ]
}

extension Interop {
    /// What the configuration socket answers to requests that `wg` never makes.
    @Suite struct ConfigurationSocketTests {
        @Test func everyAnswer() async throws {
            try await Interop.withHost { host in
                for request in OddRequest.refused + OddRequest.accepted {
                    let answer = try ConfigurationSocket(host.interface).set(request.lines)
                    #expect(answer == request.code, "\(request.testDescription)")
                }
            }
        }

        @Test(.beyondReference("wireguard-go applies the lines before the wrong one"))
        func refusedRequestChangesNothing() async throws {
            try await Interop.withHost { host in
                try await host.setDevice(port: 1111)
                try await host.set("peer \(host.lab.run(["wg", "genpsk"]).output.trimmed) allowed-ips 10.1.0.0/16")
                let before = try ConfigurationSocket(host.interface).get()
                let device = ["listen_port=2222", "fwmark=9", "replace_peers=true"]
                let peer = ["public_key=" + String(repeating: "5b", count: 32), "allowed_ip=10.1.0.0/16"]
                for request in OddRequest.refused {
                    let connection = try ConfigurationSocket(host.interface)
                    // A wrong line for the device has to stand before the first peer to be wrong for its own reason.
                    let isForPeer = request.lines.first?.hasPrefix("public_key=") ?? false
                    let lines = device + (isForPeer ? peer : []) + request.lines
                    #expect(try connection.set(lines) == request.code, "\(request.testDescription)")
                    #expect(try ConfigurationSocket(host.interface).get() == before, "\(request.testDescription)")
                }
            }
        }

        @Test func oneConnectionCarriesManyOperations() async throws {
            try await Interop.withHost { host in
                let connection = try ConfigurationSocket(host.interface)
                #expect(try connection.set(["fwmark=5"]) == 0)
                #expect(try connection.get().contains("fwmark=5"))
                #expect(try connection.set(["fwmark=0"]) == 0)
                #expect(try !connection.get().contains { $0.hasPrefix("fwmark") })
                #expect(try connection.ask("get=1\nfoo=1\n\n") == ["errno=-22"])
                #expect(try ConfigurationSocket(host.interface).ask("hello\n\n") == nil, "the connection is closed")
                #expect(try ConfigurationSocket(host.interface).ask("get=2\n\n") == nil)
            }
        }

        @Test(.beyondReference("wireguard-go loses what follows a set in the same read"))
        func operationsSentTogether() async throws {
            try await Interop.withHost { host in
                let both = try ConfigurationSocket(host.interface)
                #expect(try both.ask("set=1\nfwmark=6\n\nget=1\n\n") == ["errno=0"])
                #expect(try #require(try both.answer()).contains("fwmark=6"))
            }
        }

        @Test(.beyondReference("wireguard-go makes others wait for a set that isn't complete"))
        func lateAndSlowRequests() async throws {
            try await Interop.withHost { host in
                let idle = try ConfigurationSocket(host.interface)
                let slow = try ConfigurationSocket(host.interface)
                for part in ["se", "t=1\nfwm", "ark=8"] {
                    slow.send(part)
                    try await Task.sleep(for: .milliseconds(30))
                }
                #expect(try ConfigurationSocket(host.interface).set([]) == 0, "others don't wait for the slow one")
                #expect(try slow.ask("\n\n") == ["errno=0"])
                #expect(try idle.get().contains("fwmark=8"))
            }
        }

        @Test func keysInOrder() async throws {
            try await Interop.withHost { host in
                let connection = try ConfigurationSocket(host.interface)
                let unclamped = String(repeating: "ff", count: 32)
                #expect(try connection.set(["private_key=" + unclamped, "listen_port=3333", "fwmark=16"]) == 0)
                let peer = OddRequest.key
                #expect(
                    try connection.set([
                        peer, "preshared_key=" + unclamped, "endpoint=[2001:db8::1]:5",
                        "persistent_keepalive_interval=7", "replace_allowed_ips=true", "allowed_ip=10.8.1.1/16",
                        "allowed_ip=fd00::1/128",
                    ]) == 0)
                let lines = try connection.get()
                #expect(
                    lines == [
                        "private_key=f8" + String(repeating: "ff", count: 30) + "7f", "listen_port=3333", "fwmark=16",
                        peer, "preshared_key=" + unclamped, "protocol_version=1", "endpoint=[2001:db8::1]:5",
                        "last_handshake_time_sec=0", "last_handshake_time_nsec=0", "tx_bytes=0", "rx_bytes=0",
                        "persistent_keepalive_interval=7", "allowed_ip=10.8.0.0/16", "allowed_ip=fd00::1/128",
                    ])
                #expect(try connection.set([peer, "update_only=true", "replace_allowed_ips=true"]) == 0)
                #expect(try connection.get() == Array(lines.dropLast(2)))
                #expect(try connection.set([peer, "remove=true"]) == 0)
                #expect(try connection.set([peer, "update_only=true", "allowed_ip=10.0.0.0/8"]) == 0)
                #expect(try connection.get() == Array(lines.prefix(3)))
            }
        }

        @Test(.beyondReference("wireguard-go gives peers in no order"))
        func peersInOrderOfCreation() async throws {
            try await Interop.withHost { host in
                let connection = try ConfigurationSocket(host.interface)
                let keys = (10..<30).reversed().map { "public_key=" + String(repeating: "\($0)", count: 32) }
                #expect(try connection.set(keys) == 0)
                #expect(try connection.get().filter { $0.hasPrefix("public_key") } == keys)
            }
        }

        @Test(.beyondReference("Debian's wireguard-go is older than the syntax"))
        func prefixIsRemovedByAMinus() async throws {
            try await Interop.withHost { host in
                let connection = try ConfigurationSocket(host.interface)
                let lines = [OddRequest.key, "allowed_ip=10.0.0.0/8", "allowed_ip=fd00::/8"]
                #expect(try connection.set(lines) == 0)
                #expect(try connection.set([OddRequest.key, "allowed_ip=-10.0.0.0/8", "allowed_ip=-10.1.0.0/16"]) == 0)
                #expect(try connection.get().filter { $0.hasPrefix("allowed_ip") } == ["allowed_ip=fd00::/8"])
            }
        }

        /// Random text neither stops the daemon nor gets more than a refusal.
        @Test func randomText() async throws {
            try await Interop.withHost { host in
                var random = SeededGenerator(state: 7)
                let words = [
                    "set=1", "get=1", "=", "\n", "\n\n", "public_key", OddRequest.key, "é", "\0", "allowed_ip=", "9",
                ]
                for _ in 0..<300 {
                    let connection = try ConfigurationSocket(host.interface)
                    let count = Int.random(in: 1...12, using: &random)
                    connection.send((0..<count).map { _ in words.randomElement(using: &random) ?? "" }.joined())
                }
                #expect(try ConfigurationSocket(host.interface).set([]) == 0)
                #expect(try await host.status().publicKey == nil)
            }
        }
    }
}

/// SplitMix64.
private struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}
