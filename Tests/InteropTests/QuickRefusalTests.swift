import Foundation
import Glibc
import Testing

extension Interop {
    /// What can't work is refused with a sentence that says what to do, exit code 1, and nothing changed.
    @Suite(.disabled(if: Engine.isReferenceUnderTest, "wireguard-go is no wg-quick"))
    struct QuickRefusalTests {
        struct Refusal: Sendable, CustomTestStringConvertible {
            let testDescription: String
            var interface: [String] = []
            var allowedIPs = "10.77.0.2/32"
            /// A command on the machine before.
            var preparation = "true"
            /// What the sentence has in it.
            let expected: [String]
        }

        static let refusals = [
            Refusal(
                testDescription: "an unknown key", interface: ["Adress = 10.0.0.1/24"],
                expected: ["/etc/wireguard/wg0.conf:4", "Adress", "Address"]),
            Refusal(
                testDescription: "a bad value", interface: ["ListenPort = 70000"],
                expected: ["/etc/wireguard/wg0.conf:4", "70000", "65535"]),
            Refusal(
                testDescription: "an interface that exists", preparation: "ip tuntap add dev wg0 mode tun",
                expected: ["`wg0' already exists", "nightjar down wg0"]),
            Refusal(
                testDescription: "no /dev/net/tun", preparation: "mount --bind /run /dev/net",
                expected: ["/dev/net/tun", "modprobe tun"]),
            Refusal(
                testDescription: "IPv6 that is switched off", allowedIPs: "::/0",
                preparation: "sysctl -qw net.ipv6.conf.default.disable_ipv6=1",
                expected: ["IPv6 is switched off", "disable_ipv6"]),
            Refusal(
                testDescription: "a name that nobody knows", interface: [],
                allowedIPs: "10.77.0.2/32\nEndpoint = nobody.invalid:1",
                expected: ["nobody.invalid"]),
            Refusal(
                testDescription: "an engine that isn't there",
                expected: ["no-such-engine", "WG_QUICK_USERSPACE_IMPLEMENTATION"]),
            Refusal(
                testDescription: "a file cut off in the middle of a key",
                allowedIPs: "10.77.0.2/32\n[Peer]\nPublicKey = y7JsiAxuyWdplcHj",
                expected: ["/etc/wireguard/wg0.conf:", "PublicKey"]),
        ]

