import TestKit
import Testing
import Tunnel
import Wire

@Suite("Rate limiter")
struct RateLimiterTests {
    @Test("The kernel's self-test: five at once, then twenty a second", arguments: ["192.0.2.1", "2001:db8::1"])
    func kernelSelfTest(_ text: String) {
        let tested = address(text)
        var limiter = RateLimiter()
        var now = SimulatedClock().instant
        func allows(_ source: IPAddress) -> Bool { limiter.allows(source, now: now) }
        let steps: [(pause: UInt64, isAllowed: Bool)] = [
            (0, true), (0, true), (0, true), (0, true), (0, true), (0, false), (50, true), (0, false), (100, true),
            (0, true), (0, false),
        ]
        for (position, step) in steps.enumerated() {
            now = now + .milliseconds(step.pause)
            #expect(allows(tested) == step.isAllowed, "step \(position)")
        }
    }

    @Test func sourcesDontShare() {
        var limiter = RateLimiter()
        let now = SimulatedClock().instant
        func allows(_ source: IPAddress) -> Bool { limiter.allows(source, now: now) }
        for _ in 0..<6 { _ = allows(address("192.0.2.1")) }
        #expect(!allows(address("192.0.2.1")))
        #expect(allows(address("192.0.2.2")))
    }

    @Test("A /64 is one source")
    func prefix64() {
        var limiter = RateLimiter()
        let now = SimulatedClock().instant
        func allows(_ source: IPAddress) -> Bool { limiter.allows(source, now: now) }
        for host in 0..<5 { #expect(allows(address("2001:db8:0:1::\(host)"))) }
        #expect(!allows(address("2001:db8:0:1:ffff::")))
        #expect(allows(address("2001:db8:0:2::1")))
        #expect(limiter.count == 2)
    }

    @Test("A full table refuses new sources and forgets idle ones")
    func bounded() {
        var limiter = RateLimiter(maximumSources: 100)
        var now = SimulatedClock().instant
        func allows(_ source: IPAddress) -> Bool { limiter.allows(source, now: now) }
        for host in 0..<1000 {
            #expect(allows(.v4(IPv4Address(0x0a00_0000 + UInt32(host)))) == (host < 100))
        }
        #expect(limiter.count == 100)
        now = now + .milliseconds(999)
        #expect(allows(.v4(IPv4Address(0x0a00_0000))))
        now = now + .milliseconds(1001)
        #expect(allows(.v4(IPv4Address(0x0b00_0000))))
        #expect(limiter.count <= 2)
    }
}
