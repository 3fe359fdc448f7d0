import Foundation
import Glibc
import Testing

extension Interop {
    /// A server and its peers as somebody sets them up who has nothing but the program.
    @Suite(.disabled(if: Engine.isReferenceUnderTest, "wireguard-go sets nothing up"))
    struct SetupTests {
        /// The server's machine is 10.9.2.2, behind a router; the client's is 10.9.1.1. 198.51.100.1 and 2001:db8:100::1
        /// are what lies beyond, and know the way to the server alone.
        private func withBench(
            hasNft: Bool = true,
            _ body: (_ server: QuickMachine, _ client: QuickMachine, _ lab: Lab) async throws -> Void
        ) async throws {
            try await Lab.with { lab in
                let wire = try await lab.wire(.router)
                let router = try #require(wire.middle)
                let beyond = try await lab.namespace("beyond")
                try await router.ip(
                    "link add eth2 type veth peer name eth0 netns \(beyond.name)",
                    "addr add 10.9.3.254/24 dev eth2", "addr add fd09:3::fe/64 dev eth2 nodad", "link set eth2 up",
                    "route add 198.51.100.1/32 via 10.9.3.1", "route add 2001:db8:100::1/128 via fd09:3::1")
                try await beyond.ip(
                    "addr add 10.9.3.1/24 dev eth0", "addr add fd09:3::1/64 dev eth0 nodad", "link set eth0 up",
                    "addr add 198.51.100.1/32 dev lo", "addr add 2001:db8:100::1/128 dev lo nodad",
                    "route add 10.9.2.0/24 via 10.9.3.254", "route add fd09:2::/64 via fd09:3::fe")
                let server = try await QuickMachine(.nightjar, at: wire.server, hasNft: hasNft)
                let client = try await QuickMachine(.nightjar, at: wire.client)
                for machine in [server, client] { try await machine.run("rm -f /etc/resolv.conf") }
                try await body(server, client, lab)
            }
        }

        private func answers(_ machine: QuickMachine, _ address: String) async throws -> Bool {
            try await eventually(within: .seconds(3)) {
                try await machine.run("ping -n -c 1 -W 1 \(address)", mayFail: true).status == 0
            }
        }

        private func nightjar(_ machine: QuickMachine, _ line: String, mayFail: Bool = false) async throws
            -> CommandResult
        {
            let words = line.split(separator: " ").map(String.init)
            return try await machine.run([try Engine.nightjar.executable()] + words, mayFail: mayFail)
        }

        /// What `up` changes outside of the interface, without empty tables.
        private func state(_ machine: QuickMachine) async throws -> String {
            let script = """
                cd /proc/sys/net
                grep . ipv4/ip_forward ipv6/conf/all/forwarding ipv6/conf/eth0/accept_ra
                """
            let rules = try await machine.nft("list ruleset").split(separator: "\n").filter {
                $0.contains("masquerade") || $0.contains("accept") || $0.contains("nightjar")
            }
            return try await machine.run(["sh", "-c", script]).output + rules.joined(separator: "\n")
        }

        private func move(_ path: String, _ from: QuickMachine, _ to: QuickMachine, as name: String, _ lab: Lab)
            async throws
        {
            let file = try lab.write(try await from.run("cat \(path)").output, name: "moved")
            try await to.run(["install", "-m", "600", file, name])
        }

        @Test func fromNothingToAPingInFourCommands() async throws {
            try await withBench { server, client, lab in
                let before = try await state(server)
                let made = try await nightjar(server, "new server")
                #expect(made.output.contains("Peers reach it at 10.9.2.2:51820"))
                _ = try await nightjar(server, "up wg0")
                _ = try await nightjar(server, "new peer laptop --out /run/laptop.conf")
                try await move("/run/laptop.conf", server, client, as: "/run/wg0.conf", lab)
                _ = try await nightjar(client, "up /run/wg0.conf")

                let list = try await nightjar(server, "peers --json").output
                let inside = try await server.run("ip -o addr show dev wg0").output.split(separator: " ")
                    .filter { $0.contains("/24") || $0.contains("/64") }.compactMap { $0.split(separator: "/").first }
                #expect(inside.count == 2, "\(list)")
                for address in inside.map(String.init) + ["198.51.100.1", "2001:db8:100::1"] {
                    #expect(try await answers(client, address), "\(address)")
                }
                _ = try await nightjar(client, "down /run/wg0.conf")
                _ = try await nightjar(server, "down wg0")
                #expect(try await state(server) == before)
            }
        }

