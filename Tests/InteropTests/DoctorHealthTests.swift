import Testing

/// A set-up that works, of which the doctor has to find nothing on either side.
struct HealthyTunnel: Sendable, CustomTestStringConvertible {
    let testDescription: String
    var sides: [DoctorBench.Side] = [.client, .server]
    var files: @Sendable (inout DoctorBench.Files) -> Void = { _ in }
    var act: @Sendable (DoctorBench) async throws -> Void = { try await $0.connect() }

    static let all: [HealthyTunnel] = [
        HealthyTunnel(testDescription: "plain"),
        HealthyTunnel(
            testDescription: "over IPv6, with preshared keys",
            files: {
                $0.client.peer["Endpoint"] = "[fd09:2::2]:51820"
                $0.client.peer["PresharedKey"] = DoctorFault.anotherKey
                $0.server.peer["PresharedKey"] = DoctorFault.anotherKey
            }),
        HealthyTunnel(
            testDescription: "AmneziaWG",
            files: {
                for key in ["S1", "S2", "S4"] {
                    $0.server.interface[key] = "30"
                    $0.client.interface[key] = "30"
                }
                $0.client.interface["Jc"] = "4"
            }),
        HealthyTunnel(
            testDescription: "veil",
            files: {
                $0.server.interface["Obfuscation"] = "veil"
                $0.client.interface["Obfuscation"] = "veil"
            }),
        HealthyTunnel(
            testDescription: "everything through the tunnel, behind a router with NAT",
            files: {
                $0.server.interface["# Forwarding"] = "nat"
                $0.client.peer["AllowedIPs"] = "0.0.0.0/0, ::/0"
            },
            act: { bench in
                try await bench.translate()
                try await bench.connect()
                guard try await bench.reaches(.client, "203.0.113.1") else { throw Failure("nothing is passed on") }
            }),
        HealthyTunnel(
            testDescription: "two sites that call each other",
            files: {
                $0.client.interface["ListenPort"] = "51820"
                $0.server.peer["Endpoint"] = "10.9.1.1:51820"
                $0.server.peer["AllowedIPs"] = "10.77.0.2/32, fd77::2/128, 10.66.0.0/24"
                $0.server.interface["# Forwarding"] = "on"
                $0.client.interface["# Forwarding"] = "on"
            },
            act: { bench in
                try await bench.client.run("ip link add lan0 type veth peer name lan1")
                try await bench.client.run("ip addr add 10.66.0.1/24 dev lan0")
                try await bench.client.run("ip link set lan0 up")
                try await bench.client.run("ip link set lan1 up")
                try await bench.connect()
                guard try await bench.reaches(.server, "10.66.0.1") else { throw Failure("no way to the site") }
            }),
        HealthyTunnel(
            testDescription: "peers that are away, that are switched off, and that were never there", sides: [.server],
            files: {
                $0.server.rest = """

                    [Peer]
                    # Name = phone
                    PublicKey = \(DoctorFault.anotherKey)
                    AllowedIPs = 10.77.0.3/32

                    #[disabled] [Peer]
                    #[disabled] # Name = tablet
                    #[disabled] PublicKey = mEQLdZACq2n6bWE37f82Z/w7So8kMwgXtNDRFVM/E1I=
                    #[disabled] AllowedIPs = 10.77.0.4/32

                    """
            },
            act: { bench in
                try await bench.connect()
                try await bench.client.site.namespace.ip("link set eth0 down")
                try await Task.sleep(for: .seconds(1))
                try await bench.knock(.server, "10.77.0.2", count: 2)
            }),
        HealthyTunnel(
            testDescription: "a narrow way", sides: [.client, .server],
            act: { bench in
                for site in [bench.client.site.namespace, bench.router] {
                    try await site.ip("link set eth0 mtu 1380")
                }
                bench.files.server.interface["MTU"] = "1300"
                try await bench.connect()
            }),
        HealthyTunnel(
            testDescription: "an endpoint with a name, and a server that answers no echo requests",
            files: { $0.client.peer["Endpoint"] = "vpn.test:51820" },
            act: { bench in
                try await bench.name("10.9.2.2")
                try await bench.connect()
                try await bench.server.run("sysctl -qw net.ipv4.icmp_echo_ignore_all=1")
                try await bench.server.run("sysctl -qw net.ipv6.icmp.echo_ignore_all=1")
            }),
        HealthyTunnel(
            testDescription: "wireguard-go at both ends",
            act: { bench in
                for side in [DoctorBench.Side.server, .client] {
                    let machine = bench.machine(side)
                    try await machine.configure(bench.files[side].text)
                    let words = [try Engine.nightjar.executable(), "up", "wg0"]
                    try await machine.run(
                        words, environment: ["WG_QUICK_USERSPACE_IMPLEMENTATION": try Tool.path("wireguard-go")])
                }
                guard try await bench.reaches(.client, "10.77.0.1") else { throw Failure("no answer") }
            }),
        HealthyTunnel(
            testDescription: "an idle client", sides: [.client],
            files: { $0.client.peer["PersistentKeepalive"] = nil }, act: { try await $0.up() }),
    ]
}

extension Interop {
    @Suite(.disabled(if: Engine.isReferenceUnderTest, "wireguard-go is no doctor"))
    struct DoctorHealthTests {
        @Test(arguments: HealthyTunnel.all) func nothingIsFound(_ tunnel: HealthyTunnel) async throws {
            try await DoctorBench.with { bench in
                tunnel.files(&bench.files)
                try await tunnel.act(bench)
                for side in tunnel.sides {
                    let (diagnosis, status) = try await bench.examine(side)
                    #expect(diagnosis.findings.map(\.description) == [], "\(side)")
                    #expect(status == 0, "\(side): \(diagnosis.notLookedAt)")
                }
            }
        }
    }
}

extension DoctorBench {
    /// Puts the client behind a router with NAT.
    func translate() async throws {
        try await router.run(["nft", "add table ip nat"])
        try await router.run(["nft", "add chain ip nat post { type nat hook postrouting priority 100 ; }"])
        try await router.run(["nft", "add rule ip nat post oifname eth1 masquerade"])
    }
}
