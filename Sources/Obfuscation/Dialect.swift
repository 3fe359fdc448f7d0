package import Tunnel
package import Wire

/// A disguise with everything that both sides have to agree on. Two peers with equal dialects are told apart by their sessions alone.
package enum Dialect: Equatable, Sendable {
    case plain
    case veil(VeilSettings)
    case amneziaWG(AmneziaWGSettings)
    case swgp(SWGPSettings)
    case lwo
    case wgObfuscator(WGObfuscatorSettings)
    case xor(XORSettings)
    case xorBatch
    case warp(WARPSettings)
}

/// Whose keys a codec works with.
package struct CodecKeys: Sendable {
    /// This side's public key; nil when it has none or isn't known, as in a relay.
    package var own: PublicKey?
    /// The other side's; nil when it isn't known.
    package var peer: PublicKey?
    /// Whether the other side is the one that is called, whose public key both sides use: it is, when its endpoint was configured.
    package var isPeerServer: Bool

    package init(own: PublicKey?, peer: PublicKey?, isPeerServer: Bool) {
        self.own = own
        self.peer = peer
        self.isPeerServer = isPeerServer
    }
}

/// Why settings don't make a dialect, in words for the person who wrote them.
package struct DialectError: Error, Equatable, Sendable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) {
        self.description = description
    }
}
