import LinuxNet
import NoisePrimitives
import Obfuscation
import Testing
import Tunnel
import Wire

@testable import Relay

/// What other programs send at a relay: the given vectors, made by or checked against those. Obfuscation §2, §3, §4.1.
@Suite struct ForeignProgramTests {
    /// A server behind a relay that takes a disguise off, without any knowledge of keys but the server's.
    private func listening(
        _ dialect: Dialect, _ body: (_ client: Party, _ relay: TestRelay, _ server: Party) throws -> Void
    ) throws {
        let server = try Party()
        let relay = try TestRelay(to: RelayEndpoint(server.endpoint)) {
            $0.listenDialect = dialect
            $0.clientKeys = []
        }
        defer { relay.stop() }
        try body(try Party(), relay, server)
    }

    /// A client before a relay that puts a disguise on, and what it and the disguised endpoint see of each other.
    private func forwarding(
        _ dialect: Dialect,
        _ body: (_ client: Party, _ relay: TestRelay, _ endpoint: Party, _ seen: Endpoint) throws -> Void
    ) throws {
        let endpoint = try Party()
        let client = try Party()
        let relay = try TestRelay(to: RelayEndpoint(endpoint.endpoint)) {
            $0.forwardDialect = dialect
            $0.clientKeys = []
        }
        defer { relay.stop() }
        client.send(FakeMessage.initiation(sender: 0x0706_0504), to: relay.endpoint())
        let seen = try #require(endpoint.receive()).source
        try body(client, relay, endpoint, seen)
    }

    private let numbers = [UInt8](0..<88)

    @Test func swgpZeroOverheadData() throws {
        let plain = hex("04000000ddccbbaa0700000000000000") + [UInt8](repeating: 0x5a, count: 48)
        let wire = hex("611f917e6b6c7785e5db446cd7e02ca7") + [UInt8](repeating: 0x5a, count: 48)
        try listening(TestDialect.swgp(isParanoid: false, isDated: false)) { client, relay, server in
            client.send(wire, to: relay.endpoint())
            let arrived = try #require(server.receive())
            #expect(arrived.bytes == plain)
            server.send(plain, to: arrived.source)
            #expect(client.receive()?.bytes == wire)
        }
    }

    @Test func swgpZeroOverheadHandshake() throws {
        let wire = hex(
            """
            3ceaf7a1627ccabc151316867988164a4ee35756f7855179080d35ec57a402ca658c42cea3da98dac44f4cfd9ffb365a41614d3e488bb29\
            987b0cd8d31d00c0917bb8e22512260f3a2941d26723bc341411d938a6db2d867699288a3b7db92b4495f740a58999cc7064d98bf6bfd01\
            a68faba6808182838485868788898a8b8c8d8e8f9091929394959697
            """)
        try forwarding(TestDialect.swgp(isParanoid: false, isDated: false)) { client, relay, endpoint, seen in
            endpoint.send(wire, to: seen)
            #expect(client.receive()?.bytes == [2, 0, 0, 0] + numbers)
        }
        // Without a date the same bytes are nothing to the other mode, and with an old one they come too late.
        let dated = hex(
            """
            3ceaf7a1627ccabc151316867988164a4ee35756f7855179080d35ec57a402ca658c42cea3da98dac44f4cfd9ffb365a41614d3e488bb29\
            987b0cd8d31d00c0917bb8e22512260f3a2941d26723bc341411d938a6db2d867699288a3b7db92b4491338d4f142cd025b76e178ea6cf0\
            069416fd0e9cf3eaf45c31d1808182838485868788898a8b8c8d8e8f9091929394959697
            """)
        try forwarding(TestDialect.swgp(isParanoid: false, isDated: true)) { client, relay, endpoint, seen in
            endpoint.send(wire, to: seen)
            endpoint.send(dated, to: seen)
            #expect(eventually { relay.drops(.disguiseWrongTime) == 1 && relay.drops(.notWireGuard) == 1 })
            #expect(client.receive(milliseconds: 20) == nil)
        }
    }

