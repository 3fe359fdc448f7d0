import Control
import Foundation
import Quick
import Testing
import Wire

@testable import Setup

@Suite struct AllowedIPsTests {
    private func made(
        _ desk: Desk, found: [String] = ["203.0.113.5"], _ change: (inout NewPeer) -> Void
    ) throws -> (client: ConfigurationFile, notes: [String]) {
        var peer = NewPeer(name: "peer", now: 0)
        change(&peer)
        let edit = try desk.edit()
        let plan = try peer.plan(edit, desk.random) { name in
            guard !found.isEmpty else { throw QuickError("no such name") }
            return found.compactMap { IPAddress($0) }
        }
        let outcome = try NewPeer.commit(plan, edit)
        try desk.change(.remove, "peer")
        return (try ConfigurationFile(parsing: outcome.file, name: "", dialect: .quick), outcome.notes)
    }

    private func sent(_ client: ConfigurationFile) -> [Prefix] { client.peers.flatMap(\.prefixes) }

    @Test func everythingExceptANetwork() throws {
        let desk = try Desk()
        try desk.write(Desk.server)
        let (client, notes) = try made(desk) { $0.excluded = prefixes("192.168.0.0/16") }
        let allowed = sent(client)
        func leads(_ text: String) -> Bool {
            let address = IPAddress(text).flatMap { Prefix($0, length: $0.bitCount) }
            return allowed.contains { prefix in address.map { prefix.holds($0) } ?? false }
        }
        #expect(notes == [])
        #expect(leads("1.1.1.1") && leads("192.167.255.255") && leads("192.169.0.0") && leads("2001:db8::1"))
        #expect(!leads("192.168.0.0") && !leads("192.168.255.255"))
        #expect(!leads("203.0.113.5"), "the server itself isn't reached through its own tunnel")
        #expect(leads("203.0.113.4") && leads("203.0.113.6"))
        #expect(allowed.subtracting([]) == allowed)
    }

    @Test func theTunnelsOwnNetworksAreAlwaysIn() throws {
        let desk = try Desk()
        try desk.write(Desk.server)
        let (client, _) = try made(desk) { $0.excluded = prefixes("10.0.0.0/8", "fc00::/7") }
        let allowed = sent(client)
        #expect(
            allowed.contains { $0.holds(Prefix("10.8.0.0/24")!) } && allowed.contains { $0.holds(Prefix("fd08::/64")!) }
        )
        #expect(!allowed.contains { $0.overlaps(Prefix("10.9.0.0/16")!) })
        let (own, _) = try made(desk) { $0.allowedIPs = [] }
        #expect(sent(own) == prefixes("10.8.0.0/24", "fd08::/64"))
    }

    @Test func aServerThatIsNotFoundIsToldOf() throws {
        let desk = try Desk()
        try desk.write(Desk.server)
        let (_, notes) = try made(desk, found: []) { $0.excluded = prefixes("192.168.0.0/16") }
        #expect(notes.count == 1 && notes[0].contains("--exclude"))
        let (all, none) = try made(desk, found: []) { _ in }
        #expect(sent(all) == prefixes("0.0.0.0/0", "::/0") && none == [])
    }

    @Test func nameServersThatTheTunnelLeadsTo() throws {
        let desk = try Desk()
        try desk.write(
            Desk.server.replacingOccurrences(
                of: "# Forwarding", with: "# ClientDNS = 192.168.1.1, 9.9.9.9\n# Forwarding"))
        let (all, _) = try made(desk) { _ in }
        #expect(all.interface.dns.map { "\($0)" } == ["192.168.1.1", "9.9.9.9"])
        let (some, notes) = try made(desk) { $0.excluded = prefixes("192.168.0.0/16") }
        #expect(some.interface.dns.map { "\($0)" } == ["9.9.9.9"])
        #expect(notes.count == 1 && notes[0].contains("192.168.1.1"))
    }
}
