import Obfuscation
import Testing
import Tunnel
import Wire

/// Every dialect that a relay may speak, by a name for reports.
struct TestDialect: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let dialect: Dialect

    private init(_ name: String, _ dialect: Dialect) {
        testDescription = name
        self.dialect = dialect
    }

    static let all: [TestDialect] = [
        TestDialect("plain", .plain),
        TestDialect("xor", .xor(XORSettings(key: key))),
        TestDialect("xor-batch", .xorBatch),
        TestDialect("warp", .warp(WARPSettings(reserved: [1, 2, 3]))),
        TestDialect("lwo", .lwo),
        TestDialect("swgp", swgp(isParanoid: false, isDated: false)),
        TestDialect("swgp-2026", swgp(isParanoid: false, isDated: true)),
        TestDialect("swgp-paranoid", swgp(isParanoid: true, isDated: false)),
        TestDialect("swgp-paranoid-2026", swgp(isParanoid: true, isDated: true)),
        TestDialect("wg-obfuscator", .wgObfuscator(WGObfuscatorSettings(key: key, usesSTUN: false))),
        TestDialect("wg-obfuscator-stun", .wgObfuscator(WGObfuscatorSettings(key: key, usesSTUN: true))),
        TestDialect("veil", .veil(VeilSettings())),
        TestDialect("veil with a secret", .veil(VeilSettings(secret: key))),
        TestDialect("AmneziaWG 1.0", .amneziaWG(amneziaWG1)),
        TestDialect("AmneziaWG 2.0", .amneziaWG(amneziaWG2)),
        TestDialect("AmneziaWG 3.1", .amneziaWG(amneziaWG3)),
    ]

    /// How many datagrams that mean nothing go before an initiation.
    var junk: UInt64 {
        guard case .amneziaWG(let settings) = dialect else { return 0 }
        return UInt64(settings.junkCount) + UInt64(settings.specialPackets.count { !$0.isEmpty })
    }

    static let key = ObfuscationKey(Array("adamxiao".utf8))

    static func swgp(isParanoid: Bool, isDated: Bool) -> Dialect {
        let key = Secret32(filling: { bytes in for index in 0..<32 { bytes[index] = UInt8(index) } })
        return .swgp(SWGPSettings(isParanoid: isParanoid, isDated: isDated, key: key))
    }

    static let amneziaWG1: AmneziaWGSettings = {
        var settings = AmneziaWGSettings()
        settings.junkCount = 4
        settings.junkMinimum = 40
        settings.junkMaximum = 70
        settings.prefixes = [15, 18, 0, 0]
        settings.headers = [1_000_001...1_000_001, 1_000_002...1_000_002, 1_000_003...1_000_003, 1_000_004...1_000_004]
        return settings
    }()

    static let amneziaWG2: AmneziaWGSettings = {
        var settings = amneziaWG1
        settings.prefixes = [15, 18, 20, 21]
        settings.headers = [10...1_000_000, 2_000_000...3_000_000, 4_000_000...5_000_000, 6_000_000...2_000_000_000]
        settings.specialPackets[0] = "<b 0x01020304><r 20><t>"
        return settings
    }()

    static let amneziaWG3: AmneziaWGSettings = {
        var settings = amneziaWG2
        settings.headerProtectionKey = Secret32(filling: { bytes in
            for index in 0..<32 { bytes[index] = UInt8(index) }
        })
        settings.randomTrailers = true
        return settings
    }()
}
