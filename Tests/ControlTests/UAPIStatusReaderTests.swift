import Control
import Glibc
import Testing
import Tunnel
import Wire

private let zeros = String(repeating: "0", count: 64)
private let strangeAnswers: [String] = [
    "\n", "errno\n", "errno=\n\n", "errno=x\n\n", "errno=--1\n\n", "errno=99999999999\n\n",
    "errno=0\nerrno=0\n\n",
    "listen_port=65536\n", "listen_port=-1\n", "fwmark=4294967296\n", "private_key=00\n", "preshared_key=00\n",
    "tx_bytes=1\n", "public_key=xy\n",
    "public_key=\(zeros)\nrx_bytes=99999999999999999999\n",
    "public_key=\(zeros)\nallowed_ip=10.0.0.0\n",
    "public_key=\(zeros)\nallowed_ip=-10.0.0.0/8\n",
    "public_key=\(zeros)\nendpoint=a:b\n",
    "public_key=\(zeros)\nendpoint=%]\n",
    "public_key=\(zeros)\nlast_handshake_time_nsec=1000000000\n",
    String(repeating: "a", count: 5000),
]

@Suite("Answers of the configuration socket")
struct UAPIStatusReaderTests {
    @Test("what is printed is read, in pieces of any size", arguments: [1, 7, 64, 1 << 20])
    func roundTrip(_ pieceSize: Int) throws {
        let status = try sampleStatus()
        let bytes = UAPIResponse.status(status, interfaceName: { $0 == 7 ? "eth0" : nil })
        let read = try #require(try readStatus(bytes, pieceSize: pieceSize))
        #expect(UAPIResponse.status(read, interfaceName: { $0 == 7 ? "eth0" : nil }) == bytes)
    }

    @Test("a failure is told, with either sign")
    func failures() {
        #expect(throws: UAPIFailure(errno: EADDRINUSE)) { try readStatus(Array("errno=-98\n\n".utf8)) }
        #expect(throws: UAPIFailure(errno: EADDRINUSE)) { try readStatus(Array("errno=98\n\n".utf8)) }
    }

    @Test("an unknown scope is left out, an unknown key passed over")
    func foreign() throws {
        let key = String(repeating: "01", count: 32)
        let text = "colour=red\npublic_key=\(key)\nendpoint=[fe80::1%nowhere]:5\nerrno=0\n\n"
        let status = try #require(try readStatus(Array(text.utf8)))
        #expect(status.peers.first?.endpoint?.description == "[fe80::1]:5")
    }

    @Test("what isn't an answer is refused", arguments: strangeAnswers)
    func malformed(_ text: String) {
        #expect(throws: UAPIFailure.malformed) { try readStatus(Array(text.utf8)) }
    }

    @Test("answers without end are limited")
    func limits() {
        var limits = UAPILimits()
        limits.peers = 2
        limits.allowedIPs = 2
        let peer = "public_key=\(String(repeating: "0", count: 64))\n"
        let prefixes = peer + String(repeating: "allowed_ip=10.0.0.0/8\n", count: 3)
        #expect(throws: UAPIFailure.tooMany) { try readStatus(Array((peer + peer + peer).utf8), limits: limits) }
        #expect(throws: UAPIFailure.tooMany) { try readStatus(Array(prefixes.utf8), limits: limits) }
    }

    @Test("every beginning of an answer is incomplete")
    func truncated() throws {
        let bytes = UAPIResponse.status(try sampleStatus(), interfaceName: { _ in nil })
        for end in bytes.indices { #expect(try readStatus(Array(bytes[..<end])) == nil) }
    }

    @Test("changed bytes never trap")
    func mutated() throws {
        var random = UAPITestRandom(seed: 31)
        let bytes = UAPIResponse.status(try sampleStatus(), interfaceName: { _ in nil })
        for _ in 0..<5000 {
            var changed = bytes
            for _ in 0..<3 {
                changed[Int.random(in: changed.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            _ = try? readStatus(changed, pieceSize: 100)
        }
    }

    @Test("a change is written as it is read")
    func setRoundTrip() throws {
        var change = DeviceChange()
        change.privateKey = Secret32(publicKey(1).bytes)
        change.listenPort = 5
        change.firewallMark = 6
        change.replacesPeers = true
        var first = PeerChange(publicKey(2))
        first.presharedKey = .zero
        first.endpoint = Endpoint(.v6(IPv6Address(high: 0xfe80 << 48, low: 1)), port: 5, scope: 7)
        first.persistentKeepalive = 9
        first.replacesAllowedIPs = true
        first.allowedIPs = [.add(try #require(Prefix("10.0.0.0/8"))), .remove(try #require(Prefix("fd00::/8")))]
        first.updatesOnly = true
        var second = PeerChange(publicKey(3))
        second.removes = true
        change.peers = [first, second]
        let bytes = UAPISetWriter.bytes(change, interfaceName: UAPIScopes.fixed.name)
        #expect(readAll(bytes).map(describe) == ["set \(describe(change))"])
        #expect(readAll(UAPISetWriter.bytes(DeviceChange(), interfaceName: { _ in nil })).map(describe) == ["set "])
    }
}

private func readStatus(
    _ bytes: [UInt8], pieceSize: Int = .max, limits: UAPILimits = UAPILimits()
) throws(UAPIFailure) -> DeviceStatus? {
    var reader = UAPIAnswerReader<UAPIStatusAnswer>(scopes: .fixed, limits: limits)
    var start = 0
    while start < bytes.count {
        let end = bytes.count - start > pieceSize ? start + pieceSize : bytes.count
        let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: end - start, alignment: 1)
        defer { piece.deallocate() }
        piece.copyBytes(from: bytes[start..<end])
        if let status = try reader.read(UnsafeRawBufferPointer(piece)) { return status }
        start = end
    }
    return nil
}
