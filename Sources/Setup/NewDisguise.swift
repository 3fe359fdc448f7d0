package import Control
package import NoisePrimitives
import Obfuscation
package import Quick
package import Tunnel
import Wire

/// The settings of disguises for both sides of a tunnel. Obfuscation §1.2.
package enum NewDisguise {
    /// What an interface says for a disguise: its name, and a new key or new numbers where it takes some.
    package static func values(_ dialect: DialectName, _ random: any RandomSource) -> ObfuscationValues {
        var values = ObfuscationValues()
        values[.dialect] = .dialect(dialect)
        switch dialect {
        case .plain, .veil, .lwo, .xorBatch: break
        case .swgp, .swgpParanoid, .swgp2026, .swgpParanoid2026, .wgObfuscator, .wgObfuscatorSTUN, .xor:
            values[.key] = .key(ObfuscationKey(Array(Base64Key.text(random.secret()).utf8)))
        case .warp:
            values[.reserved] = .bytes((0..<3).map { _ in UInt8(random.below(256)) })
        case .amneziaWG:
            var settings = ObfuscationSettings()
            settings.amneziaWG = amneziaWG(random)
            let numbers = ObfuscationValues(settings)
            for setting in ObfuscationSetting.allCases where setting != .dialect {
                values[setting] = numbers[setting]
            }
        }
        return values
    }

    /// What a peer's section of a server's file says for a disguise of its own.
    ///
    /// - Throws: when it needs what the server doesn't have.
    package static func values(
        ofPeer dialect: DialectName, of interface: ObfuscationValues, path: String, _ random: any RandomSource
    ) throws(QuickError) -> ObfuscationValues {
        guard dialect == .amneziaWG else { return values(dialect, random) }
        guard interface.settings.amneziaWG != nil else {
            throw QuickError(
                "\(path) has none of AmneziaWG's numbers in [Interface], which hold for all peers; 'nightjar new server "
                    + "--obfuscation amneziawg' makes a server with some")
        }
        var own = ObfuscationValues()
        own[.dialect] = .dialect(.amneziaWG)
        return own
    }

    /// What the peer's own file says, so that both sides have the same disguise.
    package static func otherSide(_ peer: ObfuscationValues, of interface: ObfuscationValues) -> ObfuscationValues {
        let standard: DialectName = interface.settings.amneziaWG == nil ? .plain : .amneziaWG
        let dialect = peer.settings.dialect ?? interface.settings.dialect ?? standard
        guard dialect != .plain else { return ObfuscationValues() }
        var values = ObfuscationValues()
        for setting in ObfuscationSetting.allCases where setting.isUsed(by: dialect) {
            let isOthers =
                setting == .key && peer.settings.dialect != nil && peer.settings.dialect != interface.settings.dialect
            values[setting] = peer[setting] ?? (isOthers ? nil : interface[setting])
        }
        values[.dialect] = .dialect(dialect)
        return values
    }

    /// Numbers by chance within what AmneziaWG's own tools give, different for each server, so that no list of them helps.
    private static func amneziaWG(_ random: any RandomSource) -> AmneziaWGSettings {
        func number(_ range: ClosedRange<UInt16>) -> UInt16 {
            range.lowerBound + UInt16(random.below(UInt64(range.upperBound - range.lowerBound) + 1))
        }
        while true {
            var settings = AmneziaWGSettings()
            settings.junkCount = number(4...10)
            settings.junkMinimum = number(40...80)
            settings.junkMaximum = settings.junkMinimum + number(100...600)
            settings.prefixes = [number(15...150), number(15...150), number(15...60), number(4...24)]
            // A quarter of the numbers for each kind of message, past those of WireGuard itself.
            settings.headers = (0..<4).map { kind in
                let start = (UInt32(kind) << 29) + UInt32(5 + random.below(1 << 28))
                return start...(start + UInt32(1000 + random.below(1 << 20)))
            }
            let sizes = zip(settings.prefixes, [148, 92, 64]).map { Int($0) + $1 }
            // Two kinds of handshake messages of one size would be told apart by nothing but their header.
            guard Set(sizes).count == sizes.count, (try? settings.validate()) != nil else { continue }
            return settings
        }
    }
}

extension ObfuscationSetting {
    fileprivate func isUsed(by dialect: DialectName) -> Bool {
        switch self {
        case .dialect, .key, .pathMTU, .reserved: true
        // Junk goes before the handshakes of both.
        case .junkCount, .junkMinimum, .junkMaximum, .i1, .i2, .i3, .i4, .i5: [.amneziaWG, .warp].contains(dialect)
        default: dialect == .amneziaWG
        }
    }
}
