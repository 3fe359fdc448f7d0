package import Wire

/// Addresses that a peer should have inside the tunnel, or should at least know the way to.
///
/// Nobody tells a peer's own address. Echo requests to these are sent with a limit of one hop: the peer answers those to
/// itself, and says of others that they may go no further, which is an answer as well. So nobody behind it is bothered.
package enum InnerTargets {
    /// Most probable first, six at most.
    ///
    /// - Parameters:
    ///   - allowedIPs: the peer's.
    ///   - own: the interface's addresses; without one of a family there is no echo of that family.
    package static func candidates(allowedIPs: [Prefix], own: [InterfaceAddress]) -> [IPAddress] {
        var found: [IPAddress] = []
        func add(_ address: IPAddress?) {
            guard let address, !found.contains(address), !own.contains(where: { $0.address == address }),
                own.contains(where: { $0.address.isIPv6 == address.isIPv6 }),
                allowedIPs.contains(where: { $0.covers(address) })
            else { return }
            found.append(address)
        }
        for prefix in allowedIPs where prefix.length == prefix.address.bitCount { add(prefix.address) }
        found = Array(found.prefix(3))
        // A server mostly has the first address of its network.
        for address in own {
            let usual = address.address.isIPv6 ? 64 : 24
            let length = address.length < address.address.bitCount ? address.length : usual
            add(Prefix(address.address, length: length)?.first)
        }
        for isIPv6 in [false, true] where !found.contains(where: { $0.isIPv6 == isIPv6 }) {
            let widest = allowedIPs.filter { $0.address.isIPv6 == isIPv6 }.min { $0.length < $1.length }
            // 192.0.2.1 and 2001:db8::1 are nobody's.
            let nobody = isIPv6 ? IPAddress("2001:db8::1") : IPAddress("192.0.2.1")
            add(widest?.length == 0 ? nobody : widest?.first)
        }
        return Array(found.prefix(6))
    }
}

extension Prefix {
    fileprivate func covers(_ address: IPAddress) -> Bool { Prefix(address, length: length) == self }

    /// The first address that a machine in this network can have.
    fileprivate var first: IPAddress {
        guard length < address.bitCount else { return address }
        switch address {
        case .v4(let v4): return .v4(IPv4Address(v4.value | (length < 31 ? 1 : 0)))
        case .v6(let v6): return .v6(IPv6Address(high: v6.high, low: v6.low | (length < 127 ? 1 : 0)))
        }
    }
}
