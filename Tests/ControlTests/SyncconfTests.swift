import Control
import TestKit
import Testing
import Tunnel
import Wire

private let peer = SampleConfiguration.firstPeer
private let other = SampleConfiguration.secondPeer

@Suite("syncconf")
struct SyncconfTests {
    @Test("nothing is left to do when the device is as the file says")
    func same() throws {
        let text = """
            [Interface]
            PrivateKey = \(SampleConfiguration.privateKey)
            ListenPort = 5
            FwMark = 7
            [Peer]
            PublicKey = \(peer)
            PresharedKey = \(SampleConfiguration.privateKey)
            AllowedIPs = fd00::/8, 10.0.0.0/8, 10.0.0.0/8
            Endpoint = 192.0.2.1:5
            PersistentKeepalive = 25
            """
        var status = DeviceStatus()
        status.privateKey = try secret()
        status.listenPort = 5
        status.firewallMark = 7
        status.peers = [try peerStatus(peer, ["10.0.0.0/8", "fd00::/8"])]
        status.peers[0].presharedKey = try secret()
        status.peers[0].endpoint = Endpoint(.v4(IPv4Address(0xc000_0201)), port: 5)
        status.peers[0].persistentKeepalive = 25
        #expect(try difference(text, status) == "")
    }

    @Test("what the file doesn't say about the device stays, about a peer it goes")
    func silence() throws {
        var status = DeviceStatus()
        status.privateKey = try secret()
        status.listenPort = 5
        status.firewallMark = 7
        status.peers = [try peerStatus(peer, ["10.0.0.0/8"])]
        status.peers[0].presharedKey = try secret()
        status.peers[0].endpoint = Endpoint(.v4(IPv4Address(1)), port: 5)
        status.peers[0].persistentKeepalive = 25
        let zeros = String(repeating: "0", count: 64)
        #expect(
            try difference("[Interface]\n[Peer]\nPublicKey = \(peer)\n", status)
                == "peer=\(hex(peer)) preshared=\(zeros) keepalive=0 replace-ips")
        #expect(
            try difference("[Interface]\nListenPort = 0\nFwMark = off\n", status) == "mark=0 peer=\(hex(peer)) remove")
    }

    @Test("peers come, change and go, and the others aren't named")
    func peers() throws {
        var status = DeviceStatus()
        status.peers = [
            try peerStatus(peer, ["10.1.0.0/16"]), try peerStatus(other, ["10.2.0.0/16"]),
            try peerStatus(SampleConfiguration.publicKey, ["10.3.0.0/16"]),
        ]
        let text = """
            [Peer]
            PublicKey = \(other)
            AllowedIPs = 10.2.0.0/16
            [Peer]
            PublicKey = \(peer)
            AllowedIPs = 10.1.0.0/16, 10.4.0.0/16
            [Peer]
            PublicKey = \(SampleConfiguration.privateKey)
            """
        #expect(
            try difference(text, status) == """
                peer=\(hex(SampleConfiguration.publicKey)) remove \
                peer=\(hex(peer)) replace-ips +10.1.0.0/16 +10.4.0.0/16 \
                peer=\(hex(SampleConfiguration.privateKey)) replace-ips
                """)
    }

    @Test("a prefix that two peers name belongs to the last, and stays there")
    func contested() throws {
        var status = DeviceStatus()
        status.peers = [try peerStatus(peer, ["10.1.0.0/16"]), try peerStatus(other, ["10.2.0.0/16"])]
        let text = """
            [Peer]
            PublicKey = \(peer)
            AllowedIPs = 10.2.0.0/16, 10.1.0.0/16
            [Peer]
            PublicKey = \(other)
            AllowedIPs = 10.2.0.0/16
            """
        #expect(try difference(text, status) == "")
    }

    @Test("a peer that the file names twice is what both sections make of it")
    func twice() throws {
        var status = DeviceStatus()
        status.peers = [try peerStatus(peer, ["10.2.0.0/16"])]
        status.peers[0].persistentKeepalive = 9
        let text = """
            [Peer]
            PublicKey = \(peer)
            AllowedIPs = 10.1.0.0/16
            PersistentKeepalive = 9
            [Peer]
            PublicKey = \(peer)
            AllowedIPs = 10.2.0.0/16
            """
        #expect(try difference(text, status) == "")
        #expect(
            try difference(text + "\n[Peer]\nPublicKey = \(peer)\nAllowedIPs = -10.2.0.0/16, +10.3.0.0/16\n", status)
                == "peer=\(hex(peer)) replace-ips +10.3.0.0/16")
    }

    @Test("after the change there is nothing left to do, and the device is as setconf makes it")
    func model() throws {
        var random = UAPITestRandom(seed: 21)
        for _ in 0..<300 {
            let (start, goal) = (randomFile(&random), randomFile(&random))
            let synced = ModelDevice()
            synced.apply(try start.replacement { try $0.lookUp() })
            synced.apply(try goal.difference(from: synced.status) { try $0.lookUp() })
            let set = ModelDevice()
            set.apply(try start.replacement { try $0.lookUp() })
            set.apply(try goal.replacement { try $0.lookUp() })
            #expect(synced.summary == set.summary)
            #expect(describe(try goal.difference(from: synced.status) { try $0.lookUp() }) == "")
        }
    }

    private func difference(_ text: String, _ status: DeviceStatus) throws -> String {
        let file = try ConfigurationFile(parsing: text, name: "f", dialect: .wg)
        return describe(try file.difference(from: status) { try $0.lookUp() })
    }

    private func secret() throws -> Secret32 {
        Secret32(try #require(Base64.decode(SampleConfiguration.privateKey.utf8)))
    }

    private func peerStatus(_ key: String, _ allowedIPs: [String]) throws -> PeerStatus {
        var status = PeerStatus(PublicKey(try #require(Base64.decode(key.utf8))))
        status.allowedIPs = try allowedIPs.map { try #require(Prefix($0)) }
        return status
    }

    /// Few keys and prefixes, so that they meet; an endpoint wherever there is a peer, since files keep one that they don't
    /// name.
    private func randomFile(_ random: inout UAPITestRandom) -> ConfigurationFile {
        var file = ConfigurationFile()
        file.interface.listenPort = UInt16.random(in: 1...3, using: &random)
        file.interface.firewallMark = UInt32.random(in: 0...1, using: &random)
        file.interface.privateKey = .zero
        for _ in 0..<Int.random(in: 0...4, using: &random) {
            var section = PeerSection(publicKey(UInt8.random(in: 1...4, using: &random)))
            section.endpoint = EndpointName(host: "192.0.2.\(Int.random(in: 1...2, using: &random))", port: 5)
            section.presharedKey = Secret32(publicKey(UInt8.random(in: 0...1, using: &random)).bytes)
            section.persistentKeepalive = UInt16.random(in: 0...1, using: &random)
            section.allowedIPs = (0..<Int.random(in: 0...3, using: &random)).compactMap { _ in
                Prefix(.v4(IPv4Address(UInt32.random(in: 1...5, using: &random))), length: 32).map { .add($0) }
            }
            file.peers.append(section)
        }
        return file
    }
}

/// What a `set` makes of a device, as plainly as it can be said.
private final class ModelDevice {
    private(set) var status = DeviceStatus()

    func apply(_ change: DeviceChange) {
        status.listenPort = change.listenPort ?? status.listenPort
        status.firewallMark = change.firewallMark ?? status.firewallMark
        if change.replacesPeers { status.peers = [] }
        for section in change.peers {
            if section.removes {
                status.peers.removeAll { $0.publicKey == section.publicKey }
                continue
            }
            if !status.peers.contains(where: { $0.publicKey == section.publicKey }) {
                status.peers.append(PeerStatus(section.publicKey))
            }
            for index in status.peers.indices where status.peers[index].publicKey == section.publicKey {
                status.peers[index].presharedKey = section.presharedKey ?? status.peers[index].presharedKey
                status.peers[index].endpoint = section.endpoint ?? status.peers[index].endpoint
                status.peers[index].persistentKeepalive =
                    section.persistentKeepalive ?? status.peers[index].persistentKeepalive
                if section.replacesAllowedIPs { status.peers[index].allowedIPs = [] }
            }
            for case .add(let prefix) in section.allowedIPs {
                for index in status.peers.indices {
                    status.peers[index].allowedIPs.removeAll { $0 == prefix }
                    if status.peers[index].publicKey == section.publicKey {
                        status.peers[index].allowedIPs.append(prefix)
                    }
                }
            }
        }
    }

    /// Everything but orders.
    var summary: [String] {
        ["\(status.listenPort) \(status.firewallMark)"]
            + status.peers.map { peer in
                """
                \(peer.publicKey) \(Hex.encode(peer.presharedKey.bytes)) \(peer.endpoint?.description ?? "") \
                \(peer.persistentKeepalive) \(peer.allowedIPs.map(\.description).sorted())
                """
            }.sorted()
    }
}
