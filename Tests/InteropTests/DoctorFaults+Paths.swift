extension DoctorFault {
    /// What is wrong on the way between the two machines.
    static let ofPaths: [DoctorFault] = [
        DoctorFault(
            testDescription: "the endpoint's name is gone", code: "endpoint-unresolvable",
            files: { $0.client.peer["Endpoint"] = "vpn.test:51820" },
            act: { bench in
                try await bench.name("10.9.2.2")
                try await bench.up()
                try await bench.name(nil)
                try await bench.server.quick("down")
                try await bench.client.run("ip route del default")
                try await bench.client.run("ip route add 10.9.2.0/24 via 10.9.1.254")
            }),
        DoctorFault(
            testDescription: "the endpoint has moved", code: "endpoint-moved",
            files: { $0.client.peer["Endpoint"] = "vpn.test:51820" },
            act: { bench in
                try await bench.name("10.9.2.77")
                try await bench.up()
                try await bench.name("10.9.2.2")
            }, evidence: "vpn.test:51820 is now 10.9.2.2"),
        DoctorFault(
            testDescription: "another port", code: "port-closed",
            files: { $0.client.peer["Endpoint"] = "10.9.2.2:51821" }, evidence: "nobody listens on 10.9.2.2:51821"),
        DoctorFault(
            testDescription: "the server's interface is down", code: "port-closed",
            act: { bench in
                try await bench.up()
                try await bench.server.quick("down")
            }),
        DoctorFault(
            testDescription: "UDP is dropped on the way", code: "udp-blocked",
            act: { bench in
                try await bench.block("meta l4proto udp drop")
                try await bench.up()
            }, evidence: "answers ICMP echo"),
        DoctorFault(
            testDescription: "UDP is refused on the way", code: "udp-blocked",
            act: { bench in
                try await bench.block("meta l4proto udp reject with icmpx type admin-prohibited")
                try await bench.up()
            }, evidence: "a firewall on 10.9.1.254 refuses"),
        DoctorFault(
            testDescription: "all is dropped on the way", code: "no-answer",
            act: { bench in
                try await bench.block("ip daddr 10.9.2.2 drop")
                try await bench.up()
            }, evidence: "not even ICMP"),
        DoctorFault(
            testDescription: "there is no such machine", code: "endpoint-unroutable",
            files: { $0.client.peer["Endpoint"] = "10.9.2.77:51820" }, evidence: "host unreachable"),
        DoctorFault(
            testDescription: "there is no route", code: "endpoint-unroutable",
            act: { bench in
                try await bench.up()
                try await bench.client.run("ip route del default")
            }),
        DoctorFault(
            testDescription: "the endpoint is inside the tunnel", code: "endpoint-in-tunnel",
            files: { $0.client.peer["AllowedIPs"] = "10.77.0.0/24, 10.9.2.0/24" }),
        DoctorFault(
            testDescription: "the server's answers are dropped on the way", code: "one-direction", side: .server,
            act: { bench in
                try await bench.block("udp sport 51820 drop")
                try await bench.up()
                try await bench.expectCalls(2)
            }),
    ]
}

extension DoctorBench {
    /// Has the router's firewall do something with what it passes on.
    func block(_ rule: String) async throws {
        try await router.run(["nft", "add table inet test"])
        try await router.run(["nft", "add chain inet test forward { type filter hook forward priority 0 ; }"])
        try await router.run(["nft", "add rule inet test forward \(rule)"])
    }

    /// What the name vpn.test leads to at the client.
    func name(_ address: String?) async throws {
        let line = address.map { "\($0) vpn.test\n" } ?? ""
        let file = try lab.write("127.0.0.1 localhost\n\(line)", name: "hosts")
        try await client.run("cp \(file) /etc/hosts")
    }

    /// Waits until the server has heard calls that came to nothing.
    func expectCalls(_ count: Int) async throws {
        let isThere = try await eventually(within: .seconds(15)) {
            let bytes = try await server.run("wg show wg0 transfer").output.split(separator: "\t")
            return bytes.count > 1 && (Int(bytes[1]) ?? 0) >= count * 148
        }
        guard isThere else { throw Failure("the client doesn't call") }
    }
}
