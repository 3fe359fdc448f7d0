import Foundation
import Glibc
import Testing

extension Interop {
    /// `up` and `down` that are interrupted somewhere leave nothing behind: at once when a step fails, after `down` when
    /// they are killed. The steps of each are chosen; which of all there are is `NIGHTJAR_ALL_STEPS=1` to find.
    @Suite(
        .enabled(if: (try? Tool.path("strace")) != nil, "needs strace to make system calls fail"),
        .disabled(if: Engine.isReferenceUnderTest, "wireguard-go is no wg-quick"))
    struct QuickInterruptionTests {
        struct Place: Sendable, CustomTestStringConvertible {
            /// System calls of the process itself.
            let calls: String
            /// Which of them, for `up` and for `down`.
            let up: [Int]
            let down: [Int]

            var testDescription: String { calls }
        }

        enum Mode: String, CaseIterable { case error, kill }

        static let places = [
            Place(calls: "sendto,sendmsg", up: [2, 9, 15, 22, 28], down: [2, 5, 7]),
            Place(calls: "rename,renameat,renameat2", up: [1, 4, 7], down: [1, 3, 5]),
            Place(calls: "clone,clone3,vfork", up: [1, 2, 4], down: [1, 2, 3]),
            Place(calls: "unlink,unlinkat", up: [2, 6], down: [2, 6]),
        ]

        @Test(arguments: places, Mode.allCases) func up(_ place: Place, _ mode: Mode) async throws {
            try await interrupt("up", place, mode)
        }

        @Test(arguments: places, Mode.allCases) func down(_ place: Place, _ mode: Mode) async throws {
            try await interrupt("down", place, mode)
        }

        @Test(arguments: [SIGINT, SIGTERM, SIGHUP]) func signals(_ number: Int32) async throws {
            try await QuickBench.with { bench in
                let before = try await bench.traces()
                try await bench.client.configure(
                    bench.text(["PostUp = touch /run/waiting; sleep 20"] + Self.settings, allowedIPs: "0.0.0.0/0"))
                let up = try bench.client.start([try Engine.nightjar.executable(), "up", "wg0"])
                _ = try await eventually(within: .seconds(10)) {
                    try await bench.client.run("ls /run/waiting", mayFail: true).status == 0
                }
                try await bench.client.run("rm /run/waiting")
                up.signal(number)
                #expect(try await up.end(within: .seconds(10)) == 128 + number)
                try await bench.expectTraces(before, "\(up.errors)")
            }
        }

        private static let settings = [
            "DNS = 8.8.8.8, example.org", "KillSwitch = on", "PreUp = ip rule add from 203.0.113.2 table 78",
            "PostUp = ip rule add from 203.0.113.1 table 77",
            "PostDown = ip rule del from 203.0.113.1 table 77", "PostDown = ip rule del from 203.0.113.2 table 78",
        ]

        private func interrupt(_ task: String, _ place: Place, _ mode: Mode) async throws {
            try await QuickBench.with { bench in
                let before = try await bench.traces()
                try await bench.client.configure(
                    bench.text(Self.settings, allowedIPs: "0.0.0.0/0, ::/0, 172.30.0.0/16"))
                let program = try Engine.nightjar.executable()
                let all = ProcessInfo.processInfo.environment["NIGHTJAR_ALL_STEPS"] == "1"
                for number in all ? Array(1...500) : task == "up" ? place.up : place.down {
                    if task == "down" { try await bench.client.quick("up") }
                    let log = bench.lab.path("strace")
                    let effect = mode == .kill ? "signal=SIGKILL" : "error=ENOMEM"
                    let result = try await bench.client.run(
                        [
                            "strace", "-o", log, "-e", "trace=\(place.calls)", "-e",
                            "inject=\(place.calls):\(effect):when=\(number)", program, task, "wg0",
                        ], mayFail: true)
                    let text = String(decoding: FileManager.default.contents(atPath: log) ?? Data(), as: UTF8.self)
                    let isTouched = text.contains("INJECTED") || text.contains("killed by SIGKILL")
                    #expect(isTouched || all, "\(task) makes fewer than \(number) calls of \(place)")
                    if mode == .kill || (result.status == 0) == (task == "up") {
                        try await bench.client.quick("down", mayFail: true)
                    }
                    try await bench.expectTraces(before, "\(task), \(place.calls) number \(number)\n\(result.errors)")
                    guard isTouched else { return }
                }
            }
        }
    }
}
