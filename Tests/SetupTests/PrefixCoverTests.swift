import NoisePrimitives
import TestKit
import Testing
import Wire

@testable import Setup

@Suite struct PrefixCoverTests {
    @Test func everythingExcept() {
        let everything = prefixes("0.0.0.0/0", "::/0")
        #expect(everything.subtracting([]) == everything)
        #expect(
            everything.subtracting(prefixes("128.0.0.0/2")).map { "\($0)" } == ["0.0.0.0/1", "192.0.0.0/2", "::/0"])
        #expect(everything.subtracting(prefixes("0.0.0.0/0")) == prefixes("::/0"))
        let home = everything.subtracting(prefixes("192.168.0.0/16", "fc00::/7"))
        // One prefix for each bit of the hole.
        #expect(home.count == 16 + 7)
        #expect(everything.subtracting(prefixes("203.0.113.7/32")).count == 32 + 1)
        #expect(everything.subtracting(prefixes("2001:db8::1/128")).count == 1 + 128)
    }

    @Test func neighboursAreJoined() {
        #expect(prefixes("10.0.0.0/25", "10.0.0.128/25", "10.0.1.0/24").subtracting([]) == prefixes("10.0.0.0/23"))
        #expect(prefixes("10.0.0.0/8", "10.1.0.0/16").subtracting([]) == prefixes("10.0.0.0/8"))
        #expect(prefixes("::/1", "8000::/1").subtracting([]) == prefixes("::/0"))
        #expect(prefixes("10.0.0.0/24").subtracting(prefixes("11.0.0.0/8")) == prefixes("10.0.0.0/24"))
    }

    /// In a small world every address can be looked at, and the number of prefixes compared with the fewest possible.
    @Test func agreesWithAWorldOfSixBits() throws {
        let random = SeededRandom(seed: 11)
        for _ in 0..<500 {
            let wanted = (0..<(1 + random.below(4))).map { _ in small(random) }
            let holes = (0..<random.below(4)).map { _ in small(random) }
            let result = wanted.subtracting(holes)
            var members = Set<UInt32>()
            for number in 0..<64 as Range<UInt32> {
                guard let address = Prefix(.v4(IPv4Address(10 << 24 | number)), length: 32) else { continue }
                let isIn = wanted.contains { $0.holds(address) } && !holes.contains { $0.holds(address) }
                #expect(result.filter { $0.holds(address) }.count == (isIn ? 1 : 0))
                if isIn { members.insert(number) }
            }
            #expect(result.count == fewest(members, 0, 64))
        }
    }

    private func small(_ random: SeededRandom) -> Prefix {
        let address = IPAddress.v4(IPv4Address(10 << 24 | UInt32(random.below(64))))
        return Prefix(address, length: 26 + Int(random.below(7))) ?? Prefix("10.0.0.0/26")!
    }

    private func fewest(_ members: Set<UInt32>, _ start: UInt32, _ size: UInt32) -> Int {
        let inside = members.filter { (start..<(start + size)).contains($0) }.count
        if inside == 0 { return 0 }
        if inside == Int(size) { return 1 }
        return fewest(members, start, size / 2) + fewest(members, start + size / 2, size / 2)
    }
}
