package import Wire

/// Where a daemon answers questions for metrics, as people say it: a port of this machine alone, or an address and a port.
package struct MetricsAddress: Equatable, Sendable, CustomStringConvertible {
    package var endpoint: Endpoint

    /// The variable by which a daemon is told.
    package static let variable = "NIGHTJAR_METRICS_LISTEN"

    /// What `init` takes.
    package static let expectation =
        "a port from 1 to 65535, for this machine alone, or ADDRESS:PORT, an IPv6 address in brackets"

    /// Nil for what isn't ``expectation``.
    package init?(_ text: String) {
        if let port = Self.port(text[...]) {
            endpoint = Endpoint(.v4(IPv4Address(0x7f00_0001)), port: port)
        } else if text.utf8.count < 100, let numeric = (try? EndpointName(parsing: text))?.numeric, numeric.port != 0 {
            endpoint = numeric
        } else {
            return nil
        }
    }

    package var description: String { "\(EndpointName(endpoint))" }

    private static func port(_ text: Substring) -> UInt16? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
            return nil
        }
        return UInt16(text).flatMap { $0 == 0 ? nil : $0 }
    }
}
