extension DoctorFault {
    /// Handshakes pass, and something else doesn't.
    static let ofTunnels: [DoctorFault] = [
        DoctorFault(
            testDescription: "data is dropped on the way", code: "data-dies",
            act: { bench in
                // What isn't a handshake begins with a 4.
                try await bench.block("meta l4proto udp @th,64,8 4 drop")
                try await bench.up()
            }),
        DoctorFault(
            testDescription: "data to the client is dropped on the way", code: "data-dies",
            act: { bench in
                try await bench.block("udp sport 51820 @th,64,8 4 drop")
                try await bench.up()
            }),
        DoctorFault(
            testDescription: "large packets are dropped on the way", code: "mtu-too-large",
            act: { bench in
                try await bench.block("meta l4proto udp meta length > 1300 drop")
                try await bench.up()
            }, evidence: "larger ones up to 1420 aren't"),
        DoctorFault(
            testDescription: "the MTU doesn't fit the way", code: "mtu-too-large",
            files: { $0.client.interface["MTU"] = "1420" },
            act: { bench in
                for side in [bench.client.site.namespace, bench.router] { try await side.ip("link set eth0 mtu 1400") }
                try await bench.up()
            }, evidence: "carries packets of 1400 bytes"),
        DoctorFault(
            testDescription: "a client that is to be called has no keepalive", code: "no-keepalive",
            files: {
                $0.client.interface["ListenPort"] = "51820"
                $0.client.peer["Endpoint"] = "198.51.100.2:51820"
                $0.client.peer["PersistentKeepalive"] = nil
            }),
        DoctorFault(
            testDescription: "a router has forgotten the client", code: "no-keepalive", side: .server,
            files: { $0.client.peer["PersistentKeepalive"] = nil },
            act: { bench in
                try await bench.translate()
                try await bench.router.sysctl(
                    "netfilter.nf_conntrack_udp_timeout=1", "netfilter.nf_conntrack_udp_timeout_stream=1")
                try await bench.connect()
                // Nobody answers, so the client sends nothing after that by itself.
                try await bench.knock(.client, "10.77.0.99")
                try await Task.sleep(for: .seconds(6))
                try await bench.knock(.server, "10.77.0.2")
            }, evidence: "nobody listens"),
        DoctorFault(
            testDescription: "the client has another address", code: "source-not-allowed", side: .server,
            files: { $0.client.interface["Address"] = "10.77.0.9/32, fd77::9/128" },
            act: { bench in
                try await bench.up()
                try await bench.knock(.client, "10.77.0.1", count: 3)
            }, evidence: "10.77.0.9"),
    ]
}
