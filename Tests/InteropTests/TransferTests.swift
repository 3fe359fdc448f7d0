import Foundation
import Testing

extension Interop {
    @Suite struct TransferTests {
        /// Bytes in each direction; NIGHTJAR_INTEROP_MEGABYTES makes it less than what is due for an optimised build.
        static let large: Int = {
            let given = ProcessInfo.processInfo.environment["NIGHTJAR_INTEROP_MEGABYTES"].flatMap { Int($0) }
            return (given ?? (Engine.isOptimised ? 1000 : 32)) * 1_000_000 / 2
        }()

        @Test func largeTransferBothWays() async throws {
            try await Tunnel.with(.toReference, .init(load: .heavy, environment: ["LOG_LEVEL": "error"])) { tunnel in
                for fromServer in [false, true] {
                    let ends = try await tunnel.transfer(bytes: Self.large, fromServer: fromServer)
                    #expect(ends.sent.bytes == Self.large)
                    #expect(ends.received == ends.sent)
                }
            }
        }

        @Test(arguments: Pairing.all)
        func transferOverIPv6(_ pairing: Pairing) async throws {
            let bytes = Self.large / 16
            let plan = Tunnel.Plan(outside: .ipv6, load: .heavy, environment: ["LOG_LEVEL": "error"])
            try await Tunnel.with(pairing, plan) { tunnel in
                for fromServer in [false, true] {
                    let ends = try await tunnel.transfer(bytes: bytes, .ipv6, fromServer: fromServer)
                    #expect(ends.sent.bytes == bytes)
                    #expect(ends.received == ends.sent)
                }
            }
        }

        @Test func manyStreamsBothWaysThroughABridge() async throws {
            let plan = Tunnel.Plan(join: .bridge, load: .heavy, environment: ["LOG_LEVEL": "error"])
            try await Tunnel.with(.toReference, plan) { tunnel in
                for family in Family.allCases {
                    let report = try await tunnel.throughput(family, seconds: 2, ["--bidir", "-P", "4"])
                    #expect(report.forward > 1_000_000)
                    #expect(report.reverse > 1_000_000)
                }
            }
        }

        /// The kernel then refuses UDP segmentation on the way out, and gives packets whose checksums aren't done yet.
        @Test(arguments: Pairing.all)
        func wireWithoutOffloads(_ pairing: Pairing) async throws {
            try await Tunnel.with(pairing, .init(load: .heavy)) { tunnel in
                for site in [tunnel.wire.client, tunnel.wire.server] {
                    try await site.namespace.run("ethtool -K eth0 tx off rx off sg off tso off gso off gro off")
                }
                for (family, fromServer) in [(Family.ipv4, false), (.ipv6, true)] {
                    let bytes = min(Self.large, 20_000_000)
                    let ends = try await tunnel.transfer(bytes: bytes, family, fromServer: fromServer)
                    #expect(ends.sent.bytes == bytes)
                    #expect(ends.received == ends.sent)
                }
            }
        }

        /// Without an offload, packets take the way that they take on a kernel which doesn't have it.
        @Test(arguments: [
            "tun-offload", "tun-tcp", "tun-udp", "udp-gso", "udp-gro", "tun-offload,udp-gso,udp-gro",
        ])
        func offloadsSwitchedOffByHand(_ features: String) async throws {
            let plan = Tunnel.Plan(load: .heavy, environment: ["NIGHTJAR_DISABLE": features, "LOG_LEVEL": "error"])
            try await Tunnel.with(.nightjars, plan) { tunnel in
                for (family, fromServer) in [(Family.ipv4, false), (.ipv6, true)] {
                    let bytes = min(Self.large, 20_000_000)
                    let ends = try await tunnel.transfer(bytes: bytes, family, fromServer: fromServer)
                    #expect(ends.sent.bytes == bytes)
                    #expect(ends.received == ends.sent)
                }
            }
        }

        /// Offloads go away under a running session.
        @Test(arguments: Pairing.mixed)
        func offloadsSwitchedOffWhileRunning(_ pairing: Pairing) async throws {
            try await Tunnel.with(pairing, .init(load: .heavy)) { tunnel in
                let bytes = min(Self.large, 10_000_000)
                for offload in ["on", "off", "on"] {
                    for site in [tunnel.wire.client, tunnel.wire.server] {
                        try await site.namespace.run("ethtool -K eth0 tx \(offload)")
                    }
                    for fromServer in [false, true] {
                        let ends = try await tunnel.transfer(bytes: bytes, fromServer: fromServer)
                        #expect(ends.received == ends.sent, "tx \(offload)")
                    }
                }
            }
        }
    }
}