        /// As ufw and Docker leave a firewall; with the tools of either kind, and after a crash.
        @Test(arguments: [true, false]) func aFirewallThatForwardsNothing(_ hasNft: Bool) async throws {
            try await withBench(hasNft: hasNft) { server, client, lab in
                for tool in ["iptables", "ip6tables"] {
                    try await server.run("\(tool) -P FORWARD DROP")
                    // Tables that are there before aren't traces.
                    try await server.run("\(tool) -t nat -P POSTROUTING ACCEPT")
                }
                let before = try await state(server)
                _ = try await nightjar(server, "new server")
                _ = try await nightjar(server, "new peer laptop --out /run/laptop.conf")
                try await move("/run/laptop.conf", server, client, as: "/run/wg0.conf", lab)
                _ = try await nightjar(server, "up wg0")
                _ = try await nightjar(client, "up /run/wg0.conf")
                for address in ["198.51.100.1", "2001:db8:100::1"] {
                    #expect(try await answers(client, address), "\(address)")
                }
                try await server.crash()
                _ = try await nightjar(server, "down wg0")
                #expect(try await state(server) == before)
            }
        }

        @Test func reloadBeginsAndEndsForwarding() async throws {
            try await withBench { server, client, lab in
                let before = try await state(server)
                func set(_ value: String) async throws {
                    let edit = "s/^# Forwarding = .*/# Forwarding = \(value)/"
                    try await server.run(["sed", "-i", edit, "/etc/wireguard/wg0.conf"])
                    _ = try await nightjar(server, "reload wg0")
                }
                _ = try await nightjar(server, "new server --forwarding off")
                _ = try await nightjar(server, "new peer laptop --out /run/laptop.conf --allowed-ips 198.51.100.0/24")
                try await move("/run/laptop.conf", server, client, as: "/run/wg0.conf", lab)
                _ = try await nightjar(server, "up wg0")
                _ = try await nightjar(client, "up /run/wg0.conf")
                #expect(try await state(server) == before)
                try await set("nat")
                #expect(try await answers(client, "198.51.100.1"))
                try await set("on")
                #expect(try await client.run("ping -n -c 1 -W 1 198.51.100.1", mayFail: true).status != 0)
                try await set("off")
                #expect(try await state(server) == before)
                try await set("nat")
                _ = try await nightjar(server, "down wg0")
                #expect(try await state(server) == before)
            }
        }

        @Test func changesReachARunningServerAndDropNobody() async throws {
            try await withBench { server, client, lab in
                _ = try await nightjar(server, "new server --subnet 10.8.0.0/24,fd08::/64")
                _ = try await nightjar(server, "new peer laptop --out /run/laptop.conf")
                try await move("/run/laptop.conf", server, client, as: "/run/wg0.conf", lab)
                _ = try await nightjar(server, "up wg0")
                _ = try await nightjar(client, "up /run/wg0.conf")
                #expect(try await answers(client, "10.8.0.1"))
                func session() async throws -> [String] {
                    let status = try InterfaceStatus(dump: try await server.run("wg show wg0 dump").output)
                    return status.peers.map { "\($0.allowedIPs.joined(separator: " ")) \($0.latestHandshake)" }
                }
                let first = try await session()
                #expect(first.count == 1 && !first[0].hasSuffix(" 0"))

                let added = try await nightjar(server, "new peer phone --no-qr")
                #expect(added.errors.contains("wg0 is up and knows it already"))
                #expect(added.output.hasPrefix("[Interface]\n"))
                #expect(try await session() == first + ["10.8.0.3/32 fd08::3/128 0"])
                _ = try await nightjar(server, "disable phone")
                #expect(try await session() == first)
                _ = try await nightjar(server, "enable phone")
                _ = try await nightjar(server, "rename phone tablet")
                #expect(try await session() == first + ["10.8.0.3/32 fd08::3/128 0"])
                _ = try await nightjar(server, "remove tablet")
                #expect(try await session() == first)
                #expect(try await answers(client, "10.8.0.1"))

                _ = try await nightjar(server, "disable laptop")
                #expect(try await client.run("ping -n -c 1 -W 1 10.8.0.1", mayFail: true).status != 0)
                // What is running and what is in the file stay the same: there is nothing left to be reloaded.
                let reloaded = try await nightjar(server, "reload wg0")
                #expect(!reloaded.errors.contains("syncconf"), "\(reloaded.errors)")
                _ = try await nightjar(server, "enable laptop")
                // A client that was cut off takes a while to notice.
                _ = try await nightjar(client, "down /run/wg0.conf")
                _ = try await nightjar(client, "up /run/wg0.conf")
                #expect(try await answers(client, "10.8.0.1"))
                #expect(try await session().count == 1)
            }
        }

