package import Wire

/// A change to a device, as one `set` of the configuration socket asks for it. Nil leaves a value as it is.
package struct DeviceChange: Sendable {
    /// Zeros remove the key.
    package var privateKey: Secret32?
    /// 0 takes any free port.
    package var listenPort: UInt16?
    /// 0 turns marking off.
    package var firewallMark: UInt32?
    /// The disguise of the interface, its peers' default.
    package var obfuscation: ObfuscationChange?
    /// Whether all peers go before `peers` is applied.
    package var replacesPeers = false
    /// Applied in order; a key may occur more than once.
    package var peers: [PeerChange] = []

    package init() {}
}

/// A change to one peer, which is created when it doesn't exist. Nil leaves a value as it is.
package struct PeerChange: Sendable {
    package var publicKey: PublicKey
    /// Whether the peer goes; the rest is then without effect.
    package var removes = false
    /// Whether a peer that doesn't exist stays so.
    package var updatesOnly = false
    /// Zeros remove the key.
    package var presharedKey: Secret32?
    package var endpoint: Endpoint?
    /// The name and port that `endpoint` was found by, for whoever looks it up again; the device knows addresses only.
    /// Empty: there is none any more.
    package var endpointName: String?
    /// What is said of it beyond the protocol, for whoever shows and limits it.
    package var annotation: PeerAnnotation?
    /// Seconds; 0 turns it off.
    package var persistentKeepalive: UInt16?
    /// Seconds, when keepalives come after a time drawn from ``persistentKeepalive`` to this one; nil: always after the first.
    package var persistentKeepaliveMaximum: UInt16?
    /// The disguise of this peer.
    package var obfuscation: ObfuscationChange?
    /// Whether all allowed IPs go before `allowedIPs` is applied.
    package var replacesAllowedIPs = false
    /// Applied in order.
    package var allowedIPs: [AllowedIPChange] = []

    package init(_ publicKey: PublicKey) {
        self.publicKey = publicKey
    }
}

/// A change to one of a peer's allowed IPs.
package enum AllowedIPChange: Sendable, Equatable {
    case add(Prefix)
    /// Without effect when the prefix belongs to another peer.
    case remove(Prefix)
}

/// A device's configuration and state at one moment, peers in order of creation.
package struct DeviceStatus: Sendable {
    /// Nil when there is none.
    package var privateKey: Secret32?
    package var listenPort: UInt16 = 0
    package var firewallMark: UInt32 = 0
    /// What was said about the disguise of the interface.
    package var obfuscation = ObfuscationSettings()
    package var peers: [PeerStatus] = []

    package init() {}
}

/// A peer's configuration and state at one moment.
package struct PeerStatus: Sendable {
    package var publicKey: PublicKey
    /// Zeros when there is none.
    package var presharedKey: Secret32 = .zero
    package var endpoint: Endpoint?
    /// Wall-clock time of the last completed handshake, zeros when never.
    package var lastHandshake = WallTime(seconds: 0, nanoseconds: 0)
    /// UDP payload bytes.
    package var transmittedBytes: UInt64 = 0
    /// UDP payload bytes.
    package var receivedBytes: UInt64 = 0
    /// Seconds; 0 when off.
    package var persistentKeepalive: UInt16 = 0
    /// Seconds; nil when keepalives always come after ``persistentKeepalive``.
    package var persistentKeepaliveMaximum: UInt16?
    /// What was said about the disguise of this peer.
    package var obfuscation = ObfuscationSettings()
    /// The disguise that it really has.
    package var dialect = DialectName.plain
    /// In order of insertion.
    package var allowedIPs: [Prefix] = []

    package init(_ publicKey: PublicKey) {
        self.publicKey = publicKey
    }
}
