import Control
import Glibc
import Obfuscation
import Relay
import Testing
import Wire

@Suite("Files of relays")
struct RelayFileTests {
    private static let key = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="

    private func read(_ text: String) throws -> RelayFile {
        try RelayFile(parsing: Array(text.utf8), name: "r.conf")
    }

    @Test("say where to listen, where to send on to and how both look")
    func whole() throws {
        let file = try read(
            """
            # two relays
            [relay]
            listen = 127.0.0.1:51820
            Endpoint = vpn.example.net:443
            ServerPublicKey = \(Self.key)
            ClientPublicKey = \(Self.key)
            IdleTimeout = 60
            MaxFlows = 7
            FwMark = 0xca6c
            StateFile = /var/lib/nightjar relay/a
            [Forward]
            Obfuscation = veil
            ObfuscationKey = one two   # three

            [Relay]
            Listen = [2001:db8::2]:443
            Endpoint = [2001:db8::1]:51820
            [Listen]
            S1 = 10
            """)
        #expect(file.warnings.isEmpty)
        let (first, second) = (file.relays[0], file.relays[1])
        #expect(first.listen.description == "127.0.0.1:51820")
        #expect(first.endpoint == RelayEndpoint(host: "vpn.example.net", port: 443, numeric: nil))
        #expect(first.serverKey?.base64 == Self.key && first.clientKeys.map(\.base64) == [Self.key])
        #expect(first.idleTimeout == 60 && first.maximumFlows == 7 && first.firewallMark == 0xca6c)
        #expect(first.stateFile == "/var/lib/nightjar relay/a")
        #expect(first.listenDialect == .plain)
        guard case .veil(let veil) = first.forwardDialect else {
            Issue.record("not veil")
            return
        }
        #expect(veil.secret?.bytes == Array("one two".utf8))
        #expect(second.listen.description == "[2001:db8::2]:443")
        #expect(second.endpoint.description == "[2001:db8::1]:51820")
        guard case .amneziaWG(let awg) = second.listenDialect else {
            Issue.record("not AmneziaWG")
            return
        }
        #expect(awg.prefixes == [10, 0, 0, 0])
        #expect(second.idleTimeout == 300 && second.maximumFlows == 1024 && second.stateFile == nil)
    }

    @Test(
        "are refused with a place and a reason",
        arguments: [
            ("", "1: found no [Relay]; expected one at least"),
            (
                "[Relay]\n",
                "1: there is no Listen: PORT, for all addresses, or ADDRESS:PORT, an IPv6 address in brackets"
            ),
            ("[Relay]\nListen = 1\n", "1: there is no Endpoint: HOST:PORT, an IPv6 address in brackets"),
            ("Listen = 1", "1: found Listen before any section; expected [Relay] before it"),
            ("[Listen]", "1: found [Listen] before any [Relay]; expected [Relay], which it belongs to, before it"),
            ("[Relay]\n[Peer]", "2: found the section \"[Peer]\"; expected [Relay], [Listen] or [Forward]"),
            ("[Relay]\nLisen = 1", "2: found the unknown key \"Lisen\"; expected Listen, the nearest known key"),
            ("[Relay]\nObfuscation = veil", "2: found Obfuscation in [Relay]; expected it in [Listen] or [Forward]"),
            ("[Relay]\nListen = 1\nListen = 2", "3: found Listen for a second time in [Relay]; expected it once"),
            (
                "[Relay]\nListen = 0",
                "2: found \"0\" as Listen; expected PORT, for all addresses, or ADDRESS:PORT, an IPv6 address in brackets"
            ),
            (
                "[Relay]\nIdleTimeout = 5",
                "2: found \"5\" as IdleTimeout; expected a number of seconds from 10 to 86400"
            ),
            (
                "[Relay]\nServerPublicKey = abc",
                "2: found a text of 3 characters as ServerPublicKey; expected the WireGuard server's public key, 44 characters of base64"
            ),
            (
                "[Relay]\nListen = 1\nEndpoint = a:1\n[Listen]\nObfuscation = veil",
                "4: the disguise of [Listen] needs ServerPublicKey, the WireGuard server's public key, in [Relay]"
            ),
            (
                "[Relay]\nListen = 1\nEndpoint = a:1\nServerPublicKey = \(key)\n[Forward]\nObfuscation = lwo",
                "5: the disguise of [Forward] needs ClientPublicKey, the public key of each WireGuard client, in [Relay]"
            ),
            (
                "[Relay]\nListen = 1\nEndpoint = a:1\n[Forward]\nObfuscation = xor",
                "4: Obfuscation = xor needs ObfuscationKey, the same as on the other side"
            ),
            (
                "[Relay]\nListen = 1\nEndpoint = a:1\n[Relay]\nListen = 1\nEndpoint = b:1",
                "4: a relay listens on port 1 already"
            ),
        ])
    func refused(text: String, sentence: String) {
        let error = #expect(throws: ConfigurationError.self) { try read(text) }
        #expect(error?.description == "r.conf:\(sentence)")
    }

    @Test("that hide nothing are warned about")
    func plain() throws {
        let file = try read("[Relay]\nListen = 1\nEndpoint = a:1\n")
        #expect(file.warnings == ["r.conf:1: Warning: both sides look the same, so this relay hides nothing"])
    }

    @Test("never show a secret")
    func secrets() {
        let error = #expect(throws: ConfigurationError.self) {
            try read("[Relay]\n[Listen]\nHeaderProtectionKey = AQIDBAUGBwgJCgsMDQ4PEBESExQV\n")
        }
        #expect(error?.description.contains("AQID") == false)
    }

    @Test("every key has a place and an expectation, and no two a name")
    func table() {
        #expect(Set(RelayKey.allCases.map { $0.name.lowercased() }).count == RelayKey.allCases.count)
        for key in RelayKey.allCases { #expect(!key.sections.isEmpty && !key.expectation.isEmpty) }
    }

    @Test("options make the same relay, with keys from files")
    func options() throws {
        let path = "/tmp/nightjar-relay-key-\(getpid())"
        defer { unlink(path) }
        let file = fopen(path, "w")
        fputs("  adamxiao\n", file)
        fclose(file)
        var arguments = RelayArguments()
        #expect(arguments.isEmpty)
        arguments.listen = "51820"
        arguments.endpoint = "192.0.2.1:443"
        arguments.endpointObfuscation = "xor"
        arguments.endpointKeyFile = path
        let settings = try arguments.settings()
        #expect(settings.listen == .everywhere(port: 51820) && settings.listenDialect == .plain)
        guard case .xor(let xor) = settings.forwardDialect else {
            Issue.record("not xor")
            return
        }
        #expect(xor.key.bytes == Array("adamxiao".utf8))

        arguments.endpointKeyFile = nil
        #expect(throws: RelayArgumentsError.self) { try arguments.settings() }
        arguments.endpointObfuscation = "veil"
        let error = #expect(throws: RelayArgumentsError.self) { try arguments.settings() }
        #expect(error?.description == "--to-obfuscation needs --server-public-key, the WireGuard server's public key")
        arguments.serverPublicKey = "x"
        let mistyped = #expect(throws: RelayArgumentsError.self) { try arguments.settings() }
        #expect(
            mistyped?.description
                == "--server-public-key: found a text of 1 characters; expected the WireGuard server's public key, 44 characters of base64"
        )
    }
}
