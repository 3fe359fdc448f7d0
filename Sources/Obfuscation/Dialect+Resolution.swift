package import Tunnel
import Wire

extension Dialect {
    /// The disguise of a peer.
    ///
    /// Each setting that the peer doesn't have is its interface's, also where the peer names a disguise of its own. The key of `xor` and
    /// `wg-obfuscator` is the text as it was written, or what stands behind "base64:" decoded; that of `swgp` is 32 bytes in base64, with
    /// or without "base64:"; that of `veil` any text.
    ///
    /// - Parameter interface: what its interface says, which counts where the peer says nothing.
    /// - Throws: when something is missing or doesn't fit together.
    package static func resolve(
        _ peer: ObfuscationSettings, interface: ObfuscationSettings
    ) throws(DialectError) -> Dialect {
        let name = name(of: peer, interface: interface)
        try name.refuseUnused(peer)
        let key = peer.key ?? interface.key
        let pathMTU = try Self.pathMTU(peer, interface)
        switch name {
        case .plain: return .plain
        case .veil: return .veil(VeilSettings(secret: key))
        case .amneziaWG: return .amneziaWG(try amneziaWGSettings(interface))
        case .swgp: return try swgp(key, pathMTU, isParanoid: false, isDated: false, name)
        case .swgpParanoid: return try swgp(key, pathMTU, isParanoid: true, isDated: false, name)
        case .swgp2026: return try swgp(key, pathMTU, isParanoid: false, isDated: true, name)
        case .swgpParanoid2026: return try swgp(key, pathMTU, isParanoid: true, isDated: true, name)
        case .lwo: return .lwo
        case .wgObfuscator: return .wgObfuscator(try wgObfuscatorSettings(key, usesSTUN: false, name))
        case .wgObfuscatorSTUN: return .wgObfuscator(try wgObfuscatorSettings(key, usesSTUN: true, name))
        case .xor: return .xor(XORSettings(key: try name.bytes(of: key)))
        case .xorBatch: return .xorBatch
        case .warp: return .warp(try warpSettings(peer.reserved ?? interface.reserved, interface.amneziaWG))
        }
    }

    /// The bytes of the largest IP packet on the path.
    private static func pathMTU(
        _ peer: ObfuscationSettings, _ interface: ObfuscationSettings
    ) throws(DialectError) -> Int {
        let bytes = Int(peer.pathMTU ?? interface.pathMTU ?? 1500)
        guard bytes >= 576 else {
            throw DialectError(
                "ObfuscationMTU = \(bytes) is too small: it is the size of the largest packet that the way to the peer carries, 576 to 65535 bytes, mostly 1500"
            )
        }
        return bytes
    }

    private static func amneziaWGSettings(_ interface: ObfuscationSettings) throws(DialectError) -> AmneziaWGSettings {
        guard let settings = interface.amneziaWG else {
            throw DialectError(
                "Obfuscation = amneziawg needs AmneziaWG's keys in [Interface], the other side's S1 to S4 and H1 to H4 among them: without any the bytes are WireGuard's own"
            )
        }
        try settings.validate()
        return settings
    }

    private static func swgp(
        _ key: ObfuscationKey?, _ pathMTU: Int, isParanoid: Bool, isDated: Bool, _ name: DialectName
    ) throws(DialectError) -> Dialect {
        let text = try name.need(key, "32 bytes in base64, the other side's proxyPSK")
        let least = 1280
        let most = DisguiseLimits.datagram
        guard let bytes = text.secretFromBase64 else {
            throw DialectError(
                "ObfuscationKey of Obfuscation = \(name.rawValue) has to be exactly 32 bytes in base64, which are 44 characters; `nightjar genpsk` makes one"
            )
        }
        guard pathMTU >= least, pathMTU <= most else {
            throw DialectError(
                "ObfuscationMTU = \(pathMTU) doesn't go with Obfuscation = \(name.rawValue), which takes \(least) to \(most)"
            )
        }
        return .swgp(SWGPSettings(isParanoid: isParanoid, isDated: isDated, key: bytes, pathMTU: pathMTU))
    }

