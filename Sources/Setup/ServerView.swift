import Control
import NoisePrimitives
import Quick
import Wire

/// What a peer has to know of the server whose file this is.
struct ServerView {
    let path: String
    let publicKey: PublicKey
    let addresses: [InterfaceAddress]
    let port: UInt16?
    /// As `ClientEndpoint` says; nil when the file doesn't.
    let endpoint: EndpointName?
    let nameServers: [IPAddress]
    let forwarding: Forwarding

    init(_ text: ConfigurationText, path: String) throws(QuickError) {
        let settings = text.configuration.interface
        guard let key = settings.privateKey, !key.isZero else {
            throw QuickError(
                "\(path) has no PrivateKey, so nobody knows the server's public key; 'nightjar genkey' makes one")
        }
        self.path = path
        publicKey = X25519.publicKey(of: key)
        addresses = settings.addresses
        port = settings.listenPort.flatMap { $0 == 0 ? nil : $0 }
        forwarding =
            text.layout.interfaceComment(.forwarding).flatMap { Forwarding(rawValue: $0.value.lowercased()) } ?? .off
        endpoint = try text.layout.interfaceComment(.clientEndpoint).map { setting throws(QuickError) in
            guard let name = EndpointName(setting.value, defaultPort: settings.listenPort ?? 0), name.port != 0 else {
                throw QuickError(
                    "\(path):\(setting.line): found \(quoted(setting.value)) as ClientEndpoint; expected HOST:PORT")
            }
            return name
        }
        nameServers =
            try text.layout.interfaceComment(.clientDNS).map { setting throws(QuickError) in
                try Self.addresses(setting.value, "\(path):\(setting.line): ClientDNS")
            } ?? []
    }

    var networks: [Prefix] { addresses.compactMap(\.network) }

    /// Where peers reach the server.
    ///
    /// - Parameter given: what the user says instead of the file.
    func endpoint(_ given: String?) throws(QuickError) -> EndpointName {
        if let given {
            guard let name = EndpointName(given, defaultPort: port ?? 0), name.port != 0 else {
                throw QuickError("\(quoted(given)) is no endpoint; it takes HOST or HOST:PORT, as in vpn.example.org")
            }
            return name
        }
        if let endpoint { return endpoint }
        throw QuickError(
            "\(path) doesn't say where peers reach this server; give --endpoint HOST, or once for all add the line "
                + "\"# ClientEndpoint = HOST:PORT\" below [Interface]")
    }

    /// What a peer sends into the tunnel if nobody says otherwise: everything, if the server passes it on.
    var usualAllowedIPs: [Prefix] {
        guard forwarding != .off else { return networks.subtracting([]) }
        let families = [false, true].filter { isIPv6 in addresses.contains { $0.address.isIPv6 == isIPv6 } }
        return families.compactMap { Prefix(.unspecified(isIPv6: $0), length: 0) }
    }

    static func addresses(_ text: String, _ place: String) throws(QuickError) -> [IPAddress] {
        try text.split(whereSeparator: { $0 == "," || $0 == " " }).map { item throws(QuickError) in
            guard let address = IPAddress(item) else {
                throw QuickError("\(place): found \(quoted(item)); expected addresses separated by commas")
            }
            return address
        }
    }

    static func prefixes(_ text: String, _ place: String) throws(QuickError) -> [Prefix] {
        try text.split(whereSeparator: { $0 == "," || $0 == " " }).map { item throws(QuickError) in
            guard let prefix = InterfaceAddress(item)?.network else {
                throw QuickError(
                    "\(place): found \(quoted(item)); expected networks separated by commas, as in 10.0.0.0/8")
            }
            return prefix
        }
    }
}
