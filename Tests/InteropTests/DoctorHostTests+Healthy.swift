import Testing

extension Interop.DoctorHostTests {
    /// Set-ups in which nothing is wrong.
    static let healthySetUps = [
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
