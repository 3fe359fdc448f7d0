package import Quick
package import Wire

/// The addresses of a server's networks that no peer has.
package struct AddressPool {
    private let networks: [Network]

    /// - Parameters:
    ///   - server: the interface's own addresses.
    ///   - taken: the allowed IPs of all its peers.
    package init(server: [InterfaceAddress], taken: [Prefix]) {
        networks = server.compactMap {
            Network($0, taken: taken + server.compactMap { Prefix($0.address, length: $0.address.bitCount) })
        }
    }

    /// The lowest free address of each family that the server has; of the same number in both if there is one.
    ///
    /// - Throws: a sentence when a family has none left.
    package func next() throws(QuickError) -> [Prefix] {
        var chosen: [Network] = []
        for isIPv6 in [false, true] {
            let own = networks.filter { $0.prefix.address.isIPv6 == isIPv6 }
            guard !own.isEmpty else { continue }
            guard let network = own.first(where: { $0.nextFree(from: $0.first) != nil }) else {
                let names = own.map { "\($0.prefix)" }.joined(separator: " and ")
                throw QuickError(
                    "\(names) has no free address left; remove peers, or give Address a larger network, as in /16, and "
                        + "restart the interface")
            }
            chosen.append(network)
        }
        guard !chosen.isEmpty else {
            throw QuickError(
                "Address leaves no room for peers: it needs the length of a network, as in 10.8.0.1/24")
        }
        if let offset = Self.common(chosen) { return chosen.compactMap { $0.address(offset) } }
        return chosen.compactMap { network in network.nextFree(from: network.first).flatMap { network.address($0) } }
    }

    /// The lowest number that is free in all of them.
    private static func common(_ networks: [Network]) -> UInt64? {
        guard var offset = networks.map(\.first).max() else { return nil }
        while true {
            var highest = offset
            for network in networks {
                guard let free = network.nextFree(from: offset) else { return nil }
                highest = max(highest, free)
            }
            if highest == offset { return offset }
            offset = highest
        }
    }
}

extension AddressPool {
    /// One network, and the numbers in it that are taken.
    private struct Network {
        let prefix: Prefix
        /// The lowest and highest number that a peer may have. Those of networks larger than 2⁶³ aren't all used.
        let first: UInt64
        private let last: UInt64
        private let singles: Set<UInt64>
        /// Taken networks, by their first number.
        private let ranges: [ClosedRange<UInt64>]

        /// Nil when there is room for the server alone.
        init?(_ address: InterfaceAddress, taken: [Prefix]) {
            guard let prefix = address.network, address.length < address.address.bitCount else { return nil }
            self.prefix = prefix
            let hostBits = prefix.address.bitCount - prefix.length
            let highest = hostBits >= 64 ? UInt64.max >> 1 : (1 << UInt64(hostBits)) - 1
            // A network of two has neither an address of its own nor one for all; IPv6 has none for all.
            first = hostBits == 1 ? 0 : 1
            last = hostBits == 1 || prefix.address.isIPv6 ? highest : highest - 1
            var singles: Set<UInt64> = []
            var ranges: [ClosedRange<UInt64>] = []
            for other in taken where other.address.isIPv6 == prefix.address.isIPv6 && prefix.holds(other) {
                // A peer with all of the network is one that leads to it; others are found by their longer prefixes.
                guard other.length > prefix.length, let start = Self.number(other.address, in: prefix) else { continue }
                let bits = other.address.bitCount - other.length
                if bits == 0 {
                    singles.insert(start)
                } else {
                    let size = bits >= 63 ? UInt64.max >> 1 : (1 << UInt64(bits)) - 1
                    ranges.append(start...(start > UInt64.max - size ? UInt64.max : start + size))
                }
            }
            self.singles = singles
            self.ranges = ranges.sorted { $0.lowerBound < $1.lowerBound }
        }

        func nextFree(from start: UInt64) -> UInt64? {
            var number = max(start, first)
            var remaining = ranges[...]
            while number <= last {
                while let range = remaining.first, range.upperBound < number { remaining.removeFirst() }
                if let range = remaining.first, range.contains(number) {
                    guard range.upperBound < last else { return nil }
                    number = range.upperBound + 1
                } else if singles.contains(number) {
                    number += 1
                } else {
                    return number
                }
            }
            return nil
        }

        func address(_ number: UInt64) -> Prefix? {
            switch prefix.address {
            case .v4(let v4):
                return Prefix(.v4(IPv4Address(v4.value | UInt32(truncatingIfNeeded: number))), length: 32)
            case .v6(let v6):
                return Prefix(.v6(IPv6Address(high: v6.high, low: v6.low | number)), length: 128)
            }
        }

        /// Nil for what is beyond the numbers that are used.
        private static func number(_ address: IPAddress, in prefix: Prefix) -> UInt64? {
            switch (address, prefix.address) {
            case (.v4(let v4), .v4(let base)): return UInt64(v4.value - base.value)
            case (.v6(let v6), .v6(let base)): return v6.high == base.high ? v6.low - base.low : nil
            default: return nil
            }
        }
    }
}
