import Foundation
import Glibc
import Testing

/// Faults on the ways to peers and beyond them.
extension Interop.DoctorHostTests {
    static let ways = [
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

    static let everything = Clinic.file(
        Clinic.clientInterface, Clinic.office("0.0.0.0/0, ::/0"))

    static let beyond = [
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
}
