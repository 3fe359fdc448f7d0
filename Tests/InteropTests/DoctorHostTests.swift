import Foundation
import Glibc
import Testing

extension Interop {
    /// Faults of machines and configurations, each broken for real, and set-ups in which there is none.
    @Suite(.disabled(if: Engine.isReferenceUnderTest, "wireguard-go is no doctor"))
    struct DoctorHostTests {
        struct Case: Sendable, CustomTestStringConvertible {
            let code: String
            let fault: String
            /// Breaks something, and returns what the doctor says of it.
            let examine: @Sendable (Clinic) async throws -> Clinic.Diagnosis

            init(
                _ code: String, _ fault: String,
                _ examine: @escaping @Sendable (Clinic) async throws -> Clinic.Diagnosis
            ) {
                self.code = code
                self.fault = fault
                self.examine = examine
            }

            var testDescription: String { "\(code): \(fault)" }
        }

        @Test(arguments: machine + files + interfaces + ways + beyond)
        func theFaultIsTheFirstFinding(_ fault: Case) async throws {
            try await Clinic.with { clinic in
                let diagnosis = try await fault.examine(clinic)
                #expect(diagnosis.codes.first == fault.code, "\(fault.fault): \(diagnosis.text)")
                #expect(diagnosis.status == 1)
            }
        }

        @Test(arguments: healthySetUps)
        func healthySetUpsHaveNoFinding(_ setUp: Case) async throws {
            try await Clinic.with { clinic in
                let diagnosis = try await setUp.examine(clinic)
                #expect(diagnosis.codes == [] && diagnosis.status == 0, "\(setUp.fault): \(diagnosis.text)")
            }
        }

        /// What the doctor looks at stays as it is, and what it says is fit for people.
        @Test func itChangesNothing() async throws {
            try await Clinic.with { clinic in
                try await clinic.start()
                let script = """
                    ip addr | grep -v valid_lft; ip rule; ip route show table all; ip -6 route show table all | grep -v expires
                    nft list ruleset; find /etc/wireguard /run | sort; cat /etc/wireguard/wg0.conf; cat /proc/sys/net/ipv4/ip_forward
                    """
                let before = try await clinic.server.run(["sh", "-c", script]).output
                _ = try await clinic.examine(clinic.server)
                #expect(try await clinic.server.run(["sh", "-c", script]).output == before)

                try await clinic.server.run("sysctl -qw net.ipv4.ip_forward=0")
                let text = try await clinic.server.run([try Engine.nightjar.executable(), "doctor"], mayFail: true)
                #expect(text.status == 1)
                #expect(text.output.hasPrefix("FAILURE forwarding-off-ipv4 (wg0)\n"))
                #expect(text.output.split(separator: "\n").allSatisfy { $0.count <= 80 }, "\(text.output)")
                for secret in [Clinic.serverKey, Clinic.clientKey] { #expect(!text.output.contains(secret)) }
                let more = try await clinic.server.run([
                    try Engine.nightjar.executable(), "explain", "forwarding-off-ipv4",
                ])
                #expect(more.output.contains("# Forwarding = nat"))
                #expect(
                    try await clinic.server.run([try Engine.nightjar.executable(), "explain", "x"], mayFail: true)
                        .status == 1)
            }
        }

        @Test func whatItCannotTell() async throws {
            try await Clinic.with { clinic in
                #expect(try await clinic.examine(clinic.server, nil).status == 2)
                #expect(try await clinic.examine(clinic.server, "wg7").status == 2)
                try await clinic.configure()
                let user = try await clinic.examine(clinic.server, by: ["setpriv", "--reuid=65534", "--clear-groups"])
                #expect(user.status == 2 && user.text.contains("sudo nightjar doctor wg0"), "\(user.text)")
            }
        }

        // MARK: - Faults

