import Control
import Glibc
import Testing
import Tunnel
import Wire

@Suite("UAPI responses")
struct UAPIResponseTests {
    @Test("a status is printed in the interface's order")
    func golden() throws {
        let expected = """
            private_key=0101010101010101010101010101010101010101010101010101010101010101
            listen_port=51820
            fwmark=4294967295
            public_key=0202020202020202020202020202020202020202020202020202020202020202
            preshared_key=abababababababababababababababababababababababababababababababab
            protocol_version=1
            endpoint=192.0.2.1:51820
            last_handshake_time_sec=1700000000
            last_handshake_time_nsec=999999999
            tx_bytes=18446744073709551615
            rx_bytes=1
            persistent_keepalive_interval=25
            allowed_ip=10.0.0.0/8
            allowed_ip=fd00::/8
            allowed_ip=0.0.0.0/0
            public_key=0101010101010101010101010101010101010101010101010101010101010101
            preshared_key=0000000000000000000000000000000000000000000000000000000000000000
            protocol_version=1
            endpoint=[fe80::1%eth0]:65535
            last_handshake_time_sec=0
            last_handshake_time_nsec=0
            tx_bytes=0
            rx_bytes=0
            persistent_keepalive_interval=0
            public_key=0303030303030303030303030303030303030303030303030303030303030303
            preshared_key=0000000000000000000000000000000000000000000000000000000000000000
            protocol_version=1
            endpoint=[fe80::2%9]:1
            last_handshake_time_sec=0
            last_handshake_time_nsec=0
            tx_bytes=0
            rx_bytes=0
            persistent_keepalive_interval=0
            errno=0


            """
        #expect(text(of: try sampleStatus()) == expected)
    }

    @Test("what isn't set is left out")
    func empty() {
        #expect(text(of: DeviceStatus()) == "errno=0\n\n")
        var status = DeviceStatus()
        status.privateKey = .zero
        status.peers = [PeerStatus(publicKey(2))]
        let text = text(of: status)
        #expect(!text.contains("private_key"))
        #expect(!text.contains("endpoint"))
        #expect(!text.contains("allowed_ip"))
    }

    @Test("a time before 1970 is printed as no time")
    func negativeTime() {
        var status = DeviceStatus()
        status.peers = [PeerStatus(publicKey(2))]
        status.peers[0].lastHandshake = WallTime(seconds: -1, nanoseconds: 5)
        #expect(text(of: status).contains("last_handshake_time_sec=0\n"))
    }

    @Test("names of endpoints")
    func endpointNames() {
        #expect(UAPIResponse.endpointNames([]) == Array("errno=0\n\n".utf8))
        let key = "public_key=" + String(repeating: "02", count: 32)
        #expect(
            UAPIResponse.endpointNames([(publicKey(2), "home.example:1")])
                == Array("\(key)\nendpoint_name=home.example:1\nerrno=0\n\n".utf8))
    }

    @Test("results and drop counts")
    func others() {
        #expect(UAPIResponse.result(errno: 0) == Array("errno=0\n\n".utf8))
        #expect(UAPIResponse.result(errno: EINVAL) == Array("errno=-22\n\n".utf8))
        #expect(UAPIResponse.drops([]) == Array("errno=0\n\n".utf8))
        let counts: [(reason: String, count: UInt64)] = [("replayed", 0), ("wrong_mac1", .max)]
        #expect(
            UAPIResponse.drops(counts) == Array("replayed=0\nwrong_mac1=18446744073709551615\nerrno=0\n\n".utf8))
    }

    @Test("what is printed can be set")
    func roundTrip() throws {
        var random = UAPITestRandom(seed: 4)
        for _ in 0..<200 {
            let status = randomStatus(&random)
            let readable = ["last_handshake", "tx_bytes", "rx_bytes", "errno"]
            let lines = text(of: status).split(separator: "\n").filter { line in
                !readable.contains { line.hasPrefix($0) }
            }
            let requests = readAll("set=1\n" + lines.map { $0 + "\n" }.joined() + "\n")
            var change = DeviceChange()
            change.privateKey = status.privateKey
            if status.listenPort != 0 { change.listenPort = status.listenPort }
            if status.firewallMark != 0 { change.firewallMark = status.firewallMark }
            change.peers = status.peers.map { peer in
                var result = PeerChange(peer.publicKey)
                result.presharedKey = peer.presharedKey
                result.endpoint = peer.endpoint
                result.persistentKeepalive = peer.persistentKeepalive
                result.allowedIPs = peer.allowedIPs.map { .add($0) }
                return result
            }
            #expect(requests.map(describe) == ["set " + describe(change)])
        }
    }
}