        @Test(arguments: refusals) func refusal(_ refusal: Refusal) async throws {
            try await QuickBench.with { bench in
                try await bench.client.configure(bench.text(refusal.interface, allowedIPs: refusal.allowedIPs))
                try await bench.client.run(["sh", "-c", refusal.preparation])
                let before = try await bench.traces()
                var environment = ["WG_ENDPOINT_RESOLUTION_RETRIES": "0"]
                if refusal.expected.contains("no-such-engine") {
                    environment["WG_QUICK_USERSPACE_IMPLEMENTATION"] = "no-such-engine"
                }
                let result = try await bench.client.run(
                    [try Engine.nightjar.executable(), "up", "wg0"], environment: environment, mayFail: true)
                #expect(result.status == 1)
                for text in refusal.expected { #expect(result.errors.contains(text), "\(result.errors)") }
                try await bench.expectTraces(before)
            }
        }

        @Test func portInUse() async throws {
            try await QuickBench.with { bench in
                try await bench.client.configure(bench.text(["ListenPort = 5555"], allowedIPs: "10.77.0.2/32"))
                let holder = try bench.client.start(["python3", "-I", "-c", Scripts.hold, "0.0.0.0", "5555"])
                _ = try await eventually(within: .seconds(5)) { holder.output.hasPrefix("ready") }
                let before = try await bench.traces()
                let result = try await bench.client.quick("up", mayFail: true)
                #expect(result.status == 1)
                #expect(result.errors.contains("UDP port 5555 is used by another program"))
                try await bench.expectTraces(before)
            }
        }

        @Test(.enabled(if: access("/sys/module/wireguard", F_OK) != 0, "this kernel has WireGuard"))
        func kernelWithoutWireGuard() async throws {
            try await QuickBench.with { bench in
                try await bench.client.configure(bench.text(allowedIPs: "10.77.0.2/32"))
                let before = try await bench.traces()
                let program = try Engine.nightjar.executable()
                for (words, environment) in [
                    ([program, "up", "--kernel", "wg0"], [:]),
                    ([program, "up", "wg0"], ["NIGHTJAR_PREFER_KERNEL": "1"]),
                ] {
                    let result = try await bench.client.run(words, environment: environment, mayFail: true)
                    #expect(result.status == 1 && result.errors.contains("modprobe wireguard"), "\(result.errors)")
                    try await bench.expectTraces(before)
                }
            }
        }

        @Test func anotherProgramServes() async throws {
            try await QuickBench.with { bench in
                try await bench.client.configure(bench.text(allowedIPs: "0.0.0.0/0"))
                let before = try await bench.traces()
                try await bench.client.run(
                    [try Engine.nightjar.executable(), "up", "wg0"],
                    environment: ["WG_QUICK_USERSPACE_IMPLEMENTATION": "wireguard-go"])
                #expect(try await bench.reaches("10.77.0.2"))
                #expect(try await !bench.client.run("ip -6 addr show wg0").output.contains("fe80"))
                try await bench.client.quick("down")
                try await bench.expectTraces(before)
            }
        }

        @Test func missingFilesAndBadNames() async throws {
            try await QuickBench.with { bench in
                let program = try Engine.nightjar.executable()
                for (argument, expected) in [
                    ("none", "`/etc/wireguard/none.conf' does not exist"),
                    ("./none.conf", "`./none.conf' does not exist"),
                    ("/etc/passwd", "must be a valid interface name, followed by .conf"),
                ] {
                    for task in ["up", "down", "save", "strip", "reload"] {
                        let result = try await bench.client.run([program, task, argument], mayFail: true)
                        #expect(result.status == 1 && result.errors.contains(expected), "\(task): \(result.errors)")
                    }
                }
                try await bench.client.configure(bench.text(allowedIPs: "10.77.0.2/32"))
                for task in ["down", "save"] {
                    let result = try await bench.client.run([program, task, "wg0"], mayFail: true)
                    #expect(result.status == 1 && result.errors.contains("`wg0' is not a WireGuard interface"))
                }
            }
        }

        @Test func fileThatEverybodyMayRead() async throws {
            try await QuickBench.with { bench in
                try await bench.client.configure(bench.text(allowedIPs: "10.77.0.2/32"))
                try await bench.client.run("chmod 755 /etc/wireguard")
                try await bench.client.run("chmod 644 /etc/wireguard/wg0.conf")
                let result = try await bench.client.quick("up")
                #expect(result.errors.contains("Warning: `/etc/wireguard/wg0.conf' is world accessible\n"))
            }
        }

        @Test func namedWgQuick() async throws {
            try await QuickBench.with { bench in
                let link = "\(bench.lab.directory)/wg-quick"
                try FileManager.default.createSymbolicLink(
                    atPath: link, withDestinationPath: try Engine.nightjar.executable())
                try await bench.client.configure(bench.text(["PostUp = # nothing"], allowedIPs: "10.77.0.2/32"))
                for words in [["help"], ["-h"], ["--help"]] {
                    let result = try await bench.client.run([link] + words)
                    #expect(result.errors.contains("Usage: wg-quick [ up | down | save | strip ]"))
                }
                for words in [[], ["up"], ["up", "wg0", "more"], ["reload", "wg0"], ["help", "me"]] {
                    #expect(try await bench.client.run([link] + words, mayFail: true).status == 1)
                }
                let stock = try await bench.client.run("wg-quick strip wg0")
                #expect(try await bench.client.run([link, "strip", "wg0"]).output == stock.output)
                try await bench.client.run([link, "up", "wg0"])
                #expect(try await bench.reaches("10.77.0.2"))
                let again = try await bench.client.run([link, "up", "wg0"], mayFail: true)
                #expect(again.status == 1 && again.errors.hasPrefix("wg-quick: `wg0' already exists"))
                try await bench.client.run([link, "down", "wg0"])
            }
        }

        @Test func withoutRoot() async throws {
            try await QuickBench.with { bench in
                try await bench.client.run(["install", "-m", "755", try Engine.nightjar.executable(), "/run/nj"])
                let result = try await bench.client.run(
                    ["setpriv", "--reuid", "65534", "--clear-groups", "/run/nj", "up", "wg0"], mayFail: true)
                #expect(result.status == 1)
                #expect(result.errors.contains("sudo nightjar up wg0"), "\(result.errors)")
            }
        }
    }
}
