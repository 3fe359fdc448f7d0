import Foundation
import Glibc
import Testing

extension Interop {
    /// Peers that may be used for a while, or for so much, with a real server, its file and its daemon.
    @Suite(.disabled(if: Engine.isReferenceUnderTest, "wireguard-go knows no limits"))
    struct LimitTests {
        private func withServer(
            _ body: (_ server: QuickMachine, _ client: QuickMachine) async throws -> Void
        ) async throws {
            try await Lab.with { lab in
                let wire = try await lab.wire()
                let server = try await QuickMachine(.nightjar, at: wire.server)
                let client = try await QuickMachine(.nightjar, at: wire.client)
                for machine in [server, client] {
                    // What is kept by default stays on this machine.
                    try await machine.run("mount -t tmpfs tmpfs /var/lib")
                }
                _ = try await nightjar(
                    server, "new server --subnet 10.8.0.0/24 --forwarding off --endpoint \(wire.server.ipv4)")
                _ = try await nightjar(server, "new peer laptop --out /run/laptop.conf")
                let file = try lab.write(try await server.run("cat /run/laptop.conf").output, name: "laptop")
                try await client.run(["install", "-m", "600", file, "/run/wg0.conf"])
                _ = try await nightjar(server, "up wg0")
                _ = try await nightjar(client, "up /run/wg0.conf")
                try #require(await answers(client))
                try await body(server, client)
            }
        }

        private func nightjar(
            _ machine: QuickMachine, _ line: String, mayFail: Bool = false
        ) async throws -> CommandResult {
            let words = line.split(separator: " ").map(String.init)
            return try await machine.run([try Engine.nightjar.executable()] + words, mayFail: mayFail)
        }

        private func answers(_ client: QuickMachine, within time: Duration = .seconds(10)) async throws -> Bool {
            try await eventually(within: time) {
                try await client.run("ping -n -c 1 -W 1 10.8.0.1", mayFail: true).status == 0
            }
        }

        /// A client that was cut off takes a while to notice; one that is new doesn't.
        private func beginAnew(_ client: QuickMachine) async throws {
            _ = try await nightjar(client, "down /run/wg0.conf")
            _ = try await nightjar(client, "up /run/wg0.conf")
        }

        private func peer(_ server: QuickMachine) async throws -> [String: Any] {
            let list = try JSONSerialization.jsonObject(
                with: Data(try await nightjar(server, "peers --json").output.utf8))
            return try #require((list as? [[String: Any]])?.first { $0["name"] as? String == "laptop" })
        }

        private func suspension(_ server: QuickMachine) async throws -> String? {
            try await peer(server)["suspended"] as? String
        }

        @Test func anEndComesByItselfAndARenewalAtOnce() async throws {
            try await withServer { server, client in
                // Another peer, whose session has nothing to do with it.
                _ = try await nightjar(server, "new peer phone --no-qr")
                _ = try await nightjar(server, "limit laptop --quota 10GiB")
                let end = Date(timeIntervalSince1970: (Date().timeIntervalSince1970 + 3).rounded(.up))
                let time = end.formatted(.iso8601)
                let told = try await nightjar(server, "limit laptop --expires \(time)")
                #expect(told.errors.contains("wg0 is up and knows it already"), "\(told.errors)")
                #expect(try await suspension(server) == nil)
                #expect(try await client.run("ping -n -c 1 -W 1 10.8.0.1", mayFail: true).status == 0)
                let isOver = try await eventually(within: .seconds(8)) { try await suspension(server) == "expired" }
                #expect(isOver)
                #expect((-0.5..<3).contains(-end.timeIntervalSinceNow), "\(end.timeIntervalSinceNow)")
                #expect(try await client.run("ping -n -c 2 -i 0.2 -W 1 10.8.0.1", mayFail: true).status != 0)
                // Programs on the server are told at once, too.
                let refused = try await server.run("ping -n -c 1 -W 5 10.8.0.2", mayFail: true).output
                #expect(refused.contains("Unreachable"), "\(refused)")
                try await beginAnew(client)
                #expect(try await client.run("ping -n -c 1 -W 1 10.8.0.1", mayFail: true).status != 0)
                #expect(try await nightjar(server, "drops wg0").output.contains("peer-suspended"))

                // Nothing that a reload would change, and a restart changes nothing either.
                let reloaded = try await nightjar(server, "reload wg0")
                #expect(!reloaded.errors.contains("wg"), "\(reloaded.errors)")
                _ = try await nightjar(server, "down wg0")
                _ = try await nightjar(server, "up wg0")
                #expect(try await suspension(server) == "expired")

                _ = try await nightjar(server, "renew laptop --for 1d")
                try await beginAnew(client)
                #expect(try await answers(client))
                #expect(try await suspension(server) == nil)
                _ = try await nightjar(server, "limit laptop --expires never --quota none")
                #expect(try await !server.run("cat /etc/wireguard/wg0.conf").output.contains("# Term"))
            }
        }

