import NoisePrimitives
import TestKit
import Testing
import Wire

@testable import Tunnel

@Suite("Allowed IPs trie")
struct AllowedIPsTrieTests {
    private final class Owner {}
    private typealias Key = AllowedIPsTrie<Owner>.Key

    /// The same by trying every length.
    private struct SlowModel {
        private(set) var owners: [Prefix: Owner] = [:]
        /// In an order that is the same in each run.
        private(set) var prefixes: [Prefix] = []

        func lookup(_ address: IPAddress) -> Owner? {
            (0...address.bitCount).reversed().lazy.compactMap { owners[Prefix(address, length: $0)!] }.first
        }

        mutating func insert(_ prefix: Prefix, _ owner: Owner) {
            if owners.updateValue(owner, forKey: prefix) == nil { prefixes.append(prefix) }
        }

        mutating func remove(_ prefix: Prefix) {
            owners[prefix] = nil
            prefixes.removeAll { $0 == prefix }
        }
    }

    @Test("20 000 seeded operations against a slow model", arguments: [false, true])
    func againstModel(isIPv6: Bool) throws {
        let random = SeededRandom(seed: isIPv6 ? 6 : 4)
        let owners = (0..<5).map { _ in Owner() }
        var trie = AllowedIPsTrie<Owner>()
        var model = SlowModel()
        var mostNodes = 0
        for step in 0..<20_000 {
            let prefix = Self.randomPrefix(isIPv6, random)
            let key = Key(prefix.address)
            let owner = owners[Int(random.below(5))]
            // Grows, shrinks and grows again.
            let inserts = (step / 2000).isMultiple(of: 2) ? 6 : 2
            switch Int(random.below(10)) {
            case ..<inserts:
                let former = trie.insert(key, length: prefix.length, owner)
                #expect(former === model.owners[prefix])
                model.insert(prefix, owner)
            case ..<8:
                let victim = random.chance(0.8) ? model.prefixes.element(random) ?? prefix : prefix
                let isOwned = model.owners[victim] === owner
                let removed = trie.remove(Key(victim.address), length: victim.length, of: owner)
                #expect(removed == isOwned)
                if isOwned { model.remove(victim) }
            default:
                let probe = Self.randomAddress(isIPv6, random)
                let found = trie.lookup(Key(probe))
                #expect(found === model.lookup(probe))
            }
            let (count, nodeCount) = (trie.count, trie.nodeCount)
            #expect(count == model.owners.count)
            #expect(nodeCount < max(2 * count, 1))
            mostNodes = max(mostNodes, nodeCount)
        }
        #expect(mostNodes > 100)
        for (prefix, owner) in model.owners {
            let removed = trie.remove(Key(prefix.address), length: prefix.length, of: owner)
            #expect(removed)
        }
        let (count, nodeCount) = (trie.count, trie.nodeCount)
        #expect(count == 0)
        #expect(nodeCount == 0)
        let nobody = trie.lookup(Key(Self.randomAddress(isIPv6, random)))
        #expect(nobody == nil)
    }

    @Test("From everything to one address", arguments: [("0.0.0.0/0", "10.1.2.3/32"), ("::/0", "2001:db8::1/128")])
    func extremes(_ all: String, _ one: String) {
        let (everyone, single) = (Owner(), Owner())
        var trie = AllowedIPsTrie<Owner>()
        let (allPrefix, onePrefix) = (prefix(all), prefix(one))
        let oneKey = Key(onePrefix.address)
        trie.insert(Key(allPrefix.address), length: 0, everyone)
        trie.insert(oneKey, length: onePrefix.length, single)
        let neighbour = onePrefix.address.isIPv6 ? address("2001:db8::2") : address("10.1.2.2")
        let last = onePrefix.address.isIPv6 ? String(repeating: "ffff:", count: 7) + "ffff" : "255.255.255.255"
        let found = [trie.lookup(oneKey), trie.lookup(Key(neighbour)), trie.lookup(Key(address(last)))]
        #expect(found[0] === single)
        #expect(found[1] === everyone)
        #expect(found[2] === everyone)
        let removals = [everyone, single].map { trie.remove(oneKey, length: onePrefix.length, of: $0) }
        #expect(removals == [false, true])
        let rest = trie.lookup(oneKey)
        #expect(rest === everyone)
    }

    /// Few distinct bits, so that prefixes nest and meet often.
    private static func randomAddress(_ isIPv6: Bool, _ random: SeededRandom) -> IPAddress {
        let bits = random.next() & random.next()
        guard isIPv6 else { return .v4(IPv4Address(0x0a00_0000 | UInt32(truncatingIfNeeded: bits) & 0xc0f0_0f0f)) }
        return .v6(
            IPv6Address(high: 0xfd00 << 48 | bits & 0x8000_00f0_000f_0003, low: random.next() & random.next() & 0x7))
    }

    private static func randomPrefix(_ isIPv6: Bool, _ random: SeededRandom) -> Prefix {
        let bitCount: UInt64 = isIPv6 ? 128 : 32
        let length = random.chance(0.2) ? (random.chance(0.9) ? bitCount : 0) : random.below(bitCount + 1)
        return Prefix(randomAddress(isIPv6, random), length: Int(length))!
    }
}

extension Array {
    fileprivate func element(_ random: SeededRandom) -> Element? {
        isEmpty ? nil : self[Int(random.below(UInt64(count)))]
    }
}
