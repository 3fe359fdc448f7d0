import Obfuscation
import Testing
import Tunnel
import Wire

@Suite struct DialectResolutionTests {
    private let key32 = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

    private func settings(
        _ dialect: DialectName? = nil, key: String? = nil, pathMTU: UInt16? = nil, reserved: [UInt8]? = nil
    ) -> ObfuscationSettings {
        var settings = ObfuscationSettings()
        settings.dialect = dialect
        settings.key = key.map { ObfuscationKey(Array($0.utf8)) }
        settings.pathMTU = pathMTU
        settings.reserved = reserved
        return settings
    }

    private func resolve(_ peer: ObfuscationSettings, _ interface: ObfuscationSettings = .init()) throws -> Dialect {
        try Dialect.resolve(peer, interface: interface)
    }

    private func problem(_ peer: ObfuscationSettings, _ interface: ObfuscationSettings = .init()) -> String? {
        do throws(DialectError) {
            _ = try Dialect.resolve(peer, interface: interface)
            return nil
        } catch { return error.description }
    }

    @Test func nothingSaidIsPlain() throws {
        #expect(try resolve(settings()) == .plain)
        var interface = settings()
        interface.amneziaWG = AmneziaWGSettings()
        #expect(try resolve(settings(), interface) == .amneziaWG(AmneziaWGSettings()))
        #expect(try resolve(settings(.plain), interface) == .plain)
    }

    @Test func thePeersWordCountsBeforeItsInterfaces() throws {
        let interface = settings(.xor, key: "one")
        #expect(try resolve(settings(), interface) == .xor(XORSettings(key: ObfuscationKey(Array("one".utf8)))))
        #expect(
            try resolve(settings(key: "two"), interface) == .xor(XORSettings(key: ObfuscationKey(Array("two".utf8)))))
        #expect(try resolve(settings(.lwo), interface) == .lwo)
        #expect(try resolve(settings(.plain, key: "two"), interface) == .plain)
    }

    @Test func keysAreTextOrBase64() throws {
        func xor(_ key: String) throws -> Dialect { try resolve(settings(.xor, key: key)) }
        func bytes(_ bytes: [UInt8]) -> Dialect { .xor(XORSettings(key: ObfuscationKey(bytes))) }
        #expect(try xor("a") == bytes([0x61]))
        #expect(try xor("base64") == bytes(Array("base64".utf8)))
        #expect(try xor("base64:AP8=") == bytes([0, 255]))
        #expect(try xor("base64:/+8B") == bytes([255, 239, 1]))
        #expect(try xor("base64:/w==") == bytes([255]))
        for bad in ["base64:A", "base64:AA", "base64:AAA", "base64:A===", "base64:AB==", "base64:A=AA", "base64:A B="] {
            #expect(problem(settings(.xor, key: bad))?.contains("isn't base64") == true)
        }
        #expect(problem(settings(.xor, key: "base64:"))?.contains("one byte") == true)
        #expect(problem(settings(.xor, key: ""))?.contains("one byte") == true)
        #expect(problem(settings(.xor))?.contains("needs ObfuscationKey") == true)
    }

    @Test(arguments: [
        (DialectName.swgp, false, false), (.swgpParanoid, true, false), (.swgp2026, false, true),
        (.swgpParanoid2026, true, true),
    ])
    func swgpWantsThirtyTwoBytes(_ name: DialectName, isParanoid: Bool, isDated: Bool) throws {
        let expected = SWGPSettings(
            isParanoid: isParanoid, isDated: isDated, key: Secret32(Bytes32(0..<32)!), pathMTU: 1400)
        #expect(try resolve(settings(name, key: key32, pathMTU: 1400)) == .swgp(expected))
        #expect(try resolve(settings(name, key: "base64:" + key32, pathMTU: 1400)) == .swgp(expected))
        #expect(problem(settings(name))?.contains("32 bytes in base64") == true)
        for bad in ["text", String(key32.dropLast()), key32 + "=", "base64:AAAA"] {
            #expect(problem(settings(name, key: bad))?.contains("exactly 32 bytes") == true)
        }
        for bad: UInt16 in [1279, 1501] {
            #expect(problem(settings(name, key: key32, pathMTU: bad))?.contains("1280 to 1500") == true)
        }
    }

    @Test func wgObfuscatorsKeyIsLimited() throws {
        for (name, usesSTUN) in [(DialectName.wgObfuscator, false), (.wgObfuscatorSTUN, true)] {
            let longest = String(repeating: "k", count: 255)
            #expect(
                try resolve(settings(name, key: longest))
                    == .wgObfuscator(
                        WGObfuscatorSettings(key: ObfuscationKey(Array(longest.utf8)), usesSTUN: usesSTUN)))
            #expect(problem(settings(name, key: longest + "k"))?.contains("256 bytes") == true)
            #expect(problem(settings(name))?.contains("needs ObfuscationKey") == true)
        }
    }

    @Test func warpWantsThreeBytes() throws {
        #expect(try resolve(settings(.warp, reserved: [1, 2, 3])) == .warp(WARPSettings(reserved: [1, 2, 3])))
        #expect(
            try resolve(settings(), settings(.warp, reserved: [1, 2, 3])) == .warp(WARPSettings(reserved: [1, 2, 3])))
        #expect(problem(settings(.warp))?.contains("needs Reserved") == true)
        #expect(problem(settings(.warp, reserved: [1, 2]))?.contains("not 2") == true)
    }

    @Test func veilsSecretIsOptional() throws {
        #expect(try resolve(settings(.veil)) == .veil(VeilSettings()))
        let secret = ObfuscationKey(Array("any text".utf8))
        #expect(try resolve(settings(.veil, key: "any text")) == .veil(VeilSettings(secret: secret)))
    }

    @Test func whatAPeerSaysInVainIsRefused() {
        for name: DialectName in [.lwo, .xorBatch, .warp] {
            let peer = settings(name, key: "k", reserved: name == .warp ? [1, 2, 3] : nil)
            #expect(problem(peer)?.contains("ObfuscationKey means nothing") == true)
        }
        #expect(problem(settings(.veil, reserved: [1, 2, 3]))?.contains("Obfuscation = warp") == true)
        var peer = settings(.amneziaWG)
        peer.amneziaWG = AmneziaWGSettings()
        #expect(problem(peer)?.contains("belong in [Interface]") == true)
        #expect(problem(settings(.amneziaWG))?.contains("S1 to S4") == true)
        #expect(problem(settings(.veil, pathMTU: 500))?.contains("too small") == true)
    }

    @Test func noProblemShowsAKey() {
        let secret = "very secret words"
        for name in DialectName.allCases {
            let text = problem(settings(name, key: secret, pathMTU: 500, reserved: [])) ?? ""
            #expect(!text.contains(secret))
        }
    }
}