        private static let machine = [
            Case("no-tun-device", "the device is missing") { clinic in
                try await clinic.configure()
                try await clinic.client.run("mount -t tmpfs tmpfs /dev/net")
                #expect(try await clinic.client.quick("up", mayFail: true).status != 0)
                return try await clinic.examine(clinic.client)
            },
            Case("no-net-admin", "the capability is missing") { clinic in
                try await clinic.configure()
                let words = ["setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin"]
                return try await clinic.examine(clinic.client, by: words)
            },
            Case("no-firewall-tool", "neither nft nor iptables is installed") { clinic in
                try await clinic.configure()
                return try await clinic.examine(
                    clinic.server, by: ["/usr/bin/env", "PATH=/nowhere"])
            },
            Case("ipv6-off", "IPv6 is disabled") { clinic in
                try await clinic.configure()
                try await clinic.client.run(
                    "sysctl -qw net.ipv6.conf.default.disable_ipv6=1 net.ipv6.conf.all.disable_ipv6=1")
                #expect(try await clinic.client.quick("up", mayFail: true).status != 0)
                return try await clinic.examine(clinic.client)
            },
            Case("port-in-use", "another program has the port") { clinic in
                try await clinic.configure()
                try await clinic.server.run([try Engine.nightjar.executable(), "run", "other"])
                try await clinic.server.run("wg set other listen-port 51820")
                try await clinic.server.run("ip link set other up")
                #expect(try await clinic.server.quick("up", mayFail: true).status != 0)
                return try await clinic.examine(clinic.server)
            },
        ]

        private static let files = [
            Case("file-invalid", "a key with a character too much") { clinic in
                let file = Clinic.file(Clinic.clientInterface, Clinic.office()).replacing(
                    Clinic.serverPublic, with: Clinic.serverPublic + "x")
                try await clinic.configure(client: file)
                return try await clinic.examine(clinic.client)
            },
            Case("no-private-key", "the line is missing") { clinic in
                try await clinic.configure(client: Clinic.file(["Address = 10.8.0.2/24"], Clinic.office("10.8.0.0/24")))
                try await clinic.client.quick("up")
                return try await clinic.examine(clinic.client)
            },
            Case("peer-key-is-own", "both keys are of one pair") { clinic in
                let file = Clinic.file(Clinic.clientInterface, Clinic.office()).replacing(
                    Clinic.serverPublic, with: Clinic.clientPublic)
                try await clinic.configure(client: file)
                try await clinic.client.quick("up")
                return try await clinic.examine(clinic.client)
            },
            Case("peer-key-is-private", "the private key is pasted as a public one") { clinic in
                let file = Clinic.file(Clinic.clientInterface, Clinic.office()).replacing(
                    Clinic.serverPublic, with: Clinic.clientKey)
                try await clinic.configure(client: file)
                try await clinic.client.quick("up")
                let diagnosis = try await clinic.examine(clinic.client)
                #expect(!diagnosis.text.contains(Clinic.clientKey.prefix(4)))
                return diagnosis
            },
            Case("key-used-twice", "a file is used for two interfaces") { clinic in
                try await clinic.start()
                let twin = Clinic.file(
                    ["PrivateKey = \(Clinic.clientKey)", "Address = 10.8.7.2/24"], Clinic.office("10.8.7.0/24"))
                let path = try clinic.lab.write(twin + "\n", name: "twin")
                try await clinic.client.run(["install", "-m", "600", path, "/etc/wireguard/wg1.conf"])
                try await clinic.client.run([try Engine.nightjar.executable(), "up", "wg1"])
                return try await clinic.examine(clinic.client)
            },
            Case("kept-key-differs", "the peer's key was changed by hand") { clinic in
                try await clinic.start(
                    server: Clinic.file(
                        Clinic.serverInterface, Clinic.laptop + ["# ClientPrivateKey = \(Clinic.otherKey)"]))
                return try await clinic.examine(clinic.server)
            },
            Case("duplicate-peer", "two machines have one key") { clinic in
                let second = Clinic.phone.map { $0.replacing(Clinic.otherPublic, with: Clinic.clientPublic) }
                try await clinic.configure(server: Clinic.file(Clinic.serverInterface, Clinic.laptop, second))
                try await clinic.server.quick("up")
                return try await clinic.examine(clinic.server)
            },
            Case("allowed-ips-missing", "the server's peer has none") { clinic in
                try await clinic.configure(
                    server: Clinic.file(Clinic.serverInterface, Clinic.laptop.filter { !$0.hasPrefix("Allowed") }))
                try await clinic.server.quick("up")
                try await clinic.client.quick("up")
                try await clinic.ping("10.8.0.1", from: clinic.client)
                return try await clinic.examine(clinic.server)
            },
            Case("allowed-ips-moved", "two peers have the same address") { clinic in
                let second = Clinic.phone.map { $0.replacing("10.8.0.3", with: "10.8.0.2") }
                try await clinic.configure(server: Clinic.file(Clinic.serverInterface, Clinic.laptop, second))
                try await clinic.server.quick("up")
                try await clinic.client.quick("up")
                try await clinic.ping("10.8.0.1", from: clinic.client)
                return try await clinic.examine(clinic.server)
            },
            Case("allowed-ips-moved", "'wg set' has given it to another peer") { clinic in
                try await clinic.start(server: Clinic.file(Clinic.serverInterface, Clinic.laptop, Clinic.phone))
                try await clinic.server.run(
                    "wg set wg0 peer \(Clinic.otherPublic) allowed-ips 10.8.0.2/32,10.8.0.3/32,fd08::3/128")
                try await clinic.ping("10.8.0.1", from: clinic.client)
                return try await clinic.examine(clinic.server)
            },
            Case("allowed-ips-overlap", "the server's peer has the whole network") { clinic in
                let wide = Clinic.laptop.map { $0.replacing("10.8.0.2/32", with: "10.8.0.0/24") }
                try await clinic.start(server: Clinic.file(Clinic.serverInterface, wide, Clinic.phone))
                return try await clinic.examine(clinic.server)
            },
            Case("file-readable-by-others", "everybody may read the file") { clinic in
                try await clinic.start()
                try await clinic.client.run("chmod 755 /etc/wireguard")
                try await clinic.client.run("chmod 644 /etc/wireguard/wg0.conf")
                return try await clinic.examine(clinic.client)
            },
        ]

