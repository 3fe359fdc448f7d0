package import Tunnel
import Wire

extension Dialect {
    /// Which disguise a peer has by what was said about it and its interface.
    package static func name(of peer: ObfuscationSettings, interface: ObfuscationSettings) -> DialectName {
        peer.dialect ?? interface.dialect ?? (interface.amneziaWG == nil ? .plain : .amneziaWG)
    }

    /// Whether its messages look like WireGuard's own.
    package var isPlainOnTheWire: Bool {
        switch self {
        case .plain: true
        case .amneziaWG(let settings):
            settings.prefixes.allSatisfy { $0 == 0 } && settings.headers == AmneziaWGSettings().headers
                && settings.headerProtectionKey.isZero && !settings.randomTrailers
        default: false
        }
    }
}
