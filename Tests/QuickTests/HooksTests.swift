import Glibc
import Testing

@testable import Quick

@Suite struct HooksTests {
    private func hooks() -> Hooks {
        let console = Console(program: "test", descriptor: -1)
        return Hooks(
            interface: "wg0",
            surroundings: Surroundings(console: console, environment: ["PATH": "/usr/bin:/bin", "NOTIFY_SOCKET": "@x"]))
    }

    @Test(arguments: [
        ("echo %i", "echo wg0"), ("%i%i", "wg0wg0"), ("100% of %i", "100% of wg0"), ("date +%%i", "date +%wg0"),
        ("%", "%"), ("", ""), ("a%", "a%"),
    ])
    func expansion(_ command: String, _ expected: String) {
        #expect(Hooks.expanded(command, interface: "wg0") == expected)
    }

    @Test func exitCodeOfTheFirstFailure() throws {
        let path = "/tmp/nightjar-hooks-\(getpid())"
        defer { unlink(path) }
        #expect(throws: QuickError("wg0: PostUp ended with exit code 7", status: 7)) {
            try hooks().run(["true", "exit 7", "touch \(path)"], .postUp)
        }
        #expect(access(path, F_OK) != 0)
    }

    /// As in `wg-quick`, whose own options hold for its hooks.
    @Test(arguments: ["false; true", "false | true", "[[ x == @(y|z) ]]"])
    func optionsOfTheShell(_ command: String) {
        #expect(throws: QuickError.self) { try hooks().run([command], .preUp) }
    }

    @Test func substitutionOfProcesses() throws {
        try hooks().run(["[[ $(cat <(echo %i)) == wg0 && -z $NOTIFY_SOCKET && $LC_ALL == C ]]"], .preUp)
    }

    @Test func allOfThemWhateverBecomesOfEach() {
        let path = "/tmp/nightjar-hooks-all-\(getpid())"
        defer { unlink(path) }
        hooks().runAll(["false", "touch \(path)"], .postDown)
        #expect(access(path, F_OK) == 0)
    }
}
