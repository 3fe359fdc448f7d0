import Control
import Testing
import Tunnel
import Wire

@testable import Quick

@Suite struct SavedFileTests {
    private static let keys = (1...4).map { number in
        var bytes = Bytes32()
        bytes.withUnsafeMutableBytes { $0[0] = UInt8(number) }
        return PublicKey(bytes)
    }

    private static let original = """
        # my tunnel
        [Interface]
        Address = 10.0.0.1/24 # inside
        # the key
        PrivateKey = \(keys[3].base64)
        DNS = 10.0.0.53, example.org
        PostUp = echo %i # up
        SaveConfig = true

        # Alice
        [Peer]
        PublicKey = \(keys[0].base64)   # hers
        AllowedIPs = 10.0.0.2/32, fd00::2/128
        Endpoint = vpn.example:51820

        # Bob
        [peer]
        publickey = \(keys[1].base64)
        ALLOWEDIPS = 10.0.0.3/32
        PersistentKeepalive = off

        """

    private func parsed(_ text: [UInt8]) throws -> ConfigurationFile {
        try ConfigurationFile(parsing: text, name: "wg0.conf", dialect: .quick)
    }

    private func saved(
        _ text: String, interface: (inout InterfaceSection) -> Void = { _ in },
        peers: (inout [PeerSection]) -> Void = { _ in }
    ) throws -> String {
        let former = try parsed(Array(text.utf8))
        var settings = former.interface
        interface(&settings)
        var sections = former.peers
        peers(&sections)
        var file = SavedFile(Array(text.utf8))
        file.update(
            [.address, .dns, .mtu, .listenPort, .firewallMark, .privateKey], to: settings, from: former.interface)
        file.update(peers: sections)
        let result = file.text
        _ = try parsed(result)
        return String(decoding: result, as: UTF8.self)
    }

    @Test func nothingChangesWhenNothingHasChanged() throws {
        #expect(try saved(Self.original) == Self.original)
        #expect(try saved("[Interface]\nListenPort=1") == "[Interface]\nListenPort=1\n")
        #expect(try saved("") == "")
    }

    @Test func whatTheDeviceSaysDifferently() throws {
        let text = try saved(Self.original) { settings in
            settings.listenPort = 4711
            settings.addresses.append(InterfaceAddress("fd00::1/64")!)
        } peers: { peers in
            peers[1].persistentKeepalive = 25
        }
        #expect(text.contains("SaveConfig = true\nListenPort = 4711\n\n# Alice\n"))
        #expect(text.contains("Address = 10.0.0.1/24\nAddress = fd00::1/64\n"))
        #expect(text.contains("PersistentKeepalive = 25\n") && !text.contains("off"))
        #expect(text.contains("PostUp = echo %i # up\n"))
        #expect(text.contains("# hers\n"))
    }

    @Test func peersThatAreGoneAndNewOnes() throws {
        let text = try saved(
            Self.original,
            peers: { peers in
                peers.removeFirst()
                var new = PeerSection(Self.keys[2])
                new.allowedIPs = [.add(Prefix("10.0.0.9/32")!)]
                peers.append(new)
            })
        #expect(!text.contains("Alice") && !text.contains(Self.keys[0].base64))
        #expect(text.contains("# Bob\n[peer]\n"))
        #expect(text.hasSuffix("\n\n[Peer]\nPublicKey = \(Self.keys[2].base64)\nAllowedIPs = 10.0.0.9/32\n"))
    }

    @Test func twoSectionsOfOnePeerBecomeOne() throws {
        let text = "[Peer]\nPublicKey = \(Self.keys[0].base64)\nAllowedIPs = 10.0.0.1/32\n"
        let result = try saved(text + text, peers: { $0.removeLast() })
        #expect(result == text)
    }

    @Test func orderOfAllowedIPsStays() throws {
        let text = try saved(Self.original, peers: { $0[0].allowedIPs.reverse() })
        #expect(text == Self.original)
    }

    @Test func valuesThatAreGone() throws {
        let text = try saved("[Interface]\nFwMark = 0x10\nListenPort = 5\nMTU = 1400 # small\n") { settings in
            settings.firewallMark = nil
            settings.mtu = 1380
        }
        #expect(text == "[Interface]\nListenPort = 5\nMTU = 1380\n")
    }
}
