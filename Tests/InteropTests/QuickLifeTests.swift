import Foundation
import Glibc
import Testing

extension Interop {
    /// Interfaces that are left, saved, reloaded, and share a machine with others.
    @Suite(.disabled(if: Engine.isReferenceUnderTest, "wireguard-go is no wg-quick"))
    struct QuickLifeTests {
        @Test func downAfterTheDaemonHasCrashed() async throws {
            try await QuickBench.with { bench in
                let before = try await bench.traces()
                try await bench.client.configure(
                    bench.text(["DNS = 10.77.0.2", "PostDown = touch /etc/ran"], allowedIPs: "0.0.0.0/0, ::/0"))
                try await bench.client.quick("up")
                kill(try await bench.daemon(), SIGKILL)
                _ = try await eventually(within: .seconds(5)) {
                    try await bench.client.run("ip link show wg0", mayFail: true).status != 0
                }
                try await bench.client.quick("down")
                try await bench.expectTraces(before)
                try await bench.client.run("ls /etc/ran")
                #expect(try await bench.client.quick("down", mayFail: true).status == 1)
            }
        }

        @Test func upAfterTheDaemonHasCrashed() async throws {
            try await QuickBench.with { bench in
                let before = try await bench.traces()
                try await bench.client.configure(bench.text(["DNS = 10.77.0.2"], allowedIPs: "0.0.0.0/0, ::/0"))
                try await bench.client.quick("up")
                let up = try await bench.traces().filter { !$0.contains("UNCONN") }
                kill(try await bench.daemon(), SIGKILL)
                _ = try await eventually(within: .seconds(5)) {
                    try await bench.client.run("ip link show wg0", mayFail: true).status != 0
                }
                try await bench.client.quick("up")
                #expect(QuickBench.differences(try await bench.traces().filter { !$0.contains("UNCONN") }, up) == [])
                #expect(try await bench.reaches("10.77.0.2"))
                try await bench.client.quick("down")
                try await bench.expectTraces(before)
            }
        }

        @Test func twoTunnelsWithDefaultRoutes() async throws {
            try await QuickBench.with { bench in
                let program = try Engine.nightjar.executable()
                let before = try await bench.traces()
                try await bench.client.configure(bench.text(allowedIPs: "0.0.0.0/0, ::/0"))
                try await bench.client.quick("up")
                let one = try await bench.traces()
                let other = bench.text(allowedIPs: "0.0.0.0/0").replacing(
                    "10.77.0.1/24, fd77::1/64", with: "10.78.0.1/24")
                let file = try bench.lab.write(other + "\n")
                try await bench.client.run(["install", "-m", "600", file, "/run/wg1.conf"])
                try await bench.client.run([program, "up", "/run/wg1.conf"])
                let rules = try await bench.client.run("ip rule").output
                #expect(rules.contains("51820") && rules.contains("51821"))
                // The file isn't where a name alone would lead.
                try await bench.client.run([program, "down", "wg1"])
                try await bench.client.run("rm /run/wg1.conf")
                try await bench.expectTraces(one)
                try await bench.client.quick("down")
                try await bench.expectTraces(before)
            }
        }

        @Test func theStockToolTakesItDown() async throws {
            try await QuickBench.with { bench in
                try await bench.client.configure(bench.text(allowedIPs: "0.0.0.0/0, ::/0"))
                try await bench.client.quick("up")
                try await bench.client.run("wg-quick down wg0")
                #expect(try await bench.client.run("ip rule").output.contains("51820") == false)
                // What is left is the journal, which doesn't keep the next one from coming up.
                try await bench.client.quick("up")
                #expect(try await bench.reaches("10.77.0.2"))
                try await bench.client.quick("down")
            }
        }

        @Test(.enabled(if: access("/sys/module/wireguard", F_OK) != 0, "wg-quick prefers the WireGuard of this kernel"))
        func whatTheStockToolHasMadeIsTakenDown() async throws {
            try await QuickBench.with { bench in
                // The reverse path filter's setting stays, as the stock tool leaves it.
                try await bench.client.run("sysctl -qw net.ipv4.conf.all.src_valid_mark=1")
                let before = try await bench.traces()
                try await bench.client.configure(bench.text(["DNS = 10.77.0.2"], allowedIPs: "0.0.0.0/0, ::/0"))
                try await bench.client.run("wg-quick up wg0")
                try await bench.client.quick("down")
                try await bench.expectTraces(before)
                #expect(try await bench.client.nameServerNotes().contains { $0.hasPrefix("-d") && $0.contains("wg0") })
            }
        }

        @Test func savedFile() async throws {
            try await QuickBench.with { bench in
                let program = try Engine.nightjar.executable()
                let text = bench.text(
                    ["# mine", "DNS = 10.77.0.2, corp.example", "ListenPort = 7777", "MTU = 1400"],
                    allowedIPs: "10.77.0.2/32 # server")
                try await bench.client.configure(text)
                try await bench.client.quick("up")
                try await bench.client.run([program, "save", "wg0"])
                let same = try await bench.client.run("cat /etc/wireguard/wg0.conf").output
                #expect(same == text + "\n")
                try await bench.client.run("ip address add 10.99.0.1/32 dev wg0")
                try await bench.client.run("ip link set mtu 1390 dev wg0")
                try await bench.client.run("wg set wg0 peer \(bench.server.publicKey) persistent-keepalive 21")
                try await bench.client.run([program, "save", "wg0"])
                let saved = try await bench.client.run("cat /etc/wireguard/wg0.conf").output
                for line in [
                    "# mine", "Address = 10.99.0.1/32", "MTU = 1390", "PersistentKeepalive = 21",
                    "DNS = 10.77.0.2, corp.example", "AllowedIPs = 10.77.0.2/32 # server",
                ] { #expect(saved.contains(line + "\n"), "\(saved)") }
                #expect(try await bench.client.run("stat -c %a /etc/wireguard/wg0.conf").output == "600\n")
                try await bench.client.quick("down")
            }
        }

        @Test func saveConfigWritesWhenItGoesDown() async throws {
            try await QuickBench.with { bench in
                try await bench.client.configure(bench.text(["SaveConfig = true"], allowedIPs: "10.77.0.2/32"))
                try await bench.client.quick("up")
                try await bench.client.run("wg set wg0 listen-port 7788")
                try await bench.client.quick("down")
                #expect(
                    try await bench.client.run("cat /etc/wireguard/wg0.conf").output.contains("ListenPort = 7788\n"))
            }
        }

        @Test func aThousandPeers() async throws {
            try await QuickBench.with { bench in
                var text = bench.text(allowedIPs: "10.77.0.2/32")
                for number in 0..<1000 {
                    var key = [UInt8](repeating: 7, count: 32)
                    (key[0], key[1]) = (UInt8(number & 0xff), UInt8(number >> 8))
                    text += """

                        [Peer]
                        PublicKey = \(Data(key).base64EncodedString())
                        AllowedIPs = 10.\(100 + number / 250).\(number % 250).0/24, fd80:\(String(number, radix: 16))::/64
                        """
                }
                try await bench.client.configure(text)
                let start = ContinuousClock.now
                try await bench.client.quick("up")
                let time = ContinuousClock.now - start
                #expect(try await bench.client.run("ip route show dev wg0").output.split(separator: "\n").count == 1001)
                #expect(try await bench.reaches("10.77.0.2"))
                if Engine.isOptimised { #expect(time < .seconds(1)) }
                try await bench.client.quick("down")
            }
        }
    }
}
