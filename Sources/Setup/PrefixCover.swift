package import Wire

extension [Prefix] {
    /// What these cover without what `holes` cover, in the fewest prefixes, IPv4 first, in order.
    package func subtracting(_ holes: [Prefix]) -> [Prefix] {
        [false, true].flatMap { isIPv6 -> [Prefix] in
            let everything = IPAddress.unspecified(isIPv6: isIPv6)
            guard let root = Prefix(everything, length: 0) else { return [] }
            return root.cover(
                filter { $0.address.isIPv6 == isIPv6 }, without: holes.filter { $0.address.isIPv6 == isIPv6 })
        }
    }
}

extension Prefix {
    /// The least prefixes within this one for what is in `wanted` and not in `holes`.
    fileprivate func cover(_ wanted: [Prefix], without holes: [Prefix]) -> [Prefix] {
        let wanted = wanted.filter(overlaps)
        let holes = holes.filter(overlaps)
        if wanted.isEmpty || holes.contains(where: { $0.holds(self) }) { return [] }
        if holes.isEmpty, wanted.contains(where: { $0.holds(self) }) { return [self] }
        guard let (lower, upper) = halves else { return [] }
        let parts = lower.cover(wanted, without: holes) + upper.cover(wanted, without: holes)
        return parts == [lower, upper] ? [self] : parts
    }

    /// Nil for a single address.
    private var halves: (Prefix, Prefix)? {
        guard length < address.bitCount else { return nil }
        let other: IPAddress
        switch address {
        case .v4(let v4): other = .v4(IPv4Address(v4.value | 1 << UInt32(31 - length)))
        case .v6(let v6):
            other = .v6(
                length < 64
                    ? IPv6Address(high: v6.high | 1 << UInt64(63 - length), low: v6.low)
                    : IPv6Address(high: v6.high, low: v6.low | 1 << UInt64(127 - length)))
        }
        guard let lower = Prefix(address, length: length + 1), let upper = Prefix(other, length: length + 1) else {
            return nil
        }
        return (lower, upper)
    }
}

extension IPAddress {
    /// 0.0.0.0 or ::.
    static func unspecified(isIPv6: Bool) -> IPAddress {
        isIPv6 ? .v6(IPv6Address(high: 0, low: 0)) : .v4(IPv4Address(0))
    }

    /// Whether it means something on its own network only: private, shared, link-local, unique local, loopback.
    package var isPrivate: Bool {
        [
            "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "127.0.0.0/8",
            "fc00::/7", "fe80::/10", "::1/128",
        ].compactMap { Prefix($0) }.contains { range in
            range.address.isIPv6 == isIPv6 && Prefix(self, length: range.length) == range
        }
    }
}