@Suite struct DialectMTUTests {
    @Test func mtuIsWhatTheDialectLeaves() {
        let key = ObfuscationKey([1])
        let secret = Secret32(Bytes32(0..<32)!)
        var amneziaWG = AmneziaWGSettings()
        amneziaWG.prefixes = [1, 2, 3, 40]
        let expected: [(Dialect, Int, Int)] = [
            (.plain, 1440, 1420), (.xor(XORSettings(key: key)), 1440, 1420), (.xorBatch, 1440, 1420),
            (.lwo, 1440, 1420), (.warp(WARPSettings(reserved: [1, 2, 3])), 1440, 1420),
            (.veil(VeilSettings()), 1432, 1412), (.amneziaWG(amneziaWG), 1400, 1380),
            (.swgp(SWGPSettings(isParanoid: false, isDated: false, key: secret)), 1440, 1408),
            (.swgp(SWGPSettings(isParanoid: true, isDated: true, key: secret)), 1392, 1376),
            (.wgObfuscator(WGObfuscatorSettings(key: key, usesSTUN: true)), 1416, 1396),
        ]
        for (dialect, ipv4, ipv6) in expected {
            #expect(dialect.interfaceMTU(pathMTU: 1500, isIPv6: false) == ipv4)
            #expect(dialect.interfaceMTU(pathMTU: 1500, isIPv6: true) == ipv6)
            #expect(dialect.interfaceMTU(pathMTU: 0, isIPv6: true) == 0)
        }
    }
}
