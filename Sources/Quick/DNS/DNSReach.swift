package import Wire

/// Whether questions to a tunnel's name servers go through the tunnel.
package enum DNSReach {
    /// The servers that no peer accepts packets for, so that they are asked outside of the tunnel, or in vain. Addresses
    /// of this machine itself need no route.
    package static func outside(_ servers: [IPAddress], allowedIPs: [Prefix]) -> [IPAddress] {
        servers.filter { server in !server.isLoopback && !allowedIPs.contains { $0.holds(server) } }
    }

    /// A sentence about ``outside(_:allowedIPs:)``; nil when there are none.
    package static func warning(_ servers: [IPAddress], allowedIPs: [Prefix]) -> String? {
        let outside = outside(servers, allowedIPs: allowedIPs)
        guard let first = outside.first else { return nil }
        let list = outside.map(\.description).joined(separator: ", ")
        let isOne = outside.count == 1
        return """
            the DNS \(isOne ? "server \(list) is" : "servers \(list) are") in no peer's AllowedIPs: \
            \(isOne ? "it is" : "they are") asked outside of the tunnel, or in vain; \
            add \(first)/\(first.bitCount) to a peer's AllowedIPs if \(isOne ? "it is" : "they are") behind it
            """
    }
}

extension IPAddress {
    var isLoopback: Bool {
        switch self {
        case .v4(let v4): v4.value >> 24 == 127
        case .v6(let v6): v6.high == 0 && v6.low == 1
        }
    }
}
