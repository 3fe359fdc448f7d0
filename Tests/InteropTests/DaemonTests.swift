import Foundation
import Glibc
import Testing

extension Interop {
    /// How the daemon begins and ends.
    @Suite struct DaemonTests {
        @Test(.beyondReference("wireguard-go leaves the mode at 0700"))
        func onlyTheOwnerReachesTheSocket() async throws {
            try await Interop.withHost { host in
                let attributes = try FileManager.default.attributesOfItem(atPath: host.socketPath)
                #expect(attributes[.posixPermissions] as? Int == 0o600)
                #expect(attributes[.type] as? FileAttributeType == .typeSocket)
            }
        }

        @Test(arguments: [SIGTERM, SIGINT])
        func endsOnASignal(_ number: Int32) async throws {
            try await Interop.withHost { host in
                try await host.setDevice()
                try await host.bringUp()
                #expect(try await host.stop(signal: number) == 0)
                try await expectGone(host)
            }
        }

        @Test func endsWhenItsSocketIsRemoved() async throws {
            try await Interop.withHost { host in
                #expect(unlink(host.socketPath) == 0)
                #expect(try await host.daemon?.end(within: .seconds(5)) == 0)
                try await expectGone(host)
            }
        }

        @Test(arguments: [false, true])
        func endsWhenItsInterfaceIsRemoved(_ isUp: Bool) async throws {
            try await Interop.withHost { host in
                if isUp { try await host.bringUp() }
                try await host.namespace.ip("link del \(host.interface)")
                #expect(try await host.daemon?.end(within: .seconds(5)) == 0)
                try await expectGone(host)
            }
        }

        @Test func staleSocketIsReplaced() async throws {
            try await Interop.withHost { host in
                host.crash()
                // Stock `wg`, which other tests run meanwhile, removes what is stale.
                let isStale = try await eventually(within: .seconds(60)) {
                    if access(host.socketPath, F_OK) == 0 { return true }
                    try await host.start()
                    host.crash()
                    return false
                }
                try #require(isStale)
                try await host.start()
                #expect(try await host.status().peers.isEmpty)
            }
        }

        /// In the same namespace the name of the link is taken, in another one only that of the socket.
        @Test(arguments: [false, true], [false, true])
        func liveSocketIsRefused(_ elsewhere: Bool, _ foreground: Bool) async throws {
            try await Interop.withHost { host in
                try await host.setDevice()
                let namespace = elsewhere ? try await host.lab.namespace("elsewhere") : host.namespace
                let words = [try Engine.nightjar.executable()] + (foreground ? ["-f"] : []) + [host.interface]
                let result = try await namespace.run(words, environment: ["LOG_LEVEL": "error"], mayFail: true)
                #expect(result.status == 1)
                #expect((result.output + result.errors).contains(host.interface), "\(result)")
                #expect(try await host.status().publicKey == host.publicKey, "the first daemon goes on")
                #expect(try await host.namespace.hasLink(host.interface))
                if elsewhere { #expect(try await !namespace.hasLink(host.interface)) }
            }
        }

        private func expectGone(_ host: WireGuardHost) async throws {
            #expect(access(host.socketPath, F_OK) != 0)
            #expect(try await !host.namespace.hasLink(host.interface))
        }
    }
}