        /// By hand as well, and with what is used outliving the daemon, also one that is killed.
        @Test func aQuotaEndsAndOutlivesTheDaemon() async throws {
            try await withServer { server, client in
                let quota = 2_000_000
                try await server.run([
                    "sed", "-i", "s/^# Name = laptop/&\\n# Quota = \(quota)/", "/etc/wireguard/wg0.conf",
                ])
                let reloaded = try await nightjar(server, "reload wg0")
                #expect(!reloaded.errors.contains("warning"), "\(reloaded.errors)")
                #expect((try await peer(server)["quotaUsed"] as? Int ?? -1) < 1000)
                try await client.run("ping -n -q -f -c 300 -s 1300 10.8.0.1")
                let half = try #require(try await peer(server)["quotaUsed"] as? Int)
                #expect((800_000..<1_200_000).contains(half), "\(half)")

                _ = try await nightjar(server, "down wg0")
                _ = try await nightjar(server, "up wg0")
                #expect(try await peer(server)["quotaUsed"] as? Int == half)
                try await beginAnew(client)
                #expect(try await answers(client))
                try await client.run("ping -n -q -f -w 3 -c 3000 -s 1300 10.8.0.1", mayFail: true)
                #expect(try await suspension(server) == "over-quota")
                let used = try #require(try await peer(server)["quotaUsed"] as? Int)
                #expect((quota..<quota + quota / 50).contains(used), "\(used)")
                #expect(try await nightjar(server, "peers").output.contains("used up"))

                _ = try await nightjar(server, "down wg0")
                let totals = try await server.run("cat /var/lib/nightjar/wg0.totals").output
                #expect(totals.hasPrefix("nightjar totals 1\n"))
                _ = try await nightjar(server, "up wg0")
                #expect(try await suspension(server) == "over-quota")
                try await server.crash()
                _ = try await nightjar(server, "up wg0")
                #expect(try await suspension(server) == "over-quota")

                _ = try await nightjar(server, "renew laptop")
                #expect(try await suspension(server) == nil)
                try await beginAnew(client)
                #expect(try await answers(client))
                #expect((try await peer(server)["quotaUsed"] as? Int ?? quota) < quota / 10)
            }
        }

        /// Whoever else serves the interface, nobody is left to believe that limits count there.
        @Test func othersKnowNoLimits() async throws {
            try await withServer { server, _ in
                _ = try await nightjar(server, "limit laptop --expires +1d")
                _ = try await nightjar(server, "down wg0")
                let raised = try await server.run(
                    [try Engine.nightjar.executable(), "up", "wg0"],
                    environment: ["WG_QUICK_USERSPACE_IMPLEMENTATION": try Tool.path("wireguard-go")])
                #expect(
                    raised.errors.contains("knows no limits, so no peer's Expires or Quota counts"), "\(raised.errors)")
                let limited = try await nightjar(server, "limit laptop --quota 1GiB")
                #expect(limited.errors.contains("knows no limits, so the peer has none there"), "\(limited.errors)")
                let listed = try await nightjar(server, "rename laptop notebook")
                #expect(listed.errors.contains("knows no limits"), "\(listed.errors)")
            }
        }

        /// Totals are kept where somebody asks for it, and a daemon that can't doesn't start.
        @Test func stateDirectory() async throws {
            try await withServer { server, client in
                _ = try await nightjar(server, "down wg0")
                _ = try await nightjar(server, "up wg0 --state-dir /run/state")
                try await beginAnew(client)
                #expect(try await answers(client))
                _ = try await nightjar(server, "down wg0")
                #expect(try await server.run("ls /run/state").output == "wg0.totals\n")
                let totals = try await server.run("cat /run/state/wg0.totals").output
                #expect(totals.contains(" completed-as-responder=1"), "\(totals)")
                #expect(try await server.run("ls /var/lib").output == "")

                try await server.run("touch /run/file")
                let failed = try await nightjar(server, "up wg0 --state-dir /run/file", mayFail: true)
                #expect(failed.status != 0)
                #expect(failed.errors.contains("/run/file/wg0.totals"), "\(failed.errors)")
                #expect(try await server.run("ip link show wg0", mayFail: true).status != 0)
            }
        }
    }
}
