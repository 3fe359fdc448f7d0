package import Obfuscation
package import Wire

/// What a relay is told: where it listens, where it sends on to, and how each side looks.
package struct RelaySettings: Equatable, Sendable {
    package var listen: ListenAddress
    package var endpoint: RelayEndpoint
    /// The dialect of those who call.
    package var listenDialect = Dialect.plain
    /// The dialect of the endpoint.
    package var forwardDialect = Dialect.plain
    /// The public key of the WireGuard server behind the endpoint; nil when it wasn't said.
    package var serverKey: PublicKey?
    /// The public keys of those who call, as far as they were said.
    package var clientKeys: [PublicKey] = []
    /// Seconds after which a flow without traffic ends.
    package var idleTimeout = Self.standardIdleTimeout
    /// Flows that there may be at the same time.
    package var maximumFlows = Self.standardFlows
    /// Of datagrams to the endpoint; 0 for none.
    package var firewallMark: UInt32 = 0
    /// The file that keeps the time before which no dated handshake is taken; nil: the start of the relay is that time.
    package var stateFile: String?

    /// A WireGuard session isn't used any more after 180 seconds, so a client that was silent for longer begins a new one anyway.
    package static var standardIdleTimeout: Int { 300 }
    package static var standardFlows: Int { 1024 }

    package init(listen: ListenAddress, endpoint: RelayEndpoint) {
        self.listen = listen
        self.endpoint = endpoint
    }
}

/// Where a relay is called.
package enum ListenAddress: Hashable, Sendable, CustomStringConvertible {
    /// A port of all addresses of both families.
    case everywhere(port: UInt16)
    case one(Endpoint)

    package var description: String {
        switch self {
        case .everywhere(let port): "port \(port)"
        case .one(let endpoint): "\(endpoint)"
        }
    }
}

/// Where a relay sends on to: an address or a host's name, and a port.
package struct RelayEndpoint: Hashable, Sendable, CustomStringConvertible {
    /// A name, or an address without brackets.
    package let host: String
    package let port: UInt16
    /// Nil for a name.
    package let numeric: Endpoint?

    package init(host: String, port: UInt16, numeric: Endpoint?) {
        self.host = host
        self.port = port
        self.numeric = numeric
    }

    package init(_ endpoint: Endpoint) {
        self.init(host: endpoint.address.description, port: endpoint.port, numeric: endpoint)
    }

    package var description: String {
        if let numeric { return "\(numeric)" }
        return "\(host):\(port)"
    }
}

/// Finds the addresses of names.
package protocol AddressBook: Sendable {
    /// Asks once and waits for the answer.
    ///
    /// - Returns: at least one, the best first.
    /// - Throws: ``AddressBookError``.
    func addresses(of endpoint: RelayEndpoint) throws(AddressBookError) -> [Endpoint]
}

/// Why a name has no address, in words for people.
package struct AddressBookError: Error, Equatable, Sendable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) {
        self.description = description
    }
}
