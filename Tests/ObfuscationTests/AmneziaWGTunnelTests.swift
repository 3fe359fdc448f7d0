import NoisePrimitives
import Obfuscation
import TestKit
import Testing
import Tunnel
import Wire

/// Two devices that speak AmneziaWG, looked at from the wire with nothing but the specification. Obfuscation §1.3, §1.6 and §1.7.
@Suite struct AmneziaWGTunnelTests {
    private let settings = AmneziaWGSettings.generation2

    /// The messages of one size that a host sent, without their prefixes.
    private func messages(from host: SimulatedHost, in pair: DialectPair, place: Int, size: Int) -> [[UInt8]] {
        let prefix = Int(settings.prefixes[place])
        return pair.network.eavesdropper.sightings.map(\.datagram)
            .filter { $0.source == host.endpoint && $0.payload.count == prefix + size }
            .map { Array($0.payload.dropFirst(prefix)) }
    }

    private func key(_ label: String, of party: PublicKey) -> Bytes32 {
        Array(label.utf8).withUnsafeBytes { label in party.bytes.withUnsafeBytes { BLAKE2s.hash(label, $0) } }
    }

    private func mac(_ key: UnsafeRawBufferPointer, _ message: some Sequence<UInt8>) -> [UInt8] {
        Array(message).withUnsafeBytes { BLAKE2s.mac(key: key, $0) }.withUnsafeBytes { Array($0) }
    }

    @Test func macsAndCookiesAsTheOriginalHasThem() throws {
        let pair = DialectPair(.amneziaWG(settings))
        pair.bob.waitingHandshakes = Limits.underLoadQueue
        pair.send(from: pair.alice)
        pair.run(4.9)
        #expect(pair.bob.shared.drops[.cookieRequired] == 1)
        #expect(pair.bob.delivered.isEmpty)
        pair.run(3)
        #expect(pair.bob.delivered == [pair.packet(from: pair.alice)])
        #expect(pair.bob.shared.drops[.cookieRequired] == 1)

        let initiations = messages(from: pair.alice, in: pair, place: 0, size: 148)
        try #require(initiations.count == 2)
        for initiation in initiations {
            #expect(settings.headers[0].contains(AmneziaWGBytes.number(Array(initiation.prefix(4)))))
            let mac1 = key("mac1----", of: pair.bob.publicKey).withUnsafeBytes { mac($0, initiation.prefix(116)) }
            #expect(Array(initiation[116..<132]) == mac1)
        }
        #expect(initiations[0].suffix(16).allSatisfy { $0 == 0 })

        let reply = try #require(messages(from: pair.bob, in: pair, place: 2, size: 64).first)
        #expect(settings.headers[2].contains(AmneziaWGBytes.number(Array(reply.prefix(4)))))
        #expect(reply[4..<8] == initiations[0][4..<8])
        var cookie = [UInt8](repeating: 0, count: 16)
        let isOpen = reply.withUnsafeBytes { reply in
            initiations[0].withUnsafeBytes { initiation in
                cookie.withUnsafeMutableBytes { cookie in
                    XChaCha20Poly1305.open(
                        key: key("cookie--", of: pair.bob.publicKey),
                        nonce: UnsafeRawBufferPointer(rebasing: reply[8..<32]),
                        UnsafeRawBufferPointer(rebasing: reply[32..<64]),
                        associatedData: UnsafeRawBufferPointer(rebasing: initiation[116..<132]),
                        into: cookie.baseAddress!)
                }
            }
        }
        #expect(isOpen)
        let mac2 = cookie.withUnsafeBytes { mac($0, initiations[1].prefix(132)) }
        #expect(Array(initiations[1].suffix(16)) == mac2)

        let response = try #require(messages(from: pair.bob, in: pair, place: 1, size: 92).first)
        #expect(settings.headers[1].contains(AmneziaWGBytes.number(Array(response.prefix(4)))))
        let mac1 = key("mac1----", of: pair.alice.publicKey).withUnsafeBytes { mac($0, response.prefix(60)) }
        #expect(Array(response[60..<76]) == mac1)
    }

    @Test func withoutCookiesALoadedServerIsSilent() {
        var settings = settings
        settings.disablesCookies = true
        let pair = DialectPair(.amneziaWG(settings))
        pair.bob.waitingHandshakes = Limits.underLoadQueue
        pair.send(from: pair.alice)
        pair.run(12)
        #expect(pair.bob.shared.drops[.cookieRequired] >= 2)
        #expect(!pair.network.eavesdropper.sightings.contains { $0.datagram.source == pair.bob.endpoint })
    }

    @Test func specialPacketsAndJunkBeforeEveryInitiationOnly() throws {
        var settings = settings
        (settings.junkCount, settings.junkMinimum, settings.junkMaximum) = (3, 300, 310)
        settings.specialPackets = ["<b 0x01>", "", "<b 0x03><b 0x03>", "", ""]
        // A stock server ignores what goes before, so the settings of the other side don't matter.
        let pair = DialectPair(.amneziaWG(settings), bobs: .amneziaWG(self.settings))
        pair.network.interceptor = { $0.source == pair.bob.endpoint ? nil : $0 }
        pair.send(from: pair.alice)
        pair.run(12)
        let sightings = pair.network.eavesdropper.sightings.filter { $0.datagram.source == pair.alice.endpoint }
        #expect(sightings.count >= 12 && sightings.count.isMultiple(of: 6))
        for start in stride(from: 0, to: sightings.count, by: 6) {
            let burst = sightings[start..<start + 6]
            let payloads = burst.map(\.datagram.payload)
            #expect(Array(payloads.prefix(2)) == [[1], [3, 3]])
            #expect(payloads[2..<5].allSatisfy { (300...310).contains($0.count) })
            #expect(payloads[5].count == 40 + 148)
            #expect(Set(burst.map(\.time)).count == 1)
            #expect(burst.allSatisfy { $0.datagram.trafficClass == 0 })
        }
        #expect(
            pair.network.eavesdropper.sightings.filter { $0.datagram.source == pair.bob.endpoint }.allSatisfy {
                $0.datagram.payload.count == 61 + 92
            })
    }

    @Test func junkTowardAStockServer() {
        var settings = AmneziaWGSettings()
        (settings.junkCount, settings.junkMinimum, settings.junkMaximum) = (4, 40, 70)
        settings.specialPackets[0] = "<b 0xc0ff><r 20>"
        settings.contentPadding = 5...60
        let pair = DialectPair(.amneziaWG(settings), bobs: .plain)
        pair.send(from: pair.alice)
        pair.run(1)
        pair.send(from: pair.bob)
        pair.run(20)
        #expect(pair.bob.delivered == [pair.packet(from: pair.alice)])
        #expect(pair.alice.delivered == [pair.packet(from: pair.bob)])
    }

    @Test func paddedKeepalivesCarryNothing() {
        let pair = DialectPair(.amneziaWG(.generation3))
        pair.send(from: pair.alice)
        pair.run(30)
        #expect(pair.bob.delivered == [pair.packet(from: pair.alice)])
        // Bob answers after ten seconds with a keepalive, which isn't answered again.
        #expect(pair.alice.delivered.isEmpty)
        #expect(pair.alice.shared.drops[.innerPacketMalformed] == 0)
        #expect(pair.bob.shared.drops[.innerPacketMalformed] == 0)
        let data = pair.network.eavesdropper.sightings.filter { $0.datagram.payload.count < 12 + 92 + 20 }
        #expect(data.contains { $0.datagram.source == pair.bob.endpoint })
    }
}
