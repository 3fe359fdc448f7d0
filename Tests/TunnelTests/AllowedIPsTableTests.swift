import NoisePrimitives
import TestKit
import Testing
import Wire

@testable import Tunnel

@Suite("Allowed IPs table")
struct AllowedIPsTableTests {
    private final class Owner {}

    /// The tables of both families behind one name.
    private struct Table: ~Copyable {
        private var v4 = AllowedIPsTable<UInt32, Owner>()
        private var v6 = AllowedIPsTable<UInt128, Owner>()

        var count: Int { v4.count + v6.count }
        var capacity: Int { v4.capacity + v6.capacity }

        func lookup(_ address: IPAddress) -> Owner? {
            switch address {
            case .v4(let address): v4.lookup(address.value)
            case .v6(let address): v6.lookup(address.bits)
            }
        }

        @discardableResult
        mutating func insert(_ prefix: Prefix, _ owner: Owner) -> Owner? {
            switch prefix.address {
            case .v4(let address): v4.insert(address.value, length: prefix.length, owner)
            case .v6(let address): v6.insert(address.bits, length: prefix.length, owner)
            }
        }

        mutating func remove(_ prefix: Prefix, of owner: Owner) -> Bool {
            switch prefix.address {
            case .v4(let address): v4.remove(address.value, length: prefix.length, of: owner)
            case .v6(let address): v6.remove(address.bits, length: prefix.length, of: owner)
            }
        }
    }

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

    @Test("20 000 seeded operations against a slow model", arguments: [false, true], [false, true])
    func againstModel(isIPv6: Bool, hasManyLengths: Bool) throws {
        let random = SeededRandom(seed: isIPv6 ? 6 : 4)
        let owners = (0..<5).map { _ in Owner() }
        var table = Table()
        var model = SlowModel()
        var mostPrefixes = 0
        for step in 0..<20_000 {
            let prefix = hasManyLengths ? Self.randomPrefix(isIPv6, random) : Self.clusteredPrefix(isIPv6, random)
            let owner = owners[Int(random.below(5))]
            // Grows, shrinks and grows again.
            let inserts = (step / 2000).isMultiple(of: 2) ? 6 : 2
            switch Int(random.below(10)) {
            case ..<inserts:
                let former = table.insert(prefix, owner)
                #expect(former === model.owners[prefix])
                model.insert(prefix, owner)
            case ..<8:
                let victim = random.chance(0.8) ? model.prefixes.element(random) ?? prefix : prefix
                let isOwned = model.owners[victim] === owner
                let removed = table.remove(victim, of: owner)
                #expect(removed == isOwned)
                if isOwned { model.remove(victim) }
            default:
                let probe = hasManyLengths ? Self.randomAddress(isIPv6, random) : prefix.address
                let found = table.lookup(probe)
                #expect(found === model.lookup(probe))
            }
            let (count, capacity) = (table.count, table.capacity)
            #expect(count == model.owners.count)
            #expect(8 * count <= 5 * capacity && capacity <= 8 * count)
            mostPrefixes = max(mostPrefixes, count)
        }
        #expect(mostPrefixes > 100)
        for (prefix, owner) in model.owners {
            let removed = table.remove(prefix, of: owner)
            #expect(removed)
        }
        let (count, capacity) = (table.count, table.capacity)
        #expect(count == 0)
        #expect(capacity == 0)
        let nobody = table.lookup(Self.randomAddress(isIPv6, random))
        #expect(nobody == nil)
    }

    @Test("From everything to one address", arguments: [("0.0.0.0/0", "10.1.2.3/32"), ("::/0", "2001:db8::1/128")])
    func extremes(_ all: String, _ one: String) {
        let (everyone, single) = (Owner(), Owner())
        var table = Table()
        let onePrefix = prefix(one)
        table.insert(prefix(all), everyone)
        table.insert(onePrefix, single)
        let next = onePrefix.address.isIPv6 ? address("2001:db8::2") : address("10.1.2.2")
        let last = onePrefix.address.isIPv6 ? String(repeating: "ffff:", count: 7) + "ffff" : "255.255.255.255"
        let found = [table.lookup(onePrefix.address), table.lookup(next), table.lookup(address(last))]
        #expect(found[0] === single)
        #expect(found[1] === everyone)
        #expect(found[2] === everyone)
        let removals = [everyone, single].map { table.remove(onePrefix, of: $0) }
        #expect(removals == [false, true])
        let rest = table.lookup(onePrefix.address)
        #expect(rest === everyone)
    }

    @Test("Every length at once, taken away from the longest", arguments: [false, true])
    func everyLength(isIPv6: Bool) {
        let random = SeededRandom(seed: 32)
        let bitCount = isIPv6 ? 128 : 32
        let base: IPAddress =
            isIPv6
            ? .v6(IPv6Address(high: random.next(), low: random.next()))
            : .v4(IPv4Address(UInt32(truncatingIfNeeded: random.next())))
        let owners = (0...bitCount).map { _ in Owner() }
        var table = Table()
        for length in Array(0...bitCount).sorted(by: { ($0 * 37) % 131 < ($1 * 37) % 131 }) {
            table.insert(Prefix(base, length: length)!, owners[length])
        }
        for longest in (0...bitCount).reversed() {
            for shared in 0...bitCount {
                let found = table.lookup(Self.neighbour(of: base, sharing: shared))
                #expect(found === owners[min(shared, longest)])
            }
            let removed = table.remove(Prefix(base, length: longest)!, of: owners[longest])
            #expect(removed)
        }
        let capacity = table.capacity
        #expect(capacity == 0)
    }