        private static let interfaces = [
            Case("interface-not-up", "nobody has brought it up") { clinic in
                try await clinic.configure()
                return try await clinic.examine(clinic.server, nil)
            },
            Case("interface-left-behind", "the daemon was killed") { clinic in
                try await clinic.start()
                try await clinic.crash(clinic.client)
                return try await clinic.examine(clinic.client, nil)
            },
            Case("interface-not-served", "a TUN device has its name") { clinic in
                try await clinic.configure()
                try await clinic.client.run("ip tuntap add wg0 mode tun")
                return try await clinic.examine(clinic.client)
            },
            Case("interface-down", "the link is switched off") { clinic in
                try await clinic.start()
                try await clinic.client.run("ip link set wg0 down")
                return try await clinic.examine(clinic.client)
            },
            Case("differs-from-file", "'wg set' has removed the peer") { clinic in
                try await clinic.start()
                try await clinic.server.run("wg set wg0 peer \(Clinic.clientPublic) remove")
                try await clinic.ping("10.8.0.1", from: clinic.client)
                return try await clinic.examine(clinic.server)
            },
            Case("differs-from-file", "the file was edited and not reloaded") { clinic in
                try await clinic.start()
                try await clinic.server.configure(Clinic.file(Clinic.serverInterface, Clinic.laptop, Clinic.phone))
                return try await clinic.examine(clinic.server)
            },
            Case("address-missing", "another program has removed it") { clinic in
                try await clinic.start()
                try await clinic.client.run("ip addr del 10.8.0.2/24 dev wg0")
                return try await clinic.examine(clinic.client)
            },
        ]

