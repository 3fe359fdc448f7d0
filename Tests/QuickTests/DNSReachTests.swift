import Testing
import Wire

@testable import Quick

@Suite struct DNSReachTests {
    private func warning(_ servers: [String], _ prefixes: [String]) -> String? {
        DNSReach.warning(servers.map(address), allowedIPs: prefixes.compactMap { Prefix($0) })
    }

    @Test(arguments: [
        (["10.0.0.1"], ["0.0.0.0/0"]), (["10.0.0.1", "fd00::1"], ["0.0.0.0/1", "::/0"]),
        (["10.0.0.1"], ["192.168.0.0/16", "10.0.0.1/32"]), (["127.0.0.1", "::1"], []), ([], []),
    ])
    func reached(_ servers: [String], _ prefixes: [String]) {
        #expect(warning(servers, prefixes) == nil)
    }

    @Test func outside() throws {
        let one = try #require(warning(["10.0.0.1", "8.8.8.8"], ["10.0.0.0/8", "::/0"]))
        #expect(one.hasPrefix("the DNS server 8.8.8.8 is in no peer's AllowedIPs"))
        #expect(one.contains("add 8.8.8.8/32 "))
        let both = try #require(warning(["8.8.8.8", "2001:db8::1"], ["10.0.0.0/8", "0.0.0.0/1", "fd00::/8"]))
        #expect(both.hasPrefix("the DNS server 2001:db8::1 is"))
        let none = try #require(warning(["8.8.8.8", "2001:db8::1"], []))
        #expect(none.contains("servers 8.8.8.8, 2001:db8::1 are"))
    }

    @Test func familiesDoNotMix() {
        #expect(warning(["10.0.0.1"], ["::/0"]) != nil)
        #expect(warning(["fd00::1"], ["0.0.0.0/0"]) != nil)
    }
}
