import Foundation
import Glibc
import TestKit
import Testing

extension Interop {
    /// Settings of obfuscation on running interfaces, with Debian's `wg` beside the program's own.
    @Suite(.disabled(if: Engine.isReferenceUnderTest, "wireguard-go has no disguises"))
    struct ObfuscationSettingsTests {
        private static let disguises = [
            "obfuscation veil", "obfuscation lwo", "obfuscation xor-batch",
            "jc 4 jmin 40 jmax 70 s1 20 s4 12 h4 9000-9100",
        ]

        /// What stock tools say of an interface is the same with a disguise and without.
        @Test(arguments: disguises) func stockToolsSeeNothingOdd(_ words: String) async throws {
            try await withHost { host in
                try await host.setDevice()
                try await host.set(
                    "peer \(SampleConfiguration.firstPeer) allowed-ips 10.8.0.1/32 persistent-keepalive 22")
                let forms = [
                    ["show", host.interface], ["show", host.interface, "dump"], ["showconf", host.interface],
                ]
                var before: [CommandResult] = []
                for form in forms { before.append(try await host.wg(.stock, form)) }
                try await set(host, words)
                try await set(host, "peer \(SampleConfiguration.firstPeer) persistent-keepalive 22-30")
                for (form, former) in zip(forms, before) {
                    let result = try await host.wg(.stock, form)
                    #expect(result.status == 0, "\(form): \(result.errors)")
                    #expect(result.output == former.output, "\(form)")
                }
                // A stock tool's change leaves alone what it doesn't know.
                let settings = try await host.wg(.nightjar, ["showconf", host.interface]).output
                try await host.set("fwmark 7")
                let after = try await host.wg(.nightjar, ["showconf", host.interface]).output
                #expect(after == settings.replacing("\nPrivateKey", with: "\nFwMark = 0x7\nPrivateKey"))
                #expect(after.contains("PersistentKeepalive = 22-30"))
            }
        }

        /// Every good file of the corpus comes back as it was given, by `setconf` and by `syncconf`, and leaves nothing.
        @Test func corpus() async throws {
            try await withHost { host in
                for sample in SampleConfiguration.obfuscation where sample.isTaken {
                    for subcommand in ["setconf", "syncconf"] {
                        let file = try host.lab.write(sample.text)
                        let result = try await host.wg(.nightjar, [subcommand, host.interface, file])
                        #expect(result.status == 0, "\(sample): \(result.errors)")
                        let shown = try await host.wg(.nightjar, ["showconf", host.interface]).output
                        let again = try await host.wg(
                            .nightjar, ["syncconf", host.interface, try host.lab.write(shown)])
                        #expect(again.status == 0, "\(sample): \(again.errors)")
                        #expect(try await host.wg(.nightjar, ["showconf", host.interface]).output == shown)
                        for line in sample.text.split(separator: "\n") where line.contains("S1 = 2") {
                            #expect(shown.contains(line), "\(sample)")
                        }
                    }
                }
                let nothing = try host.lab.write("[Interface]\n")
                #expect(try await host.wg(.nightjar, ["setconf", host.interface, nothing]).status == 0)
                let rest = try await host.wg(.nightjar, ["showconf", host.interface]).output
                #expect(!rest.contains("Obfuscation") && !rest.contains("S1"), "\(rest)")
            }
        }

        @Test func whatDoesNotFitIsRefusedAndLogged() async throws {
            try await withHost { host in
                try await host.setDevice()
                try await set(host, "obfuscation veil peer \(SampleConfiguration.firstPeer) allowed-ips 10.8.0.1/32")
                let before = try await host.wg(.nightjar, ["showconf", host.interface]).output
                for words in [
                    "peer \(SampleConfiguration.firstPeer) obfuscation swgp", "h1 5-10 h2 10-20 obfuscation amneziawg",
                    "obfuscation warp", "obfuscation-mtu 100",
                ] {
                    let result = try await host.wg(
                        .nightjar, ["set", host.interface] + words.split(separator: " ").map(String.init))
                    #expect(result.status == 1, "\(words)")
                    #expect(result.errors.contains("Invalid argument"))
                }
                #expect(try await host.wg(.nightjar, ["showconf", host.interface]).output == before)
                let log = host.daemon.map { $0.output + $0.errors } ?? ""
                #expect(log.contains("ObfuscationKey"))
                #expect(log.contains("overlap"))
            }
        }

        @Test func namesOfAmneziaWG() async throws {
            try await Lab.with { lab in
                let namespace = try await lab.namespace("machine")
                let program = try Engine.nightjar.executable()
                let link = { (name: String) in "\(lab.directory)/\(name)" }
                for name in ["awg", "amneziawg-go", "wg"] where access(link(name), F_OK) != 0 {
                    try FileManager.default.createSymbolicLink(atPath: link(name), withDestinationPath: program)
                }
                let interface = Names.interface()
                let socket = "/var/run/amneziawg/\(interface).sock"
                try await namespace.run([link("amneziawg-go"), interface])
                #expect(access(socket, F_OK) == 0)
                #expect(access("\(Leftovers.socketDirectory)/\(interface).sock", F_OK) != 0)
                try await namespace.run([
                    link("awg"), "set", interface, "listen-port", "4242", "jc", "3", "jmax", "9",
                ])
                #expect(try await namespace.run([link("awg"), "show", interface]).output.contains("  jc: 3\n"))
                #expect(try await namespace.run([link("awg"), "show", interface, "jmax"]).output == "9\n")
                let columns = try await namespace.run([link("awg"), "show", interface, "dump"]).output
                    .split(separator: "\n")[0].split(separator: "\t")
                #expect(columns.count == 27 && columns[2] == "4242" && columns[3] == "3" && columns[26] == "off")
                #expect(
                    try await namespace.run([link("awg"), "show", "interfaces"]).output.contains(interface))
                #expect(
                    try await !namespace.run([link("wg"), "show", "interfaces"]).output.contains(interface))
                #expect(try await namespace.run([program, "show", interface, "listen-port"]).output == "4242\n")
                #expect(try await namespace.run([program, "drops", interface], mayFail: true).status == 0)
                try await namespace.ip("link del \(interface)")
                let isGone = try await eventually(within: .seconds(5)) { access(socket, F_OK) != 0 }
                #expect(isGone)
            }
        }

        private func withHost(_ body: (WireGuardHost) async throws -> Void) async throws {
            try await Lab.with { lab in
                let wire = try await lab.wire()
                let host = try await WireGuardHost(.nightjar, at: wire.client, number: 1)
                try await host.start()
                try await body(host)
            }
        }

        /// `wg set` of the program under test, words parted by spaces.
        private func set(_ host: WireGuardHost, _ line: String) async throws {
            let words = line.split(separator: " ").map(String.init)
            let result = try await host.wg(.nightjar, ["set", host.interface] + words)
            #expect(result.status == 0, "\(line): \(result.errors)")
        }
    }
}
