import Control
import Obfuscation
import Quick
import TestKit
import Testing
import Tunnel
import Wire

@testable import Setup

/// Both sides of a disguise are the same, as the parser of files and the codecs see them.
@Suite struct DisguiseTests {
    private func sides(_ desk: Desk, _ client: [UInt8]) throws -> (server: Dialect, client: Dialect, ConfigurationFile)
    {
        let server = try ConfigurationFile(parsing: desk.bytes(), name: "server", dialect: .quick)
        let other = try ConfigurationFile(parsing: client, name: "client", dialect: .quick)
        func dialect(_ file: ConfigurationFile) throws -> Dialect {
            let peer = try #require(file.peers.last)
            return try Dialect.resolve(peer.obfuscation.settings, interface: file.interface.obfuscation.settings)
        }
        return (try dialect(server), try dialect(other), other)
    }

    @Test(arguments: DialectName.allCases) func ofAServer(_ name: DialectName) throws {
        let desk = try Desk()
        var server = NewServer()
        server.target = "wgtest"
        server.obfuscation = name
        let outcome = try server.run(desk.surroundings, Desk.machine, desk.random)
        #expect(name == .plain || outcome.port != 51820)
        let peer = try desk.add("phone") { $0.keepsKey = true }
        let both = try sides(desk, peer.file)
        #expect(both.server == both.client)
        #expect((both.server == .plain) == (name == .plain))
        #expect(try KeptClientFile.text("phone", desk.edit().text, path: "x") == peer.file)
    }

    @Test(arguments: DialectName.allCases) func ofOnePeer(_ name: DialectName) throws {
        let desk = try Desk()
        var server = NewServer()
        server.target = "wgtest"
        server.obfuscation = .amneziaWG
        _ = try server.run(desk.surroundings, Desk.machine, desk.random)
        let peer = try desk.add("phone") {
            $0.obfuscation = name
            $0.keepsKey = true
        }
        let both = try sides(desk, peer.file)
        #expect(both.server == both.client)
        let hasNumbers = both.2.interface.obfuscation.settings.amneziaWG != nil
        #expect(hasNumbers == [.amneziaWG, .warp].contains(name))
        #expect(try KeptClientFile.text("phone", desk.edit().text, path: "x") == peer.file)
    }

    @Test func aServerWithoutNumbersHasNoAmneziaWG() throws {
        let desk = try Desk()
        try desk.write(Desk.server)
        #expect(complaint { try desk.add("phone") { $0.obfuscation = .amneziaWG } }.contains("AmneziaWG's numbers"))
        #expect(desk.text() == Desk.server)
    }

    @Test func everyServerHasNumbersOfItsOwn() throws {
        let random = SeededRandom(seed: 4)
        let drawn = (0..<50).compactMap { _ in NewDisguise.values(.amneziaWG, random).settings.amneziaWG }
        #expect(drawn.count == 50)
        #expect(Set(drawn.map { "\($0.headers)" }).count == 50)
        for settings in drawn { try settings.validate() }
    }
}
