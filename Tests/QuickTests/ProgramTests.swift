import Glibc
import Testing

@testable import Quick

@Suite struct ProgramTests {
    private let environment = ["PATH": "/usr/bin:/bin", "COLOUR": "red"]

    @Test func runsWithInputAndEnvironment() throws {
        let shell = try #require(Program("sh", environment: environment))
        let result = try shell.run(
            ["-c", "cat; echo $COLOUR; echo oh >&2; exit 3"], environment: environment, streams: .text("in\n"))
        #expect(result.status == 3)
        #expect(result.output == "in\nred\n")
        #expect(result.errors == "oh\n")
    }

    @Test func muchInBothDirections() throws {
        let text = String(repeating: "0123456789abcdef", count: 50_000)
        let cat = try #require(Program("cat", environment: environment))
        #expect(try cat.run([], environment: environment, streams: .text(text)).output == text)
    }

    @Test func readerThatDoesNotRead() throws {
        let text = String(repeating: "x", count: 1_000_000)
        signal(SIGPIPE, SIG_IGN)
        let program = try #require(Program("true", environment: environment))
        #expect(try program.run([], environment: environment, streams: .text(text)).status == 0)
    }

    @Test func endedBySignal() throws {
        let shell = try #require(Program("sh", environment: environment))
        #expect(try shell.run(["-c", "kill -9 $$"], environment: environment).status == 137)
    }

    @Test func search() {
        #expect(Program("sh", environment: ["PATH": "/nowhere:/bin"])?.path == "/bin/sh")
        #expect(Program("/bin/sh", environment: [:])?.path == "/bin/sh")
        #expect(Program("no-such-program", environment: environment) == nil)
        #expect(Program("", environment: environment) == nil)
        #expect(Program("/bin", environment: environment) == nil)
        #expect(Program("sh", environment: [:]) != nil)
    }
}
