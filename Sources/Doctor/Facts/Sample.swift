package import Wire

/// Addresses that stand for others when the kernel is asked for ways.
package enum Sample {
    /// Addresses of root name servers, which every default route leads to.
    static let farAway = ["198.41.0.4", "2001:503:ba3e::2:30"].compactMap { IPAddress($0) }

    /// An address of a network that isn't one of `own` and that packets are routed to; nil when none is found.
    package static func address(in prefix: Prefix, notIn own: Set<IPAddress>) -> IPAddress? {
        if prefix.length == prefix.address.bitCount { return own.contains(prefix.address) ? nil : prefix.address }
        let first = (1...4).map { prefix.address.advanced(by: $0) }
        // The beginning of large networks may be set aside for something else.
        let later = Prefix(prefix.lastAddress, length: prefix.length + 1).map { $0.address.advanced(by: 1) }
        let far = prefix.length < 8 ? farAway : []
        return (far + first + [later].compactMap(\.self)).first { address in
            prefix.holds(address) && !own.contains(address) && !isSetAside(address)
        }
    }

    /// Whether the kernel treats an address unlike others: multicast, this machine, this link, no address at all.
    private static func isSetAside(_ address: IPAddress) -> Bool {
        setAside.contains { $0.holds(address) }
    }

    private static let setAside = [
        "0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3", "::/8", "fe80::/10", "ff00::/8",
    ].compactMap { Prefix($0) }

    /// An address beyond all networks that this machine is in.
    static func farAway(isIPv6: Bool) -> IPAddress? { farAway.first { $0.isIPv6 == isIPv6 } }
}

extension Prefix {
    /// As people write it: a single address without its length.
    package var shortText: String { length == address.bitCount ? "\(address)" : "\(self)" }
}

extension IPAddress {
    /// The address that many further on, within the last 32 or 64 bits.
    fileprivate func advanced(by step: UInt64) -> IPAddress {
        switch self {
        case .v4(let v4): .v4(IPv4Address(v4.value &+ UInt32(truncatingIfNeeded: step)))
        case .v6(let v6): .v6(IPv6Address(high: v6.high, low: v6.low &+ step))
        }
    }

    /// Whether it is an address of private use that nobody beyond answers to.
    var isPrivate: Bool {
        Self.privateNetworks.contains { $0.holds(self) }
    }

    private static let privateNetworks = [
        "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7",
    ].compactMap { Prefix($0) }

    /// Whether only this machine can mean it.
    var isOfOneMachine: Bool {
        switch self {
        case .v4(let v4): v4.value >> 24 == 127
        case .v6(let v6): v6.high == 0 && v6.low <= 1
        }
    }
}