    private static func wgObfuscatorSettings(
        _ key: ObfuscationKey?, usesSTUN: Bool, _ name: DialectName
    ) throws(DialectError) -> WGObfuscatorSettings {
        let key = try name.bytes(of: key)
        guard key.bytes.count <= 255 else {
            throw DialectError(
                "ObfuscationKey of Obfuscation = \(name.rawValue) has \(key.bytes.count) bytes; it may have 255 at most"
            )
        }
        return WGObfuscatorSettings(key: key, usesSTUN: usesSTUN)
    }

    private static func warpSettings(
        _ reserved: [UInt8]?, _ amneziaWG: AmneziaWGSettings?
    ) throws(DialectError) -> WARPSettings {
        guard let reserved else {
            throw DialectError(
                "Obfuscation = warp needs Reserved, the three bytes of the client's id, such as Reserved = 12, 34, 56")
        }
        guard reserved.count == 3 else {
            throw DialectError("Reserved has three bytes, not \(reserved.count)")
        }
        var junk = AmneziaWGSettings()
        if let amneziaWG {
            try amneziaWG.validate()
            junk.junkCount = amneziaWG.junkCount
            junk.junkMinimum = amneziaWG.junkMinimum
            junk.junkMaximum = amneziaWG.junkMaximum
            junk.specialPackets = amneziaWG.specialPackets
        }
        return WARPSettings(reserved: reserved, junk: junk)
    }
}

extension DialectName {
    /// Refuses a peer's settings that would do nothing, since who wrote them believes that they protect. A peer without disguise may keep
    /// what it had.
    fileprivate func refuseUnused(_ peer: ObfuscationSettings) throws(DialectError) {
        if peer.amneziaWG != nil {
            throw DialectError("AmneziaWG's keys belong in [Interface], where they hold for all of its amneziawg peers")
        }
        guard self != .plain else { return }
        if peer.key != nil, !takesKey {
            throw DialectError("ObfuscationKey means nothing with Obfuscation = \(rawValue): take it out of this peer")
        }
        if peer.reserved != nil, self != .warp {
            throw DialectError("Reserved goes with Obfuscation = warp, not with \(rawValue): take it out of this peer")
        }
    }

    private var takesKey: Bool {
        switch self {
        case .veil, .swgp, .swgpParanoid, .swgp2026, .swgpParanoid2026, .wgObfuscator, .wgObfuscatorSTUN, .xor: true
        case .plain, .amneziaWG, .lwo, .xorBatch, .warp: false
        }
    }

    fileprivate func need(_ key: ObfuscationKey?, _ what: String) throws(DialectError) -> ObfuscationKey {
        guard let key else {
            throw DialectError(
                "Obfuscation = \(rawValue) needs ObfuscationKey, \(what), in [Interface] or in this peer")
        }
        return key
    }

    /// A key of at least one byte, decoded.
    fileprivate func bytes(of key: ObfuscationKey?) throws(DialectError) -> ObfuscationKey {
        let text = try need(key, "the same as on the other side")
        guard let bytes = text.material else {
            throw DialectError("what stands behind \"base64:\" in ObfuscationKey isn't base64")
        }
        guard !bytes.isEmpty else {
            throw DialectError("ObfuscationKey of Obfuscation = \(rawValue) needs one byte at least")
        }
        return ObfuscationKey(bytes)
    }
}

extension ObfuscationKey {
    /// Nil unless it is 32 bytes in base64.
    fileprivate var secretFromBase64: Secret32? {
        let marker = Array("base64:".utf8)
        let text = bytes
        return Base64.decode(text.starts(with: marker) ? text.dropFirst(marker.count) : text[...]).map { Secret32($0) }
    }
}
