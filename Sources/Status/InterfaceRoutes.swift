package import LinuxNet
package import Wire

/// What the system's routing tables lead into one interface.
package struct InterfaceRoutes: Sendable {
    /// How much of a network has a route.
    package enum Part: Equatable, Sendable {
        case whole
        /// Only these networks within it.
        case some([Prefix])
        case none
    }

    /// In the order of addresses, wider ones first.
    private let sorted: [Prefix]
    private let known: Set<Prefix>
    private let lengths: [Int]

    package init(_ destinations: some Sequence<Prefix>) {
        known = Set(destinations)
        sorted = known.sorted { $0.place < $1.place }
        lengths = Set(known.map(\.length)).sorted()
    }

    /// Asks the kernel, for an interface in the network namespace of the calling thread.
    package static func of(_ link: LinkState) throws(SystemError) -> InterfaceRoutes {
        var netlink = try Netlink()
        var destinations: [Prefix] = []
        for isIPv6 in [false, true] {
            destinations += try netlink.routes(isIPv6: isIPv6, interface: link.index).filter { $0.kind == .unicast }
                .map(\.destination)
        }
        return InterfaceRoutes(destinations)
    }

    /// How much of `network` is led into the interface.
    package func part(of network: Prefix) -> Part {
        let isCovered = lengths.contains { length in
            length <= network.length && Prefix(network.address, length: length).map(known.contains) == true
        }
        if isCovered { return .whole }
        var (low, high) = (0, sorted.count)
        while low < high {
            let middle = (low + high) / 2
            if sorted[middle].place < network.place { low = middle + 1 } else { high = middle }
        }
        let within = sorted[low...].prefix { Prefix($0.address, length: network.length) == network }
        return within.isEmpty ? .none : .some(Array(within))
    }

    /// How much of these networks is led into the interface, as networks.
    package func routed(_ networks: [Prefix]) -> [Prefix] {
        networks.flatMap { network -> [Prefix] in
            switch part(of: network) {
            case .whole: [network]
            case .some(let within): within
            case .none: []
            }
        }
    }
}

extension Prefix {
    /// IPv4 before IPv6, then by address, then by length: a network comes right before all within it.
    fileprivate var place: (Int, UInt64, UInt64, Int) {
        switch address {
        case .v4(let v4): (0, 0, UInt64(v4.value), length)
        case .v6(let v6): (1, v6.high, v6.low, length)
        }
    }

    /// As people write it: a single address without its length.
    var brief: String { length == address.bitCount ? "\(address)" : "\(self)" }
}
