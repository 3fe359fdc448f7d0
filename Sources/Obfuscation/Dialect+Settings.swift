package import Tunnel
package import Wire

/// `veil`: an optional secret beside the server's public key.
package struct VeilSettings: Equatable, Sendable {
    /// Nil: the server's public key alone.
    package var secret: ObfuscationKey?

    package init(secret: ObfuscationKey? = nil) {
        self.secret = secret
    }

    package static func == (left: Self, right: Self) -> Bool {
        switch (left.secret, right.secret) {
        case (nil, nil): true
        case (let left?, let right?): left.equals(right)
        default: false
        }
    }
}

/// `swgp`: mode and key of swgp-go.
package struct SWGPSettings: Equatable, Sendable {
    package var isParanoid: Bool
    /// Whether handshakes carry a time and repeated ones are refused.
    package var isDated: Bool
    package var key: Secret32
    /// Bytes of the largest IP packet on the path.
    package var pathMTU: Int

    package init(isParanoid: Bool, isDated: Bool, key: Secret32, pathMTU: Int = 1500) {
        self.isParanoid = isParanoid
        self.isDated = isDated
        self.key = key
        self.pathMTU = pathMTU
    }

    package static func == (left: Self, right: Self) -> Bool {
        left.isParanoid == right.isParanoid && left.isDated == right.isDated && left.key.equals(right.key)
            && left.pathMTU == right.pathMTU
    }
}

/// `wg-obfuscator`: its key, and whether its STUN masking is put on.
package struct WGObfuscatorSettings: Equatable, Sendable {
    /// 1 to 255 bytes.
    package let key: ObfuscationKey
    /// If not, masking is put on for who uses it.
    package let usesSTUN: Bool
    /// The same for all who use these settings, since it grows large.
    let keystream: WGObfuscatorKeystream

    package init(key: ObfuscationKey, usesSTUN: Bool) {
        self.key = key
        self.usesSTUN = usesSTUN
        keystream = WGObfuscatorKeystream(key: key.bytes)
    }

    package static func == (left: Self, right: Self) -> Bool {
        left.key.equals(right.key) && left.usesSTUN == right.usesSTUN
    }
}

/// `xor`: the repeating key.
package struct XORSettings: Equatable, Sendable {
    /// At least one byte.
    package var key: ObfuscationKey

    package init(key: ObfuscationKey) {
        self.key = key
    }

    package static func == (left: Self, right: Self) -> Bool { left.key.equals(right.key) }
}

/// `warp`: the three bytes that Cloudflare knows a client by.
package struct WARPSettings: Equatable, Sendable {
    /// Three bytes.
    package var reserved: [UInt8]
    /// Whose junk and special packets go before an initiation; the rest of it means nothing here.
    package var junk: AmneziaWGSettings

    package init(reserved: [UInt8], junk: AmneziaWGSettings = AmneziaWGSettings()) {
        self.reserved = reserved
        self.junk = junk
    }
}