func publicKey(_ byte: UInt8) -> PublicKey {
    PublicKey(Bytes32(repeatElement(byte, count: 32))!)
}

func sampleStatus() throws -> DeviceStatus {
    var status = DeviceStatus()
    status.privateKey = Secret32(publicKey(1).bytes)
    status.listenPort = 51820
    status.firewallMark = .max
    var first = PeerStatus(publicKey(2))
    first.presharedKey = Secret32(publicKey(0xab).bytes)
    first.endpoint = Endpoint(.v4(IPv4Address(0xc000_0201)), port: 51820)
    first.lastHandshake = WallTime(seconds: 1_700_000_000, nanoseconds: 999_999_999)
    first.transmittedBytes = .max
    first.receivedBytes = 1
    first.persistentKeepalive = 25
    first.allowedIPs = [
        try #require(Prefix("10.0.0.0/8")), try #require(Prefix("fd00::/8")), try #require(Prefix("0.0.0.0/0")),
    ]
    var second = PeerStatus(publicKey(1))
    second.endpoint = Endpoint(.v6(IPv6Address(high: 0xfe80 << 48, low: 1)), port: 65535, scope: 7)
    var third = PeerStatus(publicKey(3))
    third.endpoint = Endpoint(.v6(IPv6Address(high: 0xfe80 << 48, low: 2)), port: 1, scope: 9)
    status.peers = [first, second, third]
    return status
}

private func text(of status: DeviceStatus) -> String {
    String(decoding: UAPIResponse.status(status, interfaceName: UAPIScopes.fixed.name), as: UTF8.self)
}

private func randomStatus(_ random: inout UAPITestRandom) -> DeviceStatus {
    var status = DeviceStatus()
    func key() -> Bytes32 { Bytes32((0..<32).map { _ in UInt8.random(in: 0...255, using: &random) })! }
    func address() -> IPAddress {
        if Bool.random(using: &random) { return .v4(IPv4Address(UInt32.random(in: 0 ... .max, using: &random))) }
        // Sparse groups, so that all shapes of `::` occur.
        let high = UInt64.random(in: 0 ... .max, using: &random) & UInt64.random(in: 0 ... .max, using: &random)
        return .v6(IPv6Address(high: high & 0x0fff_ffff_0000_ffff, low: high & 0xffff_0000_0000_ffff))
    }
    if Bool.random(using: &random) { status.privateKey = Secret32(key()) }
    status.listenPort = UInt16.random(in: 0...3, using: &random)
    status.firewallMark = UInt32.random(in: 0...3, using: &random)
    for _ in 0..<Int.random(in: 0...5, using: &random) {
        var peer = PeerStatus(PublicKey(key()))
        peer.presharedKey = Secret32(key())
        if Bool.random(using: &random) {
            peer.endpoint = Endpoint(address(), port: UInt16.random(in: 0 ... .max, using: &random))
        }
        peer.persistentKeepalive = UInt16.random(in: 0 ... .max, using: &random)
        for _ in 0..<Int.random(in: 0...4, using: &random) {
            let address = address()
            peer.allowedIPs.append(
                Prefix(address, length: Int.random(in: 0...address.bitCount, using: &random))!)
        }
        status.peers.append(peer)
    }
    return status
}