        @Test func aPeerWithNetworksOfItsOwnGetsItsRoutes() async throws {
            try await withBench { server, _, lab in
                _ = try await nightjar(server, "new server --subnet 10.8.0.0/24")
                _ = try await nightjar(server, "new peer office --no-qr")
                try await server.run([
                    "sed", "-i", "s|^AllowedIPs = 10.8.0.2/32|&, 172.30.0.0/16|", "/etc/wireguard/wg0.conf",
                ])
                _ = try await nightjar(server, "up wg0")
                func routes() async throws -> Bool {
                    try await server.run("ip route show dev wg0").output.contains("172.30.0.0/16")
                }
                #expect(try await routes())
                _ = try await nightjar(server, "disable office")
                #expect(try await !routes())
                _ = try await nightjar(server, "enable office")
                #expect(try await routes())
            }
        }

        @Test func everythingExceptANetwork() async throws {
            try await withBench { server, client, lab in
                _ = try await nightjar(server, "new server")
                _ = try await nightjar(server, "up wg0")
                // The client reaches what it excludes by its own way, and the server's address, too, or nothing would work.
                _ = try await nightjar(server, "new peer laptop --out /run/laptop.conf --exclude 10.9.1.0/24")
                try await move("/run/laptop.conf", server, client, as: "/run/wg0.conf", lab)
                _ = try await nightjar(client, "up /run/wg0.conf")
                #expect(try await answers(client, "198.51.100.1"))
                #expect(try await answers(client, "10.9.1.254"))
                let route = try await client.run("ip route get 10.9.1.254").output
                #expect(route.contains("dev eth0"))
                #expect(try await client.run("ip route get 10.9.2.2").output.contains("dev eth0"))
                #expect(try await client.run("ip route get 198.51.100.1").output.contains("dev wg0"))
            }
        }

        @Test func theStockToolsReadTheFile() async throws {
            try await withBench { server, _, lab in
                _ = try await nightjar(server, "new server")
                for name in ["laptop", "phone", "tablet"] {
                    _ = try await nightjar(server, "new peer \(name) --keep-key --no-qr")
                }
                _ = try await nightjar(server, "disable phone")
                let stripped = try await server.run("wg-quick strip wg0").output
                let file = try lab.write(stripped, name: "stripped")
                try await server.run([try Engine.nightjar.executable(), "run", "wgx"])
                try await server.run(["wg", "setconf", "wgx", file])
                #expect(try await server.run("wg show wgx peers").output.split(separator: "\n").count == 2)
                try await server.run("ip link del wgx")
            }
        }

        /// Killed before any of its system calls that change a file, it leaves the former file or the new one.
        @Test func killedAtAnyMoment() async throws {
            try await withBench { server, _, lab in
                _ = try await nightjar(server, "new server")
                _ = try await nightjar(server, "new peer one --no-qr")
                let path = "/etc/wireguard/wg0.conf"
                let program = try Engine.nightjar.executable()
                var outcomes: Set<String> = []
                for call in [
                    "openat", "open", "fchmod", "fchown", "write", "fsync", "rename", "renameat2", "unlink", "close",
                ] {
                    for count in 1...40 {
                        let former = try await server.run("cat \(path)").output
                        let result = try await server.run(
                            [
                                "strace", "-f", "-qq", "-o", "/dev/null", "-P", path, "-P", "\(path).new", "-P",
                                "/etc/wireguard", "-e", "inject=\(call):signal=KILL:when=\(count)", program, "new",
                                "peer",
                                "two", "--no-qr",
                            ], mayFail: true)
                        let now = try await server.run("cat \(path)").output
                        let isNew = now.hasPrefix(former) && now.contains("# Name = two\n") && now.hasSuffix("/128\n")
                        #expect(now == former || isNew, "\(call) \(count)")
                        outcomes.insert(now == former ? "former" : "new")
                        if isNew { _ = try await nightjar(server, "remove two") }
                        if result.status == 0 { break }
                    }
                }
                #expect(outcomes == ["former", "new"])
                #expect(try await server.run("ls /etc/wireguard").output == "wg0.conf\n")
            }
        }
    }
}
