package import Tunnel
import Wire

extension Dialect {
    /// Which disguise a peer has by what was said about it and its interface.
    package static func name(of peer: ObfuscationSettings, interface: ObfuscationSettings) -> DialectName {
        peer.dialect ?? interface.dialect ?? (interface.amneziaWG == nil ? .plain : .amneziaWG)
    }

    /// What people call it.
    package var name: DialectName {
        switch self {
        case .plain: .plain
        case .veil: .veil
        case .amneziaWG: .amneziaWG
        case .swgp(let settings) where settings.isParanoid: settings.isDated ? .swgpParanoid2026 : .swgpParanoid
        case .swgp(let settings): settings.isDated ? .swgp2026 : .swgp
        case .lwo: .lwo
        case .wgObfuscator(let settings): settings.usesSTUN ? .wgObfuscatorSTUN : .wgObfuscator
        case .xor: .xor
        case .xorBatch: .xorBatch
        case .warp: .warp
        }
    }

    /// Whether its messages look like WireGuard's own.
    package var isPlainOnTheWire: Bool {
        switch self {
        case .plain: true
        case .amneziaWG(let settings): settings.isPlainOnTheWire
        default: false
        }
    }
}
