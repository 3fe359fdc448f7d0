package import Wire

/// Addresses that stand for others when the kernel is asked for ways.
package enum Sample {
    /// Addresses of root name servers, which every default route leads to.
    static let farAway = ["198.41.0.4", "2001:503:ba3e::2:30"].compactMap { IPAddress($0) }

    /// An address of a network that isn't one of `own`; nil when there is none.
    package static func address(in prefix: Prefix, notIn own: Set<IPAddress>) -> IPAddress? {
        if let far = farAway.first(where: { prefix.holds($0) }), prefix.length < 8 { return far }
        for step: UInt64 in prefix.length == prefix.address.bitCount ? 0...0 : 1...4 {
            let address = prefix.address.advanced(by: step)
            if prefix.holds(address), !own.contains(address) { return address }
        }
        return nil
    }

    /// An address beyond all networks that this machine is in.
    static func farAway(isIPv6: Bool) -> IPAddress? { farAway.first { $0.isIPv6 == isIPv6 } }
}

extension Prefix {
    package func holds(_ address: IPAddress) -> Bool {
        address.isIPv6 == self.address.isIPv6 && Prefix(address, length: length) == self
    }

    /// Whether every address of `other` is in this prefix.
    package func holds(_ other: Prefix) -> Bool {
        other.length >= length && holds(other.address)
    }

    package func overlaps(_ other: Prefix) -> Bool { holds(other) || other.holds(self) }

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
        ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"].contains { text in
            Prefix(text)?.holds(self) == true
        }
    }

    /// Whether only this machine can mean it.
    var isOfOneMachine: Bool {
        switch self {
        case .v4(let v4): v4.value >> 24 == 127
        case .v6(let v6): v6.high == 0 && v6.low <= 1
        }
    }
}
