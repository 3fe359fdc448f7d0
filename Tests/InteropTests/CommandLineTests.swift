import Foundation
import Glibc
import Testing

extension Interop {
    /// The command line of wireguard-go.
    @Suite struct CommandLineTests {
        @Test(arguments: 0..<5)
        func backgroundDaemonIsReadyWhenItsStarterEnds(_ attempt: Int) async throws {
            try await Lab.with { lab in
                let namespace = try await lab.namespace("machine")
                let name = Names.interface()
                let program = try Engine.nightjar.executable()
                try await namespace.run([program, name])
                let shown = try await namespace.run("wg show \(name)", mayFail: true)
                #expect(shown.status == 0, "\(shown.errors)")
                #expect(try await namespace.hasLink(name))
                let processes = try await namespace.processes()
                #expect(processes.count == 1)

                try await namespace.ip("link del \(name)")
                let isGone = try await eventually(within: .seconds(5)) { try await namespace.processes().isEmpty }
                #expect(isGone)
                #expect(access("\(Leftovers.socketDirectory)/\(name).sock", F_OK) != 0)
            }
        }

        @Test(.beyondReference("wireguard-go stays in its starter's session"))
        func backgroundDaemonLeavesItsStartersTerminal() async throws {
            try await Lab.with { lab in
                let namespace = try await lab.namespace("machine")
                try await namespace.run([try Engine.nightjar.executable(), Names.interface()])
                let process = try #require(try await namespace.processes().first)
                #expect(getsid(process) != getsid(0))
            }
        }

        @Test(.beyondReference("wireguard-go keeps what its starter had open, and its directory"))
        func backgroundDaemonHoldsNothingOfItsStarter() async throws {
            try await Lab.with { lab in
                let namespace = try await lab.namespace("machine")
                let program = "\(try Engine.nightjar.executable()) \(Names.interface())"
                try await namespace.run(["sh", "-c", "cd \(lab.directory); exec 9>lock; exec \(program)"])
                let process = try #require(try await namespace.processes().first)
                let manager = FileManager.default
                #expect(try manager.destinationOfSymbolicLink(atPath: "/proc/\(process)/cwd") == "/")
                let open = try manager.contentsOfDirectory(atPath: "/proc/\(process)/fd").compactMap {
                    try? manager.destinationOfSymbolicLink(atPath: "/proc/\(process)/fd/\($0)")
                }
                #expect(open.contains("/dev/net/tun"))
                #expect(!open.contains { $0.hasSuffix("/lock") })
            }
        }

        @Test(arguments: [["-f"], ["--foreground"], []])
        func staysInTheForeground(_ options: [String]) async throws {
            try await Lab.with { lab in
                let namespace = try await lab.namespace("machine")
                let name = Names.interface()
                let variables = options.isEmpty ? ["WG_PROCESS_FOREGROUND": "1"] : [:]
                let child = try namespace.start(
                    [try Engine.nightjar.executable()] + options + [name], environment: variables, log: "nightjar")
                let answers = try await eventually(within: .seconds(5)) {
                    try await namespace.run("wg show \(name)", mayFail: true).status == 0
                }
                #expect(answers)
                #expect(child.status() == nil)
                #expect(try await namespace.processes() == [child.processID])
            }
        }

        @Test func nameOfTheLinkToTheProgramDoesNotMatter() async throws {
            try await Lab.with { lab in
                let namespace = try await lab.namespace("machine")
                let name = Names.interface()
                let link = "\(lab.directory)/wireguard-go"
                try FileManager.default.createSymbolicLink(
                    atPath: link, withDestinationPath: try Engine.nightjar.executable())
                try await namespace.run([link, name])
                try await namespace.run("wg show \(name)")
                let version = try await namespace.run([link, "--version"])
                #expect(version.output.contains { $0.isNumber })
            }
        }

        @Test(arguments: [[], ["one", "two", "three"], ["-f"]])
        func wrongUsageSaysHow(_ words: [String]) async throws {
            try await Lab.with { lab in
                let result = try await lab.run([try Engine.nightjar.executable()] + words, mayFail: true)
                #expect((result.output + result.errors).lowercased().contains("usage"), "\(result)")
            }
        }

        @Test(arguments: ["averyveryverylongname", "a/b"], [["-f"], []])
        func impossibleNamesAreRefused(_ name: String, _ options: [String]) async throws {
            try await Lab.with { lab in
                let namespace = try await lab.namespace("machine")
                let words = [try Engine.nightjar.executable()] + options + [name]
                let result = try await namespace.run(words, environment: ["LOG_LEVEL": "error"], mayFail: true)
                #expect(result.status == 1 || result.status == 64, "\(result)")
                #expect(!(result.output + result.errors).isEmpty)
                #expect(try await namespace.processes().isEmpty)
            }
        }

        @Test(.beyondReference("wireguard-go writes this file on other systems"), arguments: ["utun", "%d", "own"])
        func nameFileHoldsTheRealName(_ kind: String) async throws {
            try await Lab.with { lab in
                let namespace = try await lab.namespace("machine")
                let asked = kind == "utun" ? kind : kind == "own" ? Names.interface() : "\(Names.interfacePrefix)t%d"
                let file = lab.path("name")
                try await namespace.run(
                    [try Engine.nightjar.executable(), asked], environment: ["WG_TUN_NAME_FILE": file])
                let name = String(decoding: FileManager.default.contents(atPath: file) ?? Data(), as: UTF8.self).trimmed
                #expect(!name.isEmpty && !name.contains("%"))
                if kind == "own" { #expect(name == asked) }
                #expect(try await namespace.hasLink(name))
                #expect(try await namespace.run("wg show \(name)", mayFail: true).status == 0)
            }
        }

        @Test(
            .beyondReference("wireguard-go counts no drops by reason"),
            arguments: ["none", String(repeating: "n", count: 300)])
        func dropsOfWhatIsNotThere(_ name: String) async throws {
            try await Lab.with { lab in
                let result = try await lab.run([try Engine.nightjar.executable(), "drops", name], mayFail: true)
                #expect(result.status == 1)
                #expect(result.errors.contains(name))
            }
        }

        @Test func logLevels() async throws {
            try await Lab.with { lab in
                let namespace = try await lab.namespace("machine")
                var sizes: [String: Int] = [:]
                let stockName = lab.path("link") + "/wireguard-go"
                try await lab.run(["install", "-d", String(stockName.dropLast("/wireguard-go".count))])
                try await lab.run(["ln", "-s", try Engine.nightjar.executable(), stockName])
                for level in ["verbose", "debug", "info", "error", "silent", "unset", "unset, stock name"] {
                    let name = Names.interface()
                    let program = level == "unset, stock name" ? stockName : try Engine.nightjar.executable()
                    let child = try namespace.start(
                        [program, "-f", name], environment: level.hasPrefix("unset") ? [:] : ["LOG_LEVEL": level])
                    let answers = try await eventually(within: .seconds(5)) {
                        (try? ConfigurationSocket(name)) != nil
                    }
                    #expect(answers)
                    await child.stop()
                    sizes[level] = (child.output + child.errors).split(separator: "\n").count { $0.contains(name) }
                }
                #expect(sizes["verbose", default: 0] > 0)
                #expect(sizes["debug", default: 0] > 0)
                #expect(sizes["silent"] == 0)
                #expect(sizes["error"] == 0)
                guard !Engine.isReferenceUnderTest else { return }
                #expect(sizes["info", default: 0] > 0)
                #expect(sizes["unset"] == sizes["info"])
                #expect(sizes["unset, stock name"] == 0)
            }
        }
    }
}
