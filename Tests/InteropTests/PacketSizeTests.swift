import Testing

extension Interop {
    @Suite struct PacketSizeTests {
        /// 28 bytes of headers around an IPv4 payload, 48 around one of IPv6.
        static func sizes(_ mtu: Int, _ family: Family) -> ClosedRange<Int> {
            0...(mtu - (family == .ipv4 ? 28 : 48))
        }

        /// The wire is as narrow as the tunnel allows, so padding beyond the MTU would show as fragments.
        @Test(arguments: Pairing.all, [1280, 1420, 9000])
        func everySizeComesBackUnchanged(_ pairing: Pairing, _ mtu: Int) async throws {
            try await Tunnel.with(pairing, .init(mtu: mtu, wireMTU: mtu + 60, load: .heavy)) { tunnel in
                try #require(try await tunnel.client.namespace.ping(tunnel.server.ipv4).received == 3)
                for family in Family.allCases {
                    let report = try await tunnel.echo(Self.sizes(mtu, family), family)
                    #expect(report.bad.isEmpty)
                    #expect(report.missing.isEmpty, "\(report.missingCount) sizes are missing")
                }
                for namespace in [tunnel.client.namespace, tunnel.server.namespace] {
                    #expect(try await namespace.counter("IpFragCreates") == 0)
                }
            }
        }

        @Test(arguments: Pairing.all)
        func mtuChangesWhileRunning(_ pairing: Pairing) async throws {
            try await Tunnel.with(pairing, .init(wireMTU: 9100, load: .heavy)) { tunnel in
                let (client, server) = (tunnel.client, tunnel.server)
                for mtu in [1420, 9000, 1280, 1500] {
                    for host in [client, server] {
                        try await host.namespace.ip("link set \(host.interface) mtu \(mtu)")
                    }
                    for family in Family.allCases {
                        let largest = Self.sizes(mtu, family).upperBound
                        let report = try await tunnel.echo(largest - 40...largest, family)
                        #expect(report.bad.isEmpty && report.missing.isEmpty, "MTU \(mtu): \(report)")
                    }
                    let ends = try await tunnel.transfer(bytes: 1_000_000)
                    #expect(ends.sent == ends.received)
                }
            }
        }
    }
}