        private static let ways = [
            Case("endpoint-in-tunnel", "AllowedIPs holds the server's address") { clinic in
                try await clinic.configure(
                    client: Clinic.file(Clinic.clientInterface, Clinic.office("10.8.0.0/24, 10.9.2.0/24")))
                try await clinic.server.quick("up")
                try await clinic.client.quick("up")
                try await clinic.ping("10.8.0.1", from: clinic.client)
                return try await clinic.examine(clinic.client)
            },
            Case("endpoint-unroutable", "there is no default route") { clinic in
                try await clinic.start()
                try await clinic.client.run("ip route del default")
                return try await clinic.examine(clinic.client)
            },
            Case("firewall-drops-outgoing", "iptables drops it") { clinic in
                try await clinic.configure()
                try await clinic.client.run("iptables -A OUTPUT -p udp --dport 51820 -j DROP")
                try await clinic.server.quick("up")
                try await clinic.client.quick("up")
                try await clinic.ping("10.8.0.1", from: clinic.client)
                return try await clinic.examine(clinic.client)
            },
            Case("firewall-drops-outgoing", "the kill switch of another tunnel is left") { clinic in
                try await clinic.configure()
                let other = Clinic.file(
                    ["PrivateKey = \(Clinic.otherKey)", "Address = 10.8.7.2/24", "KillSwitch = on"],
                    Clinic.office("10.8.7.0/24"))
                let path = try clinic.lab.write(other + "\n", name: "other")
                try await clinic.client.run(["install", "-m", "600", path, "/etc/wireguard/old.conf"])
                try await clinic.client.run([try Engine.nightjar.executable(), "up", "old"])
                for process in try await clinic.client.site.namespace.processes() {
                    let name = try? String(contentsOfFile: "/proc/\(process)/comm", encoding: .utf8)
                    if name == "nightjar\n" { kill(process, SIGKILL) }
                }
                try await clinic.server.quick("up")
                try await clinic.client.quick("up")
                try await clinic.ping("10.8.0.1", from: clinic.client)
                return try await clinic.examine(clinic.client)
            },
            Case("firewall-drops-incoming", "nft accepts nothing new") { clinic in
                try await clinic.configure()
                let rules = """
                    table inet filter {
                        chain input {
                            type filter hook input priority 0; policy drop;
                            iifname "lo" accept
                            ct state established,related accept
                            meta l4proto { icmp, ipv6-icmp } accept
                            tcp dport { 22, 80-90 } accept
                        }
                    }
                    """
                try await clinic.server.run(["nft", "-f", try clinic.lab.write(rules, name: "rules")])
                try await clinic.server.quick("up")
                try await clinic.client.quick("up")
                try await clinic.ping("10.8.0.1", from: clinic.client)
                return try await clinic.examine(clinic.server)
            },
            Case("rp-filter", "the filter doesn't see marks") { clinic in
                try await clinic.configure(
                    client: Clinic.file(Clinic.clientInterface, Clinic.office("0.0.0.0/0, ::/0")))
                try await clinic.server.quick("up")
                try await clinic.client.quick("up")
                try await clinic.client.run(
                    "sysctl -qw net.ipv4.conf.all.src_valid_mark=0 net.ipv4.conf.eth0.rp_filter=1")
                try await clinic.ping("10.8.0.1", from: clinic.client)
                return try await clinic.examine(clinic.client)
            },
            Case("rp-filter", "the rules that restore marks are gone") { clinic in
                try await clinic.start(client: Clinic.file(Clinic.clientInterface, Clinic.office("0.0.0.0/0, ::/0")))
                try await clinic.client.run("sysctl -qw net.ipv4.conf.eth0.rp_filter=1")
                try await clinic.client.run("nft flush ruleset")
                return try await clinic.examine(clinic.client)
            },
            Case("route-missing", "somebody has removed it") { clinic in
                try await clinic.start(
                    client: Clinic.file(
                        Clinic.clientInterface, Clinic.office("10.8.0.0/24, fd08::/64, 198.51.100.0/24")))
                try await clinic.client.run("ip route del 198.51.100.0/24")
                return try await clinic.examine(clinic.client)
            },
            Case("route-taken", "another network has the same addresses") { clinic in
                try await clinic.start(
                    client: Clinic.file(Clinic.clientInterface, Clinic.office("10.8.0.0/24, fd08::/64, 172.30.0.0/16")))
                try await clinic.client.run("ip link add docker0 type veth peer name docker1")
                try await clinic.client.run("ip addr add 172.30.0.1/24 dev docker0")
                try await clinic.client.run("ip link set docker0 up")
                return try await clinic.examine(clinic.client)
            },
            Case("reply-route-missing", "nobody makes routes") { clinic in
                let server = [
                    "PrivateKey = \(Clinic.serverKey)", "Address = 10.8.0.1/32", "ListenPort = 51820", "Table = off",
                ]
                let laptop = ["PublicKey = \(Clinic.clientPublic)", "AllowedIPs = 10.8.0.2/32"]
                try await clinic.configure(server: Clinic.file(server, laptop))
                try await clinic.server.quick("up")
                try await clinic.client.quick("up")
                try await clinic.ping("10.8.0.1", from: clinic.client)
                return try await clinic.examine(clinic.server)
            },
            Case("firewall-drops-tunnel", "nft drops what comes by the interface") { clinic in
                try await clinic.start()
                try await clinic.server.run(["nft", "add table inet mine"])
                try await clinic.server.run(["nft", "add chain inet mine input { type filter hook input priority 0; }"])
                try await clinic.server.run(["nft", "add rule inet mine input iifname wg0 counter drop"])
                try await clinic.ping("10.8.0.1", from: clinic.client)
                return try await clinic.examine(clinic.server)
            },
        ]

