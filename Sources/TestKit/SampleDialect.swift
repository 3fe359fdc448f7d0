import NoisePrimitives
package import Obfuscation
import Tunnel
import Wire

/// Every dialect that there is, with settings that use all of it.
package enum SampleDialect: String, CaseIterable, Sendable {
    case plain, veil, veilWithSecret, amneziaWG1, amneziaWG2, amneziaWG3, amneziaWGPlain
    case swgp, swgpParanoid, swgp2026, swgpParanoid2026, lwo, wgObfuscator, wgObfuscatorSTUN, xor, xorBatch, warp

    package var dialect: Dialect {
        let key = ObfuscationKey(Array("a secret of both sides".utf8))
        let psk = SeededRandom(seed: 7).secret()
        func swgp(_ isParanoid: Bool, _ isDated: Bool) -> Dialect {
            .swgp(SWGPSettings(isParanoid: isParanoid, isDated: isDated, key: psk))
        }
        switch self {
        case .plain: return .plain
        case .veil: return .veil(VeilSettings())
        case .veilWithSecret: return .veil(VeilSettings(secret: key))
        case .amneziaWG1, .amneziaWG2, .amneziaWG3, .amneziaWGPlain: return .amneziaWG(amneziaWG)
        case .swgp: return swgp(false, false)
        case .swgpParanoid: return swgp(true, false)
        case .swgp2026: return swgp(false, true)
        case .swgpParanoid2026: return swgp(true, true)
        case .lwo: return .lwo
        case .wgObfuscator: return .wgObfuscator(WGObfuscatorSettings(key: key, usesSTUN: false))
        case .wgObfuscatorSTUN: return .wgObfuscator(WGObfuscatorSettings(key: key, usesSTUN: true))
        case .xor: return .xor(XORSettings(key: key))
        case .xorBatch: return .xorBatch
        case .warp: return .warp(WARPSettings(reserved: [12, 34, 56]))
        }
    }

    private var amneziaWG: AmneziaWGSettings {
        var settings = AmneziaWGSettings()
        (settings.junkCount, settings.junkMinimum, settings.junkMaximum) = (3, 40, 90)
        if self == .amneziaWGPlain { return settings }
        settings.prefixes = [15, 68, 0, 0]
        settings.headers = [11...11, 22...22, 33...33, 44...44]
        if self == .amneziaWG1 { return settings }
        settings.prefixes = [15, 68, 31, 12]
        settings.headers = [100...199, 200...299, 300...399, 400...499]
        settings.specialPackets[0] = "<b 0xc0ffee><r 30><t>"
        if self == .amneziaWG2 { return settings }
        settings.headerProtectionKey = SeededRandom(seed: 8).secret()
        settings.randomTrailers = true
        settings.disablesCookies = true
        (settings.rekeyAfterTime, settings.rejectAfterTime) = (90...130, 170...200)
        (settings.rekeyTimeout, settings.keepaliveTimeout, settings.maximumRetries) = (4...7, 8...13, 10...20)
        settings.prefixes[2] = 14
        return settings
    }

    /// Whether anything about it tells itself from WireGuard's own form.
    package var isVisible: Bool { self == .plain || self == .amneziaWGPlain }

    package static var hidden: [SampleDialect] { allCases.filter { !$0.isVisible } }
}
