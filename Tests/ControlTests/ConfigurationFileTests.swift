import Control
import TestKit
import Testing
import Tunnel
import Wire

@Suite("Configuration files")
struct ConfigurationFileTests {
    @Test("are printed as expected, read again and refused with a place", arguments: SampleConfiguration.all)
    func sample(_ sample: SampleConfiguration) throws {
        let dialect: ConfigurationFile.Dialect = sample.isQuick ? .quick : .wg
        switch sample.outcome {
        case .printed(let expected):
            let file = try ConfigurationFile(parsing: sample.text, name: "wg0.conf", dialect: dialect)
            let text = file.printed(dialect)
            #expect(String(decoding: text, as: UTF8.self) == expected)
            let again = try ConfigurationFile(parsing: text, name: "wg0.conf", dialect: dialect)
            #expect(again.printed(dialect) == text)
        case .refused(let sentence):
            let error = #expect(throws: ConfigurationError.self) {
                try ConfigurationFile(parsing: sample.text, name: "wg0.conf", dialect: dialect)
            }
            #expect(error?.description == "wg0.conf:\(sentence)")
        }
    }

    @Test("a file for wg is a file for wg-quick", arguments: SampleConfiguration.wg.filter(\.isTaken))
    func bothDialects(_ sample: SampleConfiguration) throws {
        let one = try ConfigurationFile(parsing: sample.text, name: "", dialect: .wg)
        let other = try ConfigurationFile(parsing: sample.text, name: "", dialect: .quick)
        #expect(one.printed(.wg) == other.printed(.quick))
    }

    @Test("the stripped file is what wg would make of it", arguments: SampleConfiguration.quick.filter(\.isTaken))
    func strippedIsForWg(_ sample: SampleConfiguration) throws {
        let whole = try ConfigurationFile(parsing: sample.text, name: "", dialect: .quick)
        let stripped = ConfigurationFile.stripped(Array(sample.text.utf8))
        #expect(try ConfigurationFile(parsing: stripped, name: "", dialect: .wg).printed(.wg) == whole.printed(.wg))
    }

    @Test("stripping keeps comments, order and what isn't known")
    func stripped() {
        let text = """
            # top
              [Interface]
            Address = 10.0.0.1/24 # here
             MTU=1 = 2
            PrivateKey = x # mine
            PostUp = a
            Foo = 1
            #DNS = 1.1.1.1

            [Peer]
            DNS = stays
            """
        let expected = """
            # top
            [Interface]
            PrivateKey = x # mine
            Foo = 1
            #DNS = 1.1.1.1

            [Peer]
            DNS = stays

            """
        #expect(String(decoding: ConfigurationFile.stripped(Array(text.utf8)), as: UTF8.self) == expected)
        #expect(ConfigurationFile.stripped([]) == [10])
    }

    @Test("bits of the host are warned about, with their place")
    func warnings() throws {
        let text = "[Peer]\nPublicKey = \(SampleConfiguration.firstPeer)\nAllowedIPs = 10.0.0.0/8, 10.8.1.1/16\n"
        let file = try ConfigurationFile(parsing: text, name: "wg0.conf", dialect: .wg)
        #expect(file.warnings == ["wg0.conf:3: Warning: AllowedIP has nonzero host part: 10.8.1.1/16"])
    }

    @Test("what AmneziaWG gave up is warned about, with its place")
    func abandoned() throws {
        let file = try ConfigurationFile(parsing: "[Interface]\nJ1 = <b 0x01>\nItime=60\n", name: "f", dialect: .wg)
        #expect(
            file.warnings == [
                "f:2: Warning: J1 was given up by AmneziaWG 2.0 and has no effect",
                "f:3: Warning: Itime was given up by AmneziaWG 2.0 and has no effect",
            ])
    }

    @Test("disguises are looked at as a whole, unless the file is a part")
    func disguises() throws {
        let text =
            "[Interface]\nListenPort = 5\n[Peer]\nPublicKey = \(SampleConfiguration.firstPeer)\nObfuscation = swgp\n"
        let error = #expect(throws: ConfigurationError.self) {
            try ConfigurationFile(parsing: text, name: "f", dialect: .wg)
        }
        #expect(error?.line == 5)
        #expect(error?.found.contains("ObfuscationKey") == true)
        let part = try ConfigurationFile(parsing: text, name: "f", dialect: .wg, isWhole: false)
        #expect(part.peers.count == 1)
    }

    @Test("what doesn't fit is told at the line of the setting that it is about")
    func disguisePlaces() throws {
        let key = SampleConfiguration.firstPeer
        let cases = [
            ("[Interface]\nS1 = 5\nHeaderProtectionKey = \(key)\n", 3),
            ("[Interface]\nH2 = 9\nH1 = 5-10\n", 3),
            ("[Interface]\nObfuscation = swgp\nObfuscationKey = x\n[Peer]\nPublicKey = \(key)\n", 3),
            ("[Interface]\nObfuscationKey = x\n[Peer]\nPublicKey = \(key)\nObfuscation = swgp\n", 2),
            ("[Interface]\nObfuscation = warp\n[Peer]\nPublicKey = \(key)\n", 2),
            ("[Interface]\nObfuscation = warp\n", 0),
            ("[Peer]\nPublicKey = \(key)\nObfuscationMTU = 5\n", 3),
            ("[Interface]\nJmin = 90\nJc = 3\nJmax = 80\n", 2),
        ]
        for (text, line) in cases {
            let result = Result { () throws(ConfigurationError) in
                try ConfigurationFile(parsing: text, name: "f", dialect: .wg)
            }
            switch result {
            case .success: #expect(line == 0, "\(text)")
            case .failure(let error):
                #expect(error.line == line, "\(error)")
                #expect(!error.description.contains(key))
            }
        }
    }

    @Test("no beginning of a file traps or shows its keys")
    func truncated() {
        let secret = SampleConfiguration.privateKey
        for sample in SampleConfiguration.all {
            let bytes = Array(sample.text.utf8)
            for end in 0...bytes.count {
                let result = Result { () throws(ConfigurationError) in
                    try ConfigurationFile(parsing: Array(bytes[..<end]), name: "f", dialect: .quick)
                }
                guard case .failure(let error) = result else { continue }
                #expect(
                    !error.description.contains(secret.prefix(20)) && !error.description.contains(secret.suffix(20)))
            }
        }
    }

    @Test("changed bytes never trap, and what is read can be printed and read again")
    func mutated() throws {
        var random = UAPITestRandom(seed: 11)
        for sample in SampleConfiguration.all {
            for _ in 0..<60 {
                var bytes = Array(sample.text.utf8)
                for _ in 0...Int.random(in: 0..<3, using: &random) where !bytes.isEmpty {
                    let place = Int.random(in: bytes.indices, using: &random)
                    switch Int.random(in: 0..<3, using: &random) {
                    case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
                    case 1: bytes.remove(at: place)
                    default: bytes.insert(bytes[Int.random(in: bytes.indices, using: &random)], at: place)
                    }
                }
                guard let file = try? ConfigurationFile(parsing: bytes, name: "f", dialect: .quick) else { continue }
                let text = file.printed(.quick)
                let again = try ConfigurationFile(parsing: text, name: "f", dialect: .quick)
                #expect(again.printed(.quick) == text)
            }
        }
    }

    @Test(
        "every key of the table is taken in its section, and named when it is mistyped",
        arguments: ConfigurationKey.allCases)
    func table(_ key: ConfigurationKey) {
        for section in key.sections {
            let error = #expect(throws: ConfigurationError.self) {
                try ConfigurationFile(parsing: "\(section.rawValue)\n\(key.name)s = 1\n", name: "f", dialect: .quick)
            }
            #expect(error?.expected == "\(key.name), the nearest known key")
            #expect(ConfigurationKey.nearest(to: "xyzzyxyzzy", in: section) == nil)
        }
    }

    @Test("addresses of interfaces")
    func interfaceAddresses() {
        #expect(InterfaceAddress("10.0.0.1/24")?.description == "10.0.0.1/24")
        #expect(InterfaceAddress("10.0.0.1/24")?.network == Prefix("10.0.0.0/24"))
        #expect(InterfaceAddress("fd00::1")?.description == "fd00::1/128")
        for text in ["", "/", "10.0.0.1/", "10.0.0.1/33", "fd00::/129", "10.0.0/8", "10.0.0.1/-1", "10.0.0.1/8/8"] {
            #expect(InterfaceAddress(text) == nil)
        }
    }
}

extension SampleConfiguration {
    static let all = wg + quick + obfuscation
}
