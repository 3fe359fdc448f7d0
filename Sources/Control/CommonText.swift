import Wire

extension IPAddress {
    /// As the C library prints it, and so `wg`: it writes the deprecated IPv4-compatible addresses, `::1.2.3.4`, with dots.
    var commonText: String {
        if case .v6(let v6) = self, v6.high == 0, v6.low >> 32 == 0, v6.low >> 16 != 0 {
            return "::\(IPv4Address(UInt32(truncatingIfNeeded: v6.low)))"
        }
        return description
    }
}

extension Prefix {
    var commonText: String { "\(address.commonText)/\(length)" }
}

extension Endpoint {
    /// `192.0.2.1:51820` or `[fe80::1%eth0]:51820`, the scope by its name where it has one.
    var commonText: String { EndpointName(self).description }
}
