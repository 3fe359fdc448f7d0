import Foundation
import Glibc
import Testing

extension Interop {
    /// `nightjar reload`: a running interface becomes as its changed file says.
    @Suite(.disabled(if: Engine.isReferenceUnderTest, "wireguard-go is no wg-quick"))
    struct QuickReloadTests {
        private static let plain = "10.77.0.2/32, fd77::2/128"

        struct Change: Sendable, CustomTestStringConvertible {
            let testDescription: String
            var interface: [String] = []
            var allowedIPs = plain
            var former: [String] = []
            var formerAllowedIPs = plain
        }

        static let changes = [
            Change(testDescription: "nothing"),
            Change(testDescription: "an address more", interface: ["Address = 10.80.0.1/24, fd80::1/64"]),
            Change(testDescription: "an address less", former: ["Address = 10.80.0.1/24, fd80::1/64"]),
            Change(testDescription: "MTU", interface: ["MTU = 1300"]),
            Change(testDescription: "MTU back", former: ["MTU = 1300"]),
            Change(testDescription: "routes more", allowedIPs: plain + ", 172.30.0.0/16, fd90::/64"),
            Change(testDescription: "routes less", formerAllowedIPs: plain + ", 172.30.0.0/16, fd90::/64"),
            Change(testDescription: "default routes", allowedIPs: "0.0.0.0/0, ::/0"),
            Change(testDescription: "no default routes", formerAllowedIPs: "0.0.0.0/0, ::/0"),
            Change(
                testDescription: "one default route less", allowedIPs: "::/0, 10.77.0.0/24",
                formerAllowedIPs: "0.0.0.0/0, ::/0"),
            Change(
                testDescription: "an address more with default routes", interface: ["Address = 10.80.0.1/24"],
                allowedIPs: "0.0.0.0/0", formerAllowedIPs: "0.0.0.0/0"),
            Change(
                testDescription: "a table", interface: ["Table = 7"], allowedIPs: "172.30.0.0/16, 10.77.0.2/32",
                formerAllowedIPs: "172.30.0.0/16, 10.77.0.2/32"),
            Change(testDescription: "name servers", interface: ["DNS = 10.77.0.2, corp.example"]),
            Change(testDescription: "other name servers", interface: ["DNS = 10.77.0.2"], former: ["DNS = 10.77.0.3"]),
            Change(testDescription: "no name servers", former: ["DNS = 10.77.0.2"]),
            Change(testDescription: "kill switch", interface: ["KillSwitch = on"]),
            Change(
                testDescription: "another kill switch", interface: ["KillSwitch = lan"], former: ["KillSwitch = on"]),
            Change(testDescription: "no kill switch", former: ["KillSwitch = lan"]),
            Change(
                testDescription: "all of it",
                interface: ["Address = 10.80.0.1/24", "KillSwitch = on", "DNS = 10.77.0.2"],
                allowedIPs: "0.0.0.0/0, ::/0, 172.30.0.0/16", former: ["MTU = 1300", "KillSwitch = lan"],
                formerAllowedIPs: plain + ", 172.31.0.0/16"),
        ]

        /// A reload comes to the same as `down` and `up`, but the session goes on.
        @Test(arguments: changes) func sameAsDownAndUp(_ change: Change) async throws {
            try await QuickBench.with { bench in
                let program = try Engine.nightjar.executable()
                let before = try await bench.traces()
                try await bench.client.configure(bench.text(change.interface, allowedIPs: change.allowedIPs))
                try await bench.client.quick("up")
                let wanted = Self.comparable(try await bench.traces())
                try await bench.client.quick("down")

                try await bench.client.configure(bench.text(change.former, allowedIPs: change.formerAllowedIPs))
                try await bench.client.quick("up")
                let former = Self.comparable(try await bench.traces())
                #expect(try await bench.reaches("10.77.0.2"))
                let session = try await handshake(bench)
                let port = try await bench.client.run("wg show wg0 listen-port").output
                try await bench.client.configure(bench.text(change.interface, allowedIPs: change.allowedIPs))
                let result = try await bench.client.run([program, "reload", "wg0"])
                let changed = QuickBench.differences(Self.comparable(try await bench.traces()), wanted)
                #expect(changed == [], "\(result.errors)")
                #expect(try await bench.reaches("10.77.0.2"))
                #expect(try await handshake(bench) == session)
                #expect(try await bench.client.run("wg show wg0 listen-port").output == port)
                try await bench.client.configure(bench.text(change.former, allowedIPs: change.formerAllowedIPs))
                try await bench.client.run([program, "reload", "wg0"])
                let back = QuickBench.differences(Self.comparable(try await bench.traces()), former)
                #expect(back == [], "and back")
                try await bench.client.quick("down")
                try await bench.expectTraces(before)
            }
        }

        @Test func allOrNothing() async throws {
            try await QuickBench.with { bench in
                let program = try Engine.nightjar.executable()
                try await bench.client.configure(
                    bench.text(["DNS = 10.77.0.3", "KillSwitch = lan"], allowedIPs: Self.plain + ", 172.31.0.0/16"))
                try await bench.client.quick("up")
                let before = try await bench.traces()
                // The address of another interface's network can be had, an occupied port can't.
                let holder = try bench.client.start(["python3", "-I", "-c", Scripts.hold, "0.0.0.0", "5555"])
                _ = try await eventually(within: .seconds(5)) { holder.output.hasPrefix("ready") }
                try await bench.client.configure(
                    bench.text(["ListenPort = 5555", "KillSwitch = on"], allowedIPs: "0.0.0.0/0"))
                let result = try await bench.client.run([program, "reload", "wg0"], mayFail: true)
                #expect(result.status == 1)
                await holder.stop()
                try await bench.expectTraces(before, "\(result.errors)")
                #expect(try await bench.reaches("10.77.0.2"))
            }
        }

        @Test func whatOthersHaveAddedStays() async throws {
            try await QuickBench.with { bench in
                try await bench.client.configure(bench.text(allowedIPs: Self.plain))
                try await bench.client.quick("up")
                try await bench.client.run("ip address add 10.81.0.1/24 dev wg0")
                try await bench.client.run("ip route add 172.29.0.0/16 dev wg0")
                try await bench.client.configure(bench.text(["Address = 10.82.0.1/24"], allowedIPs: Self.plain))
                try await bench.client.run([try Engine.nightjar.executable(), "reload", "wg0"])
                let addresses = try await bench.client.run("ip -o addr show wg0").output
                #expect(addresses.contains("10.81.0.1/24") && addresses.contains("10.82.0.1/24"))
                #expect(try await bench.client.run("ip route show 172.29.0.0/16").output.contains("wg0"))
            }
        }

        @Test func onlyWhatIsUp() async throws {
            try await QuickBench.with { bench in
                try await bench.client.configure(bench.text(allowedIPs: Self.plain))
                let result = try await bench.client.run(
                    [try Engine.nightjar.executable(), "reload", "wg0"], mayFail: true)
                #expect(result.status == 1 && result.errors.contains("nightjar up wg0"))
            }
        }

        private func handshake(_ bench: QuickBench) async throws -> String {
            try await bench.client.run("wg show wg0 latest-handshakes").output
        }

        /// Without what each daemon has of its own, the port, and without order, since the firewall's tables are listed
        /// in that of their making.
        private static func comparable(_ traces: [String]) -> [String] {
            traces.filter { !$0.contains("UNCONN") }.sorted()
        }
    }
}
