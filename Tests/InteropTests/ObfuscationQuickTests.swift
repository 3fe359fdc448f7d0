import Foundation
import Testing

extension Interop {
    /// Interfaces with disguises, brought up from files.
    @Suite(.disabled(if: Engine.isReferenceUnderTest, "wireguard-go is no wg-quick"))
    struct ObfuscationQuickTests {
        struct Case: Sendable, CustomTestStringConvertible {
            let testDescription: String
            let interface: [String]
            var peer: [String] = []
            let mtu: Int
            var warning: String?
        }

        private static let key = "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk="

        static let cases = [
            Case(testDescription: "veil", interface: ["Obfuscation = on"], mtu: 1412),
            Case(testDescription: "AmneziaWG", interface: ["S1 = 20", "S4 = 30", "H4 = 90-100"], mtu: 1390),
            Case(
                testDescription: "a peer's own", interface: ["S4 = 30"],
                peer: ["Obfuscation = swgp", "ObfuscationKey = \(key)"], mtu: 1408),
            Case(
                testDescription: "paranoid", interface: ["Obfuscation = swgp-paranoid", "ObfuscationKey = \(key)"],
                mtu: 1376),
            Case(
                testDescription: "a narrow way", interface: ["Obfuscation = veil", "ObfuscationMTU = 1400"], mtu: 1312),
            Case(testDescription: "given and small", interface: ["Obfuscation = veil", "MTU = 1300"], mtu: 1300),
            Case(
                testDescription: "given and large", interface: ["S4 = 30", "MTU = 1420"], mtu: 1420,
                warning: "makes packets of up to 1510 bytes, and the way to 10.9.2.2:51820 carries 1500"),
            Case(
                testDescription: "packets larger than the way",
                interface: [
                    "Obfuscation = swgp-paranoid", "ObfuscationKey = \(key)", "ObfuscationMTU = 1500", "MTU = 1000",
                ],
                mtu: 1000),
            Case(testDescription: "none", interface: ["Obfuscation = off"], mtu: 1420),
        ]

        @Test(arguments: cases) func mtu(_ sample: Case) async throws {
            try await QuickBench.with { bench in
                let before = try await bench.traces()
                try await bench.client.configure(
                    bench.text(sample.interface, allowedIPs: "10.77.0.2/32", peer: sample.peer))
                let result = try await bench.client.quick("up")
                #expect(try await bench.client.run("cat /sys/class/net/wg0/mtu").output.trimmed == "\(sample.mtu)")
                if let warning = sample.warning {
                    #expect(result.errors.contains(warning), "\(result.errors)")
                } else {
                    #expect(!result.errors.contains("Warning"), "\(result.errors)")
                }
                try await bench.client.quick("down")
                try await bench.expectTraces(before)
            }
        }

        /// A reload brings disguises, and takes them back; `save` writes what there is and leaves lines that say so.
        @Test func reloadAndSave() async throws {
            try await QuickBench.with { bench in
                let program = try Engine.nightjar.executable()
                let plain = bench.text(allowedIPs: "10.77.0.2/32")
                let disguised = bench.text(
                    ["obfuscation = ON # all", "Jc = 3", "Jmin = 40", "Jmax = 50", "S1 = 0"],
                    allowedIPs: "10.77.0.2/32",
                    peer: ["PersistentKeepalive = 22-30"])
                try await bench.client.configure(plain)
                try await bench.client.quick("up")
                let before = try await bench.client.run("\(program) showconf wg0").output
                try await bench.client.configure(disguised)
                try await bench.client.run("\(program) reload wg0")
                let shown = try await bench.client.run("\(program) show wg0").output
                for line in ["  obfuscation: veil", "  jc: 3", "every 22 seconds to 30 seconds"] {
                    #expect(shown.contains(line), "\(shown)")
                }
                #expect(try await bench.client.run("cat /sys/class/net/wg0/mtu").output.trimmed == "1412")

                try await bench.client.quick("save")
                #expect(
                    try await bench.client.run("cat /etc/wireguard/wg0.conf").output.contains(
                        "obfuscation = ON # all\n"))
                #expect(try await bench.client.run("cat /etc/wireguard/wg0.conf").output.contains("S1 = 0\n"))
                try await bench.client.run("\(program) set wg0 obfuscation lwo jc 7")
                try await bench.client.quick("save")
                let saved = try await bench.client.run("cat /etc/wireguard/wg0.conf").output
                #expect(
                    saved.contains("Obfuscation = lwo\n") && saved.contains("Jc = 7\n") && saved.contains("Jmin = 40\n")
                )
                #expect(saved.contains("PersistentKeepalive = 22-30\n"))

                try await bench.client.configure(plain)
                try await bench.client.run("\(program) reload wg0")
                #expect(try await bench.client.run("\(program) showconf wg0").output == before)
                #expect(try await bench.client.run("cat /sys/class/net/wg0/mtu").output.trimmed == "1420")
                try await bench.client.quick("down")
            }
        }

        @Test func aFileThatDoesNotFitChangesNothing() async throws {
            try await QuickBench.with { bench in
                let before = try await bench.traces()
                try await bench.client.configure(
                    bench.text(["S1 = 5", "HeaderProtectionKey = \(Self.key)"], allowedIPs: "10.77.0.2/32"))
                let result = try await bench.client.quick("up", mayFail: true)
                #expect(result.status == 1)
                #expect(result.errors.contains("wg0.conf:5: HeaderProtectionKey needs"), "\(result.errors)")
                #expect(!result.errors.contains(Self.key))
                try await bench.expectTraces(before)
            }
        }

        /// `awg-quick` takes AmneziaWG's file, and has its socket where `awg` looks.
        @Test func awgQuick() async throws {
            try await QuickBench.with { bench in
                let before = try await bench.traces()
                let program = try Engine.nightjar.executable()
                let links = "\(bench.lab.directory)/bin"
                for name in ["awg", "awg-quick"] {
                    try FileManager.default.createSymbolicLink(atPath: "\(links)/\(name)", withDestinationPath: program)
                }
                let file = try bench.lab.write(
                    bench.text(
                        ["S4 = 20", "Jc = 2", "Jmax = 60", "PostUp = awg show %i jc >/run/seen"],
                        allowedIPs: "10.77.0.2/32"))
                try await bench.client.run("mkdir -p -m 700 /etc/amnezia/amneziawg")
                try await bench.client.run("install -m 600 \(file) /etc/amnezia/amneziawg/wg0.conf")
                try await bench.client.run("\(links)/awg-quick up wg0")
                #expect(try await bench.client.run("cat /run/seen").output == "2\n")
                #expect(try await bench.client.run("ls /run/amneziawg").output == "wg0.sock\n")
                #expect(try await bench.client.run("cat /sys/class/net/wg0/mtu").output.trimmed == "1400")
                #expect(try await bench.client.run("\(program) show wg0 obfuscation").output.contains("\tamneziawg\n"))
                try await bench.client.run("\(links)/awg-quick down wg0")
                try await bench.client.run("rm -r /run/seen /run/amneziawg")
                try await bench.expectTraces(before)

                try await bench.client.run("\(links)/awg-quick up wg0")
                try await bench.client.run("\(program) down wg0")
                try await bench.client.run("rm -r /run/seen /run/amneziawg /etc/amnezia")
                try await bench.expectTraces(before)
            }
        }
    }
}
