import Foundation
import Glibc
import Testing

extension Interop {
    /// `wg-quick` starts nightjar where the kernel has no WireGuard; with one it wouldn't.
    @Suite(.enabled(if: access("/sys/module/wireguard", F_OK) != 0, "wg-quick prefers the WireGuard of this kernel"))
    struct WgQuickTests {
        @Test func upAndDown() async throws {
            try await withQuick { quick in
                let marks = quick.lab.path("marks")
                let hooks = ["PreUp", "PostUp", "PreDown", "PostDown"].map { "\($0) = echo \($0) %i >> \(marks)" }
                try await quick.write(
                    interface: ["Table = off", "MTU = 1390"] + hooks, allowedIPs: "10.77.0.2/32, fd77::2/128")
                try await quick.run("up")
                #expect(try await quick.client.run("cat /sys/class/net/\(quick.name)/mtu").output.trimmed == "1390")
                #expect(try await quick.client.ping(quick.server.ipv4).received == 3)
                #expect(try await quick.client.ping(quick.server.ipv6).received == 3)
                #expect(try await quick.client.processes().count == 1)

                try await quick.run("down")
                try await quick.expectGone()
                let text = String(decoding: FileManager.default.contents(atPath: marks) ?? Data(), as: UTF8.self)
                let expected = ["PreUp", "PostUp", "PreDown", "PostDown"].map { "\($0) \(quick.name)" }
                #expect(text.split(separator: "\n").map(String.init) == expected)
            }
        }

        @Test func routesOfAllowedIPs() async throws {
            try await withQuick { quick in
                try await quick.server.namespace.ip(
                    "addr add 172.30.1.1/32 dev lo", "addr add fd30::1/128 dev lo nodad")
                try await quick.write(allowedIPs: "10.77.0.2/32, 172.30.1.0/24, fd30::/64, fd77::2/128")
                try await quick.run("up")
                let route = try await quick.client.run("ip route get 172.30.1.1").output
                #expect(route.contains("dev \(quick.name)"))
                #expect(try await quick.client.run("cat /sys/class/net/\(quick.name)/mtu").output.trimmed == "1420")
                #expect(try await quick.client.ping("172.30.1.1").received == 3)
                #expect(try await quick.client.ping("fd30::1").received == 3)
                try await quick.run("down")
                try await quick.expectGone()
            }
        }

        @Test func defaultRouteThroughTheTunnel() async throws {
            try await withQuick { quick in
                try await quick.server.namespace.ip(
                    "addr add 198.51.100.1/32 dev lo", "addr add 2001:db8::1/128 dev lo nodad")
                try await quick.write(allowedIPs: "0.0.0.0/0, ::/0")
                try await quick.run("up")
                let rules = try await quick.client.run("ip rule show").output
                #expect(rules.contains("not from all fwmark 0xca6c lookup 51820"))
                #expect(try await quick.client.run("wg show \(quick.name) fwmark").output.trimmed == "0xca6c")
                for address in ["198.51.100.1", "2001:db8::1"] {
                    let report = try await quick.client.ping(address)
                    #expect(report.received == 3, "\(report.text)")
                }
                #expect(try await quick.server.status().peers.first?.endpoint?.hasPrefix("10.9.1.1:") == true)
                try await quick.run("down")
                try await quick.expectGone()
                #expect(try await !quick.client.run("ip rule show").output.contains("51820"))
            }
        }

        @Test func failingHookLeavesNothing() async throws {
            try await withQuick { quick in
                try await quick.write(interface: ["PostUp = false"], allowedIPs: "10.77.0.2/32")
                #expect(try await quick.run("up", mayFail: true).status == 1)
                try await quick.expectGone()
            }
        }

        private func withQuick(_ body: (Quick) async throws -> Void) async throws {
            try await Lab.with { lab in
                let wire = try await lab.wire()
                let server = try await WireGuardHost(.wireguardGo, at: wire.server, number: 2)
                try await server.start()
                try await server.setDevice()
                try await server.bringUp()
                let quick = Quick(lab: lab, client: wire.client.namespace, server: server)
                try await server.set("peer \(quick.publicKey()) allowed-ips 10.77.0.1/32,fd77::1/128")
                try await body(quick)
            }
        }
    }
}

/// A machine that is configured by `wg-quick`, with nightjar found by its name.
private final class Quick {
    let lab: Lab
    let client: Namespace
    let server: WireGuardHost
    let name = Names.interface()
    /// Any 32 bytes are a private key.
    private let privateKey = Data((0..<32).map { _ in UInt8.random(in: 0...255) }).base64EncodedString()

    init(lab: Lab, client: Namespace, server: WireGuardHost) {
        self.lab = lab
        self.client = client
        self.server = server
    }

    func publicKey() async throws -> String {
        try await lab.run(["wg", "pubkey"], input: privateKey).output.trimmed
    }

    func write(interface lines: [String] = [], allowedIPs: String) async throws {
        let text = """
            [Interface]
            Address = 10.77.0.1/24, fd77::1/64
            PrivateKey = \(privateKey)
            \(lines.joined(separator: "\n"))

            [Peer]
            PublicKey = \(server.publicKey)
            Endpoint = \(server.site.endpoint(.ipv4, port: WireGuardHost.port))
            AllowedIPs = \(allowedIPs)
            """
        _ = try lab.write(text + "\n", name: path)
    }

    @discardableResult
    func run(_ task: String, mayFail: Bool = false) async throws -> CommandResult {
        let programs = "\(lab.directory)/bin"
        if access(programs, F_OK) != 0 {
            try FileManager.default.createDirectory(atPath: programs, withIntermediateDirectories: true)
            try FileManager.default.createSymbolicLink(
                atPath: "\(programs)/nightjar", withDestinationPath: try Engine.nightjar.executable())
        }
        let variables = [
            "WG_QUICK_USERSPACE_IMPLEMENTATION": "nightjar", "PATH": "\(programs):\(Tool.searchPath)",
        ]
        let result = try await client.run(["wg-quick", task, path], environment: variables, mayFail: mayFail)
        // The kernel lets an IPv6 address be used a moment after it was added, which is long on a busy machine.
        let isUsable = try await eventually(within: .seconds(20)) {
            try await client.run("ip -6 addr show tentative").output.isEmpty
        }
        guard isUsable else { throw Failure("IPv6 addresses stay tentative after wg-quick \(task)") }
        return result
    }

    func expectGone() async throws {
        let isGone = try await eventually(within: .seconds(5)) { try await client.processes().isEmpty }
        #expect(isGone)
        #expect(try await !client.hasLink(name))
        #expect(access("\(Leftovers.socketDirectory)/\(name).sock", F_OK) != 0)
    }

    private var path: String { "\(lab.directory)/\(name).conf" }
}