    @Test func swgpParanoid() throws {
        let wire = hex(
            """
            808182838485868788898a8b8c8d8e8f909192939495969742ce5d59e794436b1e1b27fe49ba10d8739a50dc8df4aae8f2797ecfa1c5046\
            87757631178ba80aab385fbba09e936322b86b01d116322b0e6d15b613a72890a0d50ddc53de38a343dc7def4b7db92b4495f38d40011a8\
            02bc3ebe88201c2c3b1d38ecb8547c9227
            """)
        let key = Secret32(filling: { bytes in for index in 0..<32 { bytes[index] = UInt8(index) } })
        let dialect = Dialect.swgp(SWGPSettings(isParanoid: true, isDated: false, key: key, pathMTU: 128 + 28))
        try listening(dialect) { client, relay, server in
            client.send(wire, to: relay.endpoint())
            #expect(server.receive()?.bytes == [4, 0, 0, 0] + numbers[..<28])
        }
    }

    @Test func lwoData() throws {
        let wire = hex(
            """
            059c03040507050b0d0f0d0b0507051b1d1f1d1b0507050b0d0f0d0b0507053b1c1d1e1f202122232425262728292a2b
            """)
        let server = try Party()
        let relay = try TestRelay(to: RelayEndpoint(server.endpoint)) { $0.listenDialect = .lwo }
        defer { relay.stop() }
        let client = try Party()
        client.send(wire, to: relay.endpoint())
        #expect(server.receive()?.bytes == [4, 0, 0, 0] + numbers[..<44])
    }

    @Test func wgObfuscatorData() throws {
        let settings = WGObfuscatorSettings(key: ObfuscationKey(Array("test".utf8)), usesSTUN: false)
        let wire = hex("6f95e7b99f7ed4b827eb9fbba889e931fd085ee5b64c5bf8ec8cf4732db7c53c6e9ff5")
        try listening(.wgObfuscator(settings)) { client, relay, server in
            // Data is for a session that is known. This client begins one as version 0 does.
            let initiation = keystream(FakeMessage.initiation(sender: 9), key: "test")
            client.send(initiation, to: relay.endpoint())
            let seen = try #require(server.receive())
            #expect(seen.bytes == FakeMessage.initiation(sender: 9))
            let response = FakeMessage.response(sender: 0x0302_0100, receiver: 9)
            server.send(response, to: seen.source)
            // It is answered in its own version.
            #expect(client.receive()?.bytes == keystream(response, key: "test"))
            client.send(wire, to: relay.endpoint())
            #expect(server.receive()?.bytes == [4, 0, 0, 0] + numbers[..<28])
        }
    }

    @Test func wgObfuscatorAnswersBindingRequests() throws {
        let settings = WGObfuscatorSettings(key: ObfuscationKey(Array("test".utf8)), usesSTUN: true)
        try listening(.wgObfuscator(settings)) { client, relay, server in
            let transaction = [UInt8](10..<22)
            let request = [0, 1, 0, 8, 0x21, 0x12, 0xa4, 0x42] + transaction + [0x80, 0x28, 0, 4, 0, 0, 0, 0]
            client.send(request, to: relay.endpoint())
            let answer = try #require(client.receive()).bytes
            #expect(answer.starts(with: [1, 1]) && Array(answer[4..<20]) == Array(request[4..<20]))
            // XOR-MAPPED-ADDRESS, IPv4.
            #expect(Array(answer[20..<26]) == [0, 0x20, 0, 8, 0, 1])
            let port = UInt16(answer[26]) << 8 | UInt16(answer[27])
            #expect(port ^ 0x2112 == client.socket.port)
            #expect(relay.relay.counters.report.opened == 0)
        }
    }

    private func hex(_ text: String) -> [UInt8] {
        let digits = text.compactMap { $0.hexDigitValue.map(UInt8.init) }
        return stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }

    /// What wg-obfuscator's version 0 makes of a datagram: a running CRC-8 over key and length, combined with its bytes.
    private func keystream(_ bytes: [UInt8], key: String) -> [UInt8] {
        let key = Array(key.utf8)
        var state: UInt8 = 0
        return bytes.enumerated().map { index, byte in
            var mixed = key[index % key.count] &+ UInt8(truncatingIfNeeded: bytes.count) &+ UInt8(key.count)
            for _ in 0..<8 {
                let carry = (state ^ mixed) & 1
                state >>= 1
                if carry == 1 { state ^= 0x8c }
                mixed >>= 1
            }
            return byte ^ state
        }
    }
}
