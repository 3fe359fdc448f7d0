import Control
import Foundation
import Glibc
import LinuxNet
import Quick
import Testing
import Wire

@testable import Setup

@Suite struct PeerEditTests {
    @Test func aNewPeerIsAppended() throws {
        let desk = try Desk()
        try desk.write(Desk.server)
        let outcome = try desk.add("Zoë's phone")
        #expect(outcome.addresses.map { "\($0)" } == ["10.8.0.3/32", "fd08::3/128"])
        let text = desk.text()
        #expect(text.hasPrefix(Desk.server + "\n[Peer]\n# Name = Zoë's phone\nPublicKey = "))
        #expect(text.hasSuffix("AllowedIPs = 10.8.0.3/32, fd08::3/128\n"))
        #expect(outcome.reach == .file)

        let server = try ConfigurationFile(parsing: desk.bytes(), name: "server", dialect: .quick)
        let client = try ConfigurationFile(parsing: outcome.file, name: "client", dialect: .quick)
        let peer = try #require(server.peers.last)
        let side = try #require(client.peers.first)
        #expect(X25519Pair.matches(client.interface.privateKey, peer.publicKey))
        #expect(X25519Pair.matches(server.interface.privateKey, side.publicKey))
        #expect(peer.presharedKey?.equals(try #require(side.presharedKey)) == true)
        #expect(client.interface.addresses.map { "\($0)" } == ["10.8.0.3/32", "fd08::3/128"])
        #expect(side.endpoint?.description == "vpn.example.org:51820")
        #expect(side.prefixes == prefixes("0.0.0.0/0", "::/0"))
        #expect(side.persistentKeepalive == 25)
        let key = try #require(client.interface.privateKey)
        #expect(!text.contains(Base64Key.text(key)), "the private key is kept although nobody asked for it")
    }

