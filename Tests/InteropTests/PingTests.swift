import Testing

extension Interop {
    /// `nightjar ping`, and which layer it names.
    @Suite(.disabled(if: Engine.isReferenceUnderTest, "wireguard-go has no ping"))
    struct PingTests {
        private func lines(_ result: CommandResult) -> [String: String] {
            // "  handshake  ok      answered in 4.3 ms"
            var found: [String: String] = [:]
            for line in result.output.split(separator: "\n") where line.hasPrefix("  ") {
                let words = line.split(separator: " ", omittingEmptySubsequences: true)
                if words.count > 1, ["name", "route", "UDP", "handshake", "echo"].contains(words[0]) {
                    found[String(words[0])] = String(words[1])
                }
            }
            return found
        }

        @Test func allLayersAnswer() async throws {
            try await DoctorBench.with { bench in
                bench.files.client.peer["Endpoint"] = "vpn.test:51820"
                try await bench.name("10.9.2.2")
                try await bench.up()
                let works = ["name": "ok", "route": "ok", "UDP": "ok", "handshake": "ok", "echo": "ok"]
                for argument in ["office", "wg0", "OFFICE", "10.77.0.1", "vpn.test"] {
                    let result = try await bench.nightjar(.client, "ping \(argument) --count 2")
                    #expect(lines(result) == works, "\(result.output)")
                    #expect(result.output.contains("2 of 2 answered through the tunnel"), "\(result.output)")
                }
                let back = try await bench.nightjar(.server, "ping laptop -c 1")
                #expect(back.output.hasPrefix("laptop ("), "\(back.output)")
                #expect(back.output.contains("10.77.0.2 in "), "\(back.output)")
            }
        }

        /// A client that sends everything knows no address of the server's; who passes packets on can be asked anyway.
        @Test func aPeerWithoutAnAddress() async throws {
            try await DoctorBench.with { bench in
                bench.files.server.interface["Address"] = "10.77.0.77/24"
                bench.files.server.interface["# Forwarding"] = "on"
                bench.files.client.interface["Address"] = "10.77.0.2/32"
                bench.files.client.peer["AllowedIPs"] = "0.0.0.0/0"
                try await bench.up()
                let result = try await bench.nightjar(.client, "ping office -c 1")
                #expect(result.output.contains("10.77.0.77 in "), "\(result.output)")
            }
        }

        @Test func nobodyListens() async throws {
            try await DoctorBench.with { bench in
                bench.files.client.peer["Endpoint"] = "10.9.2.2:51821"
                try await bench.up(.client)
                let result = try await bench.nightjar(.client, "ping office", mayFail: true)
                #expect(result.status == 1)
                #expect(lines(result) == ["route": "ok", "UDP": "failed", "handshake": "failed"], "\(result.output)")
                #expect(result.output.contains("nobody listens on 10.9.2.2:51821"), "\(result.output)")
            }
        }

        @Test func dataDies() async throws {
            try await DoctorBench.with { bench in
                try await bench.block("meta l4proto udp @th,64,8 4 drop")
                try await bench.up()
                let result = try await bench.nightjar(.client, "ping office", mayFail: true)
                #expect(result.status == 1)
                let expected = ["route": "ok", "UDP": "ok", "handshake": "ok", "echo": "failed"]
                #expect(lines(result) == expected, "\(result.output)")
            }
        }

        @Test func keysDiffer() async throws {
            try await DoctorBench.with { bench in
                bench.files.client.peer["PresharedKey"] = DoctorFault.anotherKey
                try await bench.up()
                let result = try await bench.nightjar(.client, "ping office", mayFail: true)
                #expect(result.status == 1)
                #expect(result.output.contains("the preshared keys differ"), "\(result.output)")
                let unknown = try await bench.nightjar(.client, "ping nobody", mayFail: true)
                #expect(unknown.status == 2)
                #expect(unknown.errors.contains("there is office"), "\(unknown.errors)")
            }
        }

        /// What other programs serve can't be told to call, but does with the first packet.
        @Test func throughWireguardGo() async throws {
            try await DoctorBench.with { bench in
                try await bench.up(.server)
                try await bench.client.configure(bench.files.client.text)
                let variables = ["WG_QUICK_USERSPACE_IMPLEMENTATION": try Tool.path("wireguard-go")]
                let program = try Engine.nightjar.executable()
                try await bench.client.run([program, "up", "wg0"], environment: variables)
                let result = try await bench.nightjar(.client, "ping office -c 1")
                #expect(result.output.contains("1 of 1 answered through the tunnel"), "\(result.output)")
            }
        }
    }
}
