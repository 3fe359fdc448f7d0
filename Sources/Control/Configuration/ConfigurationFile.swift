package import Tunnel
package import Wire

/// A WireGuard configuration file: what `wg setconf` takes, or what `wg-quick` takes.
package struct ConfigurationFile: Sendable {
    /// Which keys a file may have.
    package enum Dialect: Sendable {
        /// Those of `wg`: keys, port, mark and peers.
        case wg
        /// Those of `wg-quick` as well.
        case quick
    }

    package var interface = InterfaceSection()
    /// In the file's order; a key may occur more than once.
    package var peers: [PeerSection] = []
    /// Sentences about what is allowed but probably not meant.
    package internal(set) var warnings: [String] = []

    package init() {}
}

/// What the `[Interface]` sections say. Nil and empty: the file doesn't say.
package struct InterfaceSection: Sendable {
    /// Zeros remove the key.
    package var privateKey: Secret32?
    /// 0 takes any free port.
    package var listenPort: UInt16?
    /// 0 is off.
    package var firewallMark: UInt32?
    /// Of the interface, and of peers that say nothing else.
    package var obfuscation = ObfuscationValues()

    package var addresses: [InterfaceAddress] = []
    package var dns: [IPAddress] = []
    package var searchDomains: [String] = []
    /// Bytes.
    package var mtu: Int?
    package var table = RoutingTableChoice.auto
    /// Shell commands, with `%i` and comments as they were written.
    package var preUp: [String] = []
    package var postUp: [String] = []
    package var preDown: [String] = []
    package var postDown: [String] = []
    package var saveConfig = false
    package var killSwitch = KillSwitch.off

    package init() {}
}

/// What one `[Peer]` section says. Nil: the file doesn't say.
package struct PeerSection: Sendable {
    package var publicKey: PublicKey
    /// Zeros remove the key.
    package var presharedKey: Secret32?
    package var endpoint: EndpointName?
    /// Applied in order.
    package var allowedIPs: [AllowedIPChange] = []
    /// Whether an entry has a sign, so that the list changes the peer's allowed IPs instead of replacing them.
    package var changesAllowedIPs = false
    /// Seconds; 0 is off.
    package var persistentKeepalive: UInt16?
    /// Seconds, when keepalives come after a time between ``persistentKeepalive`` and this one.
    package var persistentKeepaliveMaximum: UInt16?
    package var obfuscation = ObfuscationValues()

    package init(_ publicKey: PublicKey) {
        self.publicKey = publicKey
    }

    /// The allowed IPs that the section adds.
    package var prefixes: [Prefix] {
        allowedIPs.compactMap { if case .add(let prefix) = $0 { prefix } else { nil } }
    }
}

/// Where an interface's routes go. Quick "up" 8.
package enum RoutingTableChoice: Hashable, Sendable, CustomStringConvertible {
    /// The main table, and one of its own for default routes.
    case auto
    /// No routes.
    case off
    case table(UInt32)

    package var description: String {
        switch self {
        case .auto: "auto"
        case .off: "off"
        case .table(let number): String(number)
        }
    }
}

/// What may pass outside of the tunnel while it is meant to be up.
package enum KillSwitch: String, Hashable, Sendable {
    case off
    /// Nothing.
    case on
    /// What stays in the networks that this machine is directly connected to.
    case lan
}
