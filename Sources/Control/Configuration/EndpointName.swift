import Glibc
package import Wire

/// A peer's endpoint as a person writes it: a host's name or address, and a port.
package struct EndpointName: Hashable, Sendable {
    /// A name or an address, IPv6 without brackets and perhaps with a scope: `fe80::1%eth0`.
    package let host: String
    package let port: UInt16

    package init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    package init(_ endpoint: Endpoint) {
        host = "\(endpoint.address.commonText)\(endpoint.scope == 0 ? "" : "%\(scopeName(endpoint.scope))")"
        port = endpoint.port
    }

    /// `HOST:PORT` or `[IPv6]:PORT`, without white space. Part 3, "endpoint".
    init(parsing text: String) throws(ValueError) {
        let hostText: Substring
        let portText: Substring
        if text.hasPrefix("[") {
            guard let bracket = text.firstIndex(of: "]"), text[bracket...].hasPrefix("]:") else {
                throw ValueError(text, for: .endpoint)
            }
            hostText = text[text.index(after: text.startIndex)..<bracket]
            portText = text[bracket...].dropFirst(2)
        } else {
            guard let colon = text.lastIndex(of: ":") else {
                throw ValueError(found: "\(quoted(text)), which has no port,", expected: Self.expectation)
            }
            hostText = text[..<colon]
            portText = text[colon...].dropFirst()
        }
        guard (1...253).contains(hostText.utf8.count), hostText.utf8.allSatisfy(Self.isPartOfHost) else {
            throw ValueError(text, for: .endpoint)
        }
        guard let port = try? ConfigurationValue.port(portText) else {
            throw ValueError(found: "\(quoted(text)), whose port isn't from 0 to 65535,", expected: Self.expectation)
        }
        host = String(hostText)
        self.port = port
    }

    /// As people type it: a port may be missing, and the brackets of an IPv6 address with it. Nil for what is no endpoint.
    package init?(_ text: String, defaultPort: UInt16) {
        let bare = text.hasPrefix("[") && text.hasSuffix("]") ? text.dropFirst().dropLast() : text[...]
        if IPAddress(bare) != nil {
            self.init(host: String(bare), port: defaultPort)
        } else if let name = try? EndpointName(parsing: text.contains(":") ? text : "\(text):\(defaultPort)") {
            self = name
        } else {
            return nil
        }
    }

    /// The endpoint when the host is an address; nil when it is a name.
    package var numeric: Endpoint? {
        let percent = host.firstIndex(of: "%") ?? host.endIndex
        guard let address = IPAddress(host[..<percent]) else { return nil }
        guard percent != host.endIndex else { return Endpoint(address, port: port) }
        let name = host[percent...].dropFirst()
        guard case .v6(let v6) = address, v6.isLinkLocal,
            let scope = UAPIScopes.system.index(name) ?? UInt32(name), scope != 0
        else { return nil }
        return Endpoint(address, port: port, scope: scope)
    }

    private static var expectation: String { ConfigurationKey.endpoint.expectation }

    private static func isPartOfHost(_ byte: UInt8) -> Bool {
        // Letters beyond ASCII may be part of what a resolver knows.
        isLetterOrDigit(byte) || byte >= 0x80 || "-._:%@".utf8.contains(byte)
    }
}

extension EndpointName: CustomStringConvertible {
    /// `HOST:PORT`, an IPv6 address in brackets.
    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

private func scopeName(_ index: UInt32) -> String {
    UAPIScopes.system.name(index) ?? String(index)
}