    @Test("All addresses of a block in sequence, moved, halved and taken away", arguments: [false, true])
    func block(isIPv6: Bool) {
        func prefix(_ index: Int) -> Prefix {
            let host: IPAddress =
                isIPv6
                ? .v6(IPv6Address(high: 0xfd00 << 48, low: UInt64(index)))
                : .v4(IPv4Address(0x0a00_0000 + UInt32(index)))
            return Prefix(host, length: isIPv6 ? 128 : 32)!
        }
        let count = 1 << 17
        let owners = (0..<7).map { _ in Owner() }
        var table = Table()
        var wrong = 0
        for index in 0..<count where table.insert(prefix(index), owners[0]) != nil { wrong += 1 }
        for index in 0..<count where table.insert(prefix(index), owners[index % 7]) !== owners[0] { wrong += 1 }
        for index in 0..<count where table.lookup(prefix(index).address) !== owners[index % 7] { wrong += 1 }
        for index in count..<2 * count where table.lookup(prefix(index).address) != nil { wrong += 1 }
        for index in stride(from: 0, to: count, by: 2) where !table.remove(prefix(index), of: owners[index % 7]) {
            wrong += 1
        }
        for index in 0..<count {
            let expected = index.isMultiple(of: 2) ? nil : owners[index % 7]
            if table.lookup(prefix(index).address) !== expected { wrong += 1 }
        }
        for index in (0..<count).reversed() {
            if table.remove(prefix(index), of: owners[index % 7]) == index.isMultiple(of: 2) { wrong += 1 }
        }
        #expect(wrong == 0)
        let capacity = table.capacity
        #expect(capacity == 0)
    }

    @Test("A table keeps its owners as long as it names them")
    func references() {
        weak var gone: Owner?
        weak var kept: Owner?
        var owner = Owner()
        do {
            var table = Table()
            for index in 0..<100 {
                table.insert(Prefix(.v4(IPv4Address(UInt32(index))), length: 32)!, owner)
                table.insert(Prefix(.v4(IPv4Address(UInt32(index))), length: 32)!, owner)
            }
            for index in 0..<50 {
                let removed = table.remove(Prefix(.v4(IPv4Address(UInt32(index))), length: 32)!, of: owner)
                #expect(removed)
            }
            do {
                let (former, latter) = (Owner(), Owner())
                (gone, kept) = (former, latter)
                table.insert(prefix("::/0"), former)
                table.insert(prefix("::/0"), latter)
            }
            #expect(gone == nil)
            #expect(kept != nil)
            #expect(!isKnownUniquelyReferenced(&owner))
            let found = table.lookup(address("::1"))
            #expect(found === kept)
        }
        #expect(kept == nil)
        #expect(isKnownUniquelyReferenced(&owner))
    }

    @Test("Addresses in a pattern spread as well as random ones", arguments: [0, 8, 16, 32, 56, 64, 80, 96])
    func spread(shift: UInt64) {
        let random = SeededRandom(seed: shift)
        for _ in 0..<20 {
            let seed = AllowedIPsSeed(high: random.next(), low: random.next())
            // Half full, with linear probing.
            var isTaken = [Bool](repeating: false, count: 1 << 13)
            var steps = 0
            for number in 0..<UInt64(1 << 12) {
                var place = Int(seed.hash(0xfd00 << 112 | UInt128(number) << shift) >> 51)
                while isTaken[place] {
                    place = (place + 1) % isTaken.count
                    steps += 1
                }
                isTaken[place] = true
            }
            // Random ones take half a step each.
            #expect(steps < 1 << 12)
        }
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

    /// One of 4096 neighbours, so that a table of one length is full of runs.
    private static func clusteredPrefix(_ isIPv6: Bool, _ random: SeededRandom) -> Prefix {
        let host = random.below(4096)
        return isIPv6
            ? Prefix(.v6(IPv6Address(high: 0xfd00 << 48 | host, low: 0)), length: 64)!
            : Prefix(.v4(IPv4Address(0x0a00_0000 | UInt32(host))), length: 32)!
    }

    /// An address with the first `length` bits of `base` and not the next one.
    private static func neighbour(of base: IPAddress, sharing length: Int) -> IPAddress {
        guard length < base.bitCount else { return base }
        switch base {
        case .v4(let v4): return .v4(IPv4Address(v4.value ^ 1 << UInt32(31 - length)))
        case .v6(let v6):
            return length < 64
                ? .v6(IPv6Address(high: v6.high ^ 1 << UInt64(63 - length), low: v6.low))
                : .v6(IPv6Address(high: v6.high, low: v6.low ^ 1 << UInt64(127 - length)))
        }
    }
}

extension Array {
    fileprivate func element(_ random: SeededRandom) -> Element? {
        isEmpty ? nil : self[Int(random.below(UInt64(count)))]
    }
}
