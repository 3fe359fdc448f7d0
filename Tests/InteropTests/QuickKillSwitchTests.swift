import Foundation
import Glibc
import Testing

extension Interop {
    /// Nothing leaves outside of the tunnel from before it exists until it is taken down.
    @Suite(.disabled(if: Engine.isReferenceUnderTest, "wireguard-go has no kill switch"))
    struct QuickKillSwitchTests {
        enum Program: String, CaseIterable { case nft, iptables }

        @Test(arguments: Program.allCases) func nothingPassesOutside(_ tool: Program) async throws {
            try await QuickBench.with { bench in
                let path = try await searchPath(tool, bench)
                #expect(try await bench.answering(QuickBench.outside + QuickBench.local).count == 4)
                let before = try await bench.traces()
                let look = "ping -n -c 1 -W 1 198.51.100.1 && touch /run/leak || true"
                try await bench.client.configure(
                    bench.text(
                        ["KillSwitch = on", "PreUp = \(look)", "PostUp = \(look)"],
                        allowedIPs: "10.77.0.0/24, fd77::/64"))
                let up = try await bench.client.run(
                    [try Engine.nightjar.executable(), "up", "wg0"], environment: path)
                #expect(up.errors.contains(tool == .nft ? "nft -f -" : "iptables-restore"))
                #expect(try await bench.client.run("ls /run/leak", mayFail: true).status != 0)
                #expect(try await bench.answering(QuickBench.inside) == QuickBench.inside)
                #expect(try await bench.answering(QuickBench.outside + QuickBench.local) == [])

                try await bench.client.crash()
                #expect(try await bench.answering(QuickBench.outside + QuickBench.local) == [], "after a crash")

                try await bench.client.run([try Engine.nightjar.executable(), "up", "wg0"], environment: path)
                #expect(try await bench.answering(QuickBench.inside) == QuickBench.inside)
                #expect(try await bench.answering(QuickBench.outside + QuickBench.local) == [])
                try await bench.client.run([try Engine.nightjar.executable(), "down", "wg0"], environment: path)
                try await bench.expectTraces(before)
                #expect(try await bench.answering(QuickBench.outside + QuickBench.local).count == 4)
            }
        }

        @Test(arguments: Program.allCases) func localNetworkWhenAsked(_ tool: Program) async throws {
            try await QuickBench.with { bench in
                let path = try await searchPath(tool, bench)
                try await bench.client.configure(
                    bench.text(["KillSwitch = lan"], allowedIPs: "10.77.0.2/32, fd77::2/128"))
                try await bench.client.run([try Engine.nightjar.executable(), "up", "wg0"], environment: path)
                #expect(try await bench.answering(QuickBench.local + QuickBench.inside).count == 4)
                #expect(try await bench.answering(QuickBench.outside) == [])
            }
        }

        @Test func defaultRouteAndKillSwitch() async throws {
            try await QuickBench.with { bench in
                let before = try await bench.traces()
                try await bench.client.configure(
                    bench.text(["KillSwitch = on", "FwMark = 77"], allowedIPs: "0.0.0.0/0, ::/0"))
                try await bench.client.quick("up")
                #expect(try await bench.answering(QuickBench.inside) == QuickBench.inside)
                try await bench.client.crash()
                #expect(try await bench.answering(QuickBench.outside + QuickBench.local) == [])
                try await bench.client.quick("down")
                try await bench.expectTraces(before)
            }
        }

        @Test func forwardedPacketsAreKeptInside() async throws {
            try await QuickBench.with { bench in
                let inner = try await bench.lab.namespace("inner")
                let client = bench.client.site.namespace
                try await client.ip(
                    "link add eth1 type veth peer name eth0 netns \(inner.name)", "addr add 10.50.0.1/24 dev eth1",
                    "link set eth1 up")
                try await inner.ip(
                    "addr add 10.50.0.2/24 dev eth0", "link set eth0 up", "route add default via 10.50.0.1")
                try await client.sysctl("ipv4.ip_forward=1")
                try await bench.router.ip("route add 10.50.0.0/24 via 10.9.1.1")
                func answers(_ address: String) async throws -> Bool {
                    try await inner.run("ping -n -c 1 -W 1 \(address)", mayFail: true).status == 0
                }
                #expect(try await answers("198.51.100.1"))
                try await bench.server.namespace.ip("route add 10.50.0.0/24 dev \(bench.server.interface)")
                let peer = try await bench.server.status().peers[0].publicKey
                try await bench.server.set("peer \(peer) allowed-ips 10.77.0.1/32,fd77::1/128,10.50.0.0/24")
                try await bench.client.configure(bench.text(["KillSwitch = on"], allowedIPs: "10.77.0.2/32"))
                try await bench.client.quick("up")
                #expect(try await !answers("198.51.100.1"))
                #expect(try await !answers("10.9.1.254"))
                #expect(try await answers("10.77.0.2"))
                try await bench.client.quick("down")
                #expect(try await answers("198.51.100.1"))
            }
        }

        @Test func failureBeforeTheTunnelIsUpOpensIt() async throws {
            try await QuickBench.with { bench in
                let before = try await bench.traces()
                try await bench.client.configure(
                    bench.text(["KillSwitch = on", "PostUp = exit 7"], allowedIPs: "10.77.0.2/32"))
                #expect(try await bench.client.quick("up", mayFail: true).status == 7)
                try await bench.expectTraces(before)
                #expect(try await bench.reaches("198.51.100.1"))
            }
        }

        /// `PATH` of a machine that has no other firewall program. nft is in /usr/sbin, with much else.
        private func searchPath(_ tool: Program, _ bench: QuickBench) async throws -> [String: String] {
            guard tool == .iptables else { return [:] }
            let directory = "\(bench.lab.directory)/iptables"
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            for name in ["iptables", "ip6tables"].flatMap({ ["\($0)-save", "\($0)-restore"] }) {
                try FileManager.default.createSymbolicLink(
                    atPath: "\(directory)/\(name)", withDestinationPath: try Tool.path(name))
            }
            return ["PATH": "\(directory):/usr/bin:/bin"]
        }
    }
}