    @Test func changesAndBack() throws {
        let desk = try Desk()
        try desk.write(Desk.server)
        try desk.add("laptop")
        let before = desk.text()
        try desk.change(.disable, "bob")
        #expect(
            desk.text().contains(
                "\n# Bob, by hand\n#[disabled] [Peer]\n#[disabled] # Name = bob\n#[disabled] PublicKey = xTIB"))
        let stock = try ConfigurationFile(parsing: desk.bytes(), name: "", dialect: .quick)
        #expect(stock.peers.count == 1)
        // Its address stays its own.
        #expect(try desk.add("tablet").addresses.first == Prefix("10.8.0.4/32"))
        try desk.change(.remove, "TABLET")
        try desk.change(.enable, "bob")
        #expect(desk.text() == before)
        try desk.change(.rename("robert"), "bob")
        #expect(desk.text() == before.replacingOccurrences(of: "# Name = bob", with: "# Name = robert"))
        try desk.change(.remove, "laptop")
        try desk.change(.rename("bob"), "robert")
        #expect(desk.text() == Desk.server)
        try desk.change(.remove, "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=")
        #expect(!desk.text().contains("Bob, by hand"))
        #expect(try ConfigurationFile(parsing: desk.bytes(), name: "", dialect: .quick).peers.isEmpty)
    }

    @Test func switchingTwiceIsNoChange() throws {
        let desk = try Desk()
        try desk.write(Desk.server)
        #expect(try PeerEdit.enable.run("bob", desk.edit()).reach == nil)
        try desk.change(.disable, "bob")
        let text = desk.text()
        #expect(try PeerEdit.disable.run("bob", desk.edit()).reach == nil)
        #expect(desk.text() == text)
    }

    /// Each gets a sentence, and the file stays as it is.
    @Test func refusals() throws {
        let desk = try Desk()
        try desk.write(Desk.server)
        try desk.add("laptop")
        let text = desk.text()
        func refused(_ words: String, _ body: () throws -> Void) {
            let sentence = complaint(body)
            #expect(sentence.contains(words), "\(sentence)")
            #expect(desk.text() == text)
        }
        refused("wgtest.conf:15: there is a peer called \"laptop\" already") { try desk.add("LapTop") }
        refused("there is a peer called \"bob\" already") { try desk.change(.rename("Bob"), "laptop") }
        refused("there is no peer called \"phone\"; there are \"bob\", \"laptop\"") {
            try desk.change(.disable, "phone")
        }
        refused("'#' has a meaning") { try desk.change(.rename("a#b"), "laptop") }
        refused("was not kept") { _ = try KeptClientFile.text("laptop", desk.edit().text, path: "x") }
        refused("is no endpoint") { try desk.add("phone") { $0.endpoint = "not a host" } }
    }

    @Test func filesThatSomebodyHasEdited() throws {
        let desk = try Desk()
        func refused(_ text: String, _ words: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
            try desk.write(text)
            let sentence = complaint { try desk.add("laptop") }
            #expect(sentence.contains(words), "\(sentence)", sourceLocation: sourceLocation)
            #expect(desk.text() == text, sourceLocation: sourceLocation)
        }
        try refused(Desk.server + "[Pear]\n", "wgtest.conf:14")
        try refused(Desk.server.replacingOccurrences(of: "ListenPort", with: "ListenProt"), "wgtest.conf:6")
        try refused(Desk.server.replacingOccurrences(of: "PrivateKey = YA", with: "# PrivateKey = YA"), "no PrivateKey")
        try refused(Desk.server.replacingOccurrences(of: "10.8.0.1/24, fd08::1/64", with: "10.8.0.1/32"), "no room")
        try refused(
            Desk.server.replacingOccurrences(of: "# ClientEndpoint = vpn.example.org:51820", with: "#"), "--endpoint")
        try refused(
            Desk.server.replacingOccurrences(of: "vpn.example.org:51820", with: "vpn example:x"), "wgtest.conf:3")
        try refused(
            Desk.server.replacingOccurrences(of: "[Peer]\n", with: "#[disabled] [Peer]\n"),
            "wgtest.conf:12: found a value right after a peer that is switched off")
        try refused("", "no PrivateKey")
        try refused("[Interface]\nPrivateKey = \0\n", "wgtest.conf:2")
    }

    @Test func doublesStayOff() throws {
        let desk = try Desk()
        try desk.write(Desk.server)
        try desk.change(.disable, "bob")
        let other = """

            [Peer]
            # Name = eve
            PublicKey = TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0=
            AllowedIPs = 10.8.0.2/32

            """
        try desk.write(desk.text() + other)
        let text = desk.text()
        #expect(complaint { try desk.change(.enable, "bob") }.contains("\"eve\" has 10.8.0.2/32 now"))
        #expect(desk.text() == text)
    }

    @Test func aFileThatChangesMeanwhileStays() throws {
        let desk = try Desk()
        try desk.write(Desk.server)
        for change in [{ try desk.write(Desk.server + "# mine\n") }, { _ = unlink(desk.path()) }] {
            let edit = try desk.edit()
            let plan = try NewPeer(name: "laptop", now: 0).plan(edit, desk.random) { _ in [] }
            try change()
            let text = desk.text()
            #expect(complaint { _ = try NewPeer.commit(plan, edit) }.contains("changed by another program"))
            #expect(desk.text() == text)
            try desk.write(Desk.server)
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: "\(desk.directory)/conf") == ["wgtest.conf"])
    }

    @Test func modeOwnerAndLinkStay() throws {
        let desk = try Desk()
        try desk.write(Desk.server)
        chmod(desk.path(), 0o640)
        let isRoot = geteuid() == 0
        if isRoot { chown(desk.path(), 12, 34) }
        symlink(desk.path(), "\(desk.directory)/wgtest.conf")
        let edit = try ConfigurationEdit("\(desk.directory)/wgtest.conf", desk.surroundings)
        _ = try PeerEdit.disable.run("bob", edit)
        var status = stat()
        #expect(lstat(desk.path(), &status) == 0 && status.st_mode == S_IFREG | 0o640)
        if isRoot { #expect(status.st_uid == 12 && status.st_gid == 34) }
        #expect(desk.text().contains("#[disabled] [Peer]"))
        #expect(lstat("\(desk.directory)/wgtest.conf", &status) == 0 && status.st_mode & S_IFMT == S_IFLNK)
    }

    @Test func twoAtOnceGetDifferentAddresses() async throws {
        let desk = try Desk()
        try desk.write(Desk.server)
        let surroundings = desk.surroundings
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<8 {
                group.addTask {
                    let edit = try ConfigurationEdit("wgtest", surroundings)
                    let peer = NewPeer(name: "peer \(number)", now: 0)
                    _ = try NewPeer.commit(try peer.plan(edit, SystemRandom.source()) { _ in [] }, edit)
                }
            }
            try await group.waitForAll()
        }
        let file = try ConfigurationFile(parsing: desk.bytes(), name: "", dialect: .quick)
        #expect(file.peers.count == 9)
        #expect(Set(file.peers.flatMap(\.prefixes)).count == 17)
    }

    @Test func keptKeys() throws {
        let desk = try Desk()
        try desk.write(Desk.server)
        let made = try desk.add("phone") {
            $0.keepsKey = true
            $0.excluded = prefixes("192.168.0.0/16")
            $0.endpoint = "198.51.100.9"
            $0.dns = [IPAddress("9.9.9.9")].compactMap(\.self)
        }
        let plain = try desk.add("tablet") { $0.keepsKey = true }
        func kept(_ name: String) throws -> [UInt8] { try KeptClientFile.text(name, desk.edit().text, path: "x") }
        #expect(try kept("phone") == made.file)
        #expect(try kept("tablet") == plain.file)
        try desk.change(.disable, "phone")
        #expect(try kept("phone") == made.file)
        // Where peers in general reach the server may change later.
        try desk.write(desk.text().replacingOccurrences(of: "vpn.example.org", with: "new.example.org"))
        #expect(String(decoding: try kept("tablet"), as: UTF8.self).contains("Endpoint = new.example.org:51820\n"))
        #expect(String(decoding: try kept("phone"), as: UTF8.self).contains("Endpoint = 198.51.100.9:51820\n"))
    }

    @Test func namesThatOtherToolsHaveGiven() throws {
        let desk = try Desk()
        var text = "[Interface]\nPrivateKey = YAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=\nAddress = 10.8.0.1/24\n"
        let forms: [(String, String)] = [
            ("### begin one ###\n[Peer]", "### end one ###\n"), ("# BEGIN_PEER two\n[Peer]", "# END_PEER two\n"),
            ("\n### Client three\n[Peer]", ""), ("\n# Client: four (0a1b-2c)\n[Peer]", ""),
            ("[Peer]\n# friendly_name=five", ""), ("\n[Peer]\n#   NAME   =  six  ", ""),
            ("\n# ID:  x\n# Name:         seven\n# Email:\n[Peer]", ""), ("\n## Name = note\n[Peer]\n# nobody", ""),
        ]
        for (number, form) in forms.enumerated() {
            var key = Bytes32()
            key.withUnsafeMutableBytes { $0[0] = UInt8(number + 1) }
            text += "\(form.0)\nPublicKey = \(PublicKey(key).base64)\nAllowedIPs = 10.8.0.\(number + 2)/32\n\(form.1)"
        }
        try desk.write(text)
        #expect(
            try desk.edit().text.peers.map(\.name) == ["one", "two", "three", "four", "five", "six", "seven", nil])
        try desk.change(.remove, "two")
        #expect(!desk.text().contains("two") && desk.text().contains("### end one ###\n### Client three\n") == false)
        #expect(desk.text().contains("### end one ###\n\n### Client three\n"))
        try desk.change(.rename("fünf"), "five")
        #expect(desk.text().contains("# friendly_name=fünf\n"))
        try desk.change(.rename("4"), "four")
        #expect(desk.text().contains("# Client: four (0a1b-2c)\n[Peer]\n# Name = 4\n"))
    }
}