        private static let everything = Clinic.file(
            Clinic.clientInterface, Clinic.office("0.0.0.0/0, ::/0"))

        private static let beyond = [
            Case("forwarding-off-ipv4", "sysctl was set back") { clinic in
                try await clinic.start(client: everything)
                try await clinic.server.run("sysctl -qw net.ipv4.ip_forward=0")
                try await clinic.ping("198.51.100.1", from: clinic.client)
                return try await clinic.examine(clinic.server)
            },
            Case("forwarding-off-ipv6", "sysctl was set back") { clinic in
                try await clinic.start(client: everything)
                try await clinic.server.run("sysctl -qw net.ipv6.conf.all.forwarding=0")
                return try await clinic.examine(clinic.server)
            },
            Case("forwarding-off-ipv4", "the file says nothing, and packets get lost") { clinic in
                let server = Clinic.serverInterface.filter { !$0.hasPrefix("#") }
                try await clinic.start(server: Clinic.file(server, Clinic.laptop), client: everything)
                let ping = try clinic.client.start(["ping", "-n", "-i", "0.1", "-c", "50", "198.51.100.1"])
                let diagnosis = try await clinic.examine(clinic.server)
                await ping.stop()
                return diagnosis
            },
            Case("firewall-drops-forwarded", "Docker's policy") { clinic in
                try await clinic.start(client: everything)
                try await clinic.server.run("iptables -P FORWARD DROP")
                try await clinic.ping("198.51.100.1", from: clinic.client)
                return try await clinic.examine(clinic.server)
            },
            Case("no-masquerade", "the firewall was set anew") { clinic in
                try await clinic.start(client: everything)
                try await clinic.server.run("nft flush ruleset")
                try await clinic.ping("198.51.100.1", from: clinic.client)
                return try await clinic.examine(clinic.server)
            },
            Case("no-masquerade", "the file says nothing, and no answers come") { clinic in
                let server = Clinic.serverInterface.filter { !$0.hasPrefix("#") }
                try await clinic.configure(server: Clinic.file(server, Clinic.laptop), client: everything)
                try await clinic.server.run("sysctl -qw net.ipv4.ip_forward=1")
                try await clinic.server.quick("up")
                try await clinic.client.quick("up")
                try await clinic.ping("198.51.100.1", from: clinic.client)
                return try await clinic.examine(clinic.server)
            },
            Case("dns-outside-tunnel", "the server is on the local network") { clinic in
                try await clinic.start(
                    client: Clinic.file(Clinic.clientInterface + ["DNS = 10.9.1.254"], Clinic.office()))
                return try await clinic.examine(clinic.client)
            },
            Case("dns-overwritten", "a DHCP client has replaced resolv.conf") { clinic in
                try await clinic.start(
                    client: Clinic.file(Clinic.clientInterface + ["DNS = 10.8.0.1"], Clinic.office()))
                try await clinic.client.run(["sh", "-c", "echo nameserver 10.9.1.254 >/etc/resolv.conf"])
                return try await clinic.examine(clinic.client)
            },
        ]

        // MARK: - Nothing wrong

