import Control
package import NoisePrimitives
package import Wire

/// Networks for a server that nothing on this machine uses.
package enum FreeNetwork {
    /// A server's address in a free private IPv4 network of 256 addresses; nil when there is none.
    ///
    /// Its number is drawn by chance, so that it probably is none of those that the networks of clients have, and none that
    /// another server of theirs has.
    package static func ipv4(notIn taken: [Prefix], _ random: any RandomSource) -> InterfaceAddress? {
        for _ in 0..<1000 {
            let third = UInt32(random.below(256))
            let second = UInt32(64 + random.below(190))
            if let address = server(10 << 24 | second << 16 | third << 8, taken) { return address }
        }
        for network in 0..<(16 * 256 as UInt32) {
            if let address = server(172 << 24 | 16 << 16 | network << 8, taken) { return address }
        }
        for network in 0..<(256 as UInt32) {
            if let address = server(192 << 24 | 168 << 16 | network << 8, taken) { return address }
        }
        return nil
    }

    private static func server(_ base: UInt32, _ taken: [Prefix]) -> InterfaceAddress? {
        guard let network = Prefix(.v4(IPv4Address(base)), length: 24), !taken.contains(where: network.overlaps) else {
            return nil
        }
        return InterfaceAddress(.v4(IPv4Address(base | 1)), length: 24)
    }

    /// A server's address in a unique local IPv6 network. RFC 4193 §3.2.
    package static func ipv6(notIn taken: [Prefix], _ random: any RandomSource) -> InterfaceAddress? {
        for _ in 0..<1000 {
            // Forty random bits after fd, then subnet 0.
            let high = 0xfd << 56 | (random.uint64() >> 24) << 16
            guard let network = Prefix(.v6(IPv6Address(high: high, low: 0)), length: 64),
                !taken.contains(where: network.overlaps)
            else { continue }
            return InterfaceAddress(.v6(IPv6Address(high: high, low: 1)), length: 64)
        }
        return nil
    }

    /// What of the routes and addresses of a machine keeps a network from being used. Routes that take nearly everything are
    /// default routes in parts.
    package static func taken(routes: [Prefix], addresses: [Prefix]) -> [Prefix] {
        routes.filter { $0.length >= 8 } + addresses
    }
}
