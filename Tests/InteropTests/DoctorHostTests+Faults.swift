import Glibc
import Testing

/// Faults of machines, files and interfaces.
extension Interop.DoctorHostTests {
    static let machine = [
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

    static let files = [
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

    static let interfaces = [
        Case("interface-not-up", "nobody has brought it up") { clinic in
            try await clinic.configure()
            return try await clinic.examine(clinic.server, nil)
        },
        Case("interface-left-behind", "the daemon was killed") { clinic in
            try await clinic.start()
            try await clinic.client.crash()
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
}