        private static let healthySetUps = [
            Case("", "a server that passes on") { clinic in
                try await clinic.start(client: everything)
                try await clinic.ping("198.51.100.1", from: clinic.client)
                return try await clinic.examine(clinic.server)
            },
            Case("", "a client that sends everything, with a strict reverse path filter") { clinic in
                try await clinic.client.run("sysctl -qw net.ipv4.conf.all.rp_filter=1")
                try await clinic.start(client: everything)
                try await clinic.ping("198.51.100.1", from: clinic.client)
                return try await clinic.examine(clinic.client)
            },
            Case("", "a firewall that knows what it needs") { clinic in
                try await clinic.configure(client: everything)
                let rules = """
                    table inet filter {
                        set friends { type ipv4_addr; flags interval; elements = { 10.9.1.0/24 } }
                        chain input {
                            type filter hook input priority 0; policy drop;
                            ct state vmap { established : accept, related : accept, invalid : drop }
                            meta l4proto { icmp, ipv6-icmp } accept
                            ip saddr @friends udp dport 51820 accept
                            iifname "wg0" jump tunnel
                        }
                        chain tunnel { tcp dport 22 accept; meta l4proto icmp accept; }
                        chain forward {
                            type filter hook forward priority 0; policy drop;
                            ct state established,related accept
                            iifname "wg0" oifname "eth0" accept
                        }
                    }
                    """
                try await clinic.server.run(["nft", "-f", try clinic.lab.write(rules, name: "rules")])
                try await clinic.server.quick("up")
                try await clinic.client.quick("up")
                #expect(try await clinic.answers("198.51.100.1"))
                return try await clinic.examine(clinic.server)
            },
            Case("", "a kill switch") { clinic in
                try await clinic.start(
                    client: Clinic.file(Clinic.clientInterface + ["KillSwitch = on"], Clinic.office("0.0.0.0/0, ::/0")))
                return try await clinic.examine(clinic.client)
            },
            Case("", "set up by hand") { clinic in
                try await clinic.configure()
                try await clinic.server.quick("up")
                let keys = try clinic.lab.write(Clinic.clientKey, name: "key")
                try await clinic.client.run(["rm", "/etc/wireguard/wg0.conf"])
                try await clinic.client.run([try Engine.nightjar.executable(), "run", "wg0"])
                try await clinic.client.run(
                    "wg set wg0 private-key \(keys) peer \(Clinic.serverPublic) endpoint 10.9.2.2:51820 allowed-ips 10.8.0.0/24 persistent-keepalive 25"
                )
                try await clinic.client.run("ip addr add 10.8.0.2/24 dev wg0")
                try await clinic.client.run("ip link set wg0 up")
                #expect(try await clinic.answers("10.8.0.1"))
                return try await clinic.examine(clinic.client)
            },
            Case("", "rules of one's own, by iptables and PostUp") { clinic in
                let server =
                    Clinic.serverInterface.filter { !$0.hasPrefix("#") } + [
                        "PostUp = sysctl -w net.ipv4.ip_forward=1; iptables -A FORWARD -i %i -j ACCEPT; iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE"
                    ]
                try await clinic.start(server: Clinic.file(server, Clinic.laptop), client: everything)
                #expect(try await clinic.answers("198.51.100.1"))
                return try await clinic.examine(clinic.server)
            },
            Case("", "disguised, as 'new' makes it") { clinic in
                let nightjar = try Engine.nightjar.executable()
                try await clinic.server.run("\(nightjar) new server --obfuscation veil")
                try await clinic.server.quick("up")
                try await clinic.server.run("\(nightjar) new peer laptop --out /run/laptop.conf")
                let file = try await clinic.server.run("cat /run/laptop.conf").output
                try await clinic.client.configure(file)
                try await clinic.client.quick("up")
                #expect(try await clinic.answers("198.51.100.1"))
                let server = try await clinic.examine(clinic.server)
                #expect(server.codes == [], "\(server.text)")
                return try await clinic.examine(clinic.client)
            },
            Case("", "everything except a network") { clinic in
                let nightjar = try Engine.nightjar.executable()
                try await clinic.server.configure(Clinic.file(Clinic.serverInterface))
                try await clinic.server.quick("up")
                try await clinic.server.run(
                    "\(nightjar) new peer laptop --endpoint 10.9.2.2 --exclude 10.9.1.0/24 --out /run/laptop.conf")
                try await clinic.client.configure(try await clinic.server.run("cat /run/laptop.conf").output)
                try await clinic.client.quick("up")
                #expect(try await clinic.answers("198.51.100.1"))
                return try await clinic.examine(clinic.client)
            },
            Case("", "a server that nobody has called yet, among other tunnels") { clinic in
                try await clinic.configure(server: Clinic.file(Clinic.serverInterface, Clinic.laptop, Clinic.phone))
                try await clinic.server.quick("up")
                return try await clinic.examine(clinic.server, nil)
            },
        ]
    }
}
