import NoisePrimitives
import Obfuscation
import TestKit
import Testing
import Tunnel
import Wire

/// AmneziaWG's datagrams byte by byte. Obfuscation §1.3 to §1.5.
@Suite struct AmneziaWGWireTests {
    @Test func keystreamOfTheSpecification() {
        #expect(
            SlowChaCha20.keystream(key: Array(0..<32), nonce: Array(0x40...0x4b), count: 32)
                == AmneziaWGBytes.hex("19509e57d0203bafacfd26f596b7a404110a2f4de89800cd52c89b45c7dbc7c3"))
    }

    @Test func dataHeaderOfTheSpecification() throws {
        let settings = AmneziaWGSettings {
            $0.prefixes = [12, 12, 12, 12]
            $0.headers[3] = 0x1122_3344...0x1122_3344
            $0.headerProtectionKey = AmneziaWGSettings.countingKey
        }
        let pair = try AmneziaWGPair(settings)
        let body = [UInt8](100..<133)
        let datagram = Array(0x40...0x4b) + AmneziaWGBytes.hex("5d63bc460dec8005abfd26f596b7a404") + body
        let revealed = try #require(pair.server.reveal([datagram]))
        #expect(revealed.receiver == 0xaabb_ccdd)
        #expect(revealed.messages == [.init(counter: 7, body: body)])
    }

    @Test(arguments: 0..<60)
    func everyKindAgainstASlowModel(seed: Int) throws {
        let random = SeededRandom(seed: UInt64(seed))
        let settings = AmneziaWGSettings.random(random)
        let pair = try AmneziaWGPair(settings, seed: UInt64(seed))
        for kind in [Message.Kind.initiation, .response, .cookieReply] {
            for _ in 0..<5 {
                let message = pair.client.message(kind, for: pair.server.publicKey)
                let place = Int(kind.rawValue) - 1
                let plain = model(pair.client.encode(message), settings, place, size: message.count)
                #expect(plain.message.dropFirst(4) == message.dropFirst(4))
                if kind != .cookieReply { #expect(plain.message.prefix(4) == message.prefix(4)) }
                #expect(settings.headers[place].contains(AmneziaWGBytes.number(Array(plain.message.prefix(4)))))
                #expect(settings.randomTrailers || plain.trailer.isEmpty)
            }
        }
        for length in [16, 17, 48, 1400] {
            let bodies = (0..<5).map { random.bytes($0 == 4 ? 16 : length) }
            let datagrams = pair.client.conceal(bodies, receiver: 0x0102_0304, counter: 1 << 40)
            for (index, datagram) in datagrams.enumerated() {
                let plain = model(datagram, settings, 3, size: 16)
                #expect(settings.headers[3].contains(AmneziaWGBytes.number(Array(plain.message.prefix(4)))))
                #expect(Array(plain.message[4...]) == [4, 3, 2, 1, UInt8(index), 0, 0, 0, 0, 1, 0, 0])
                #expect(plain.trailer == bodies[index])
            }
        }
    }

    /// A datagram taken apart: the prefix, the message without protection, and what is behind.
    private func model(
        _ datagram: [UInt8], _ settings: AmneziaWGSettings, _ place: Int, size: Int
    ) -> (prefix: [UInt8], message: [UInt8], trailer: [UInt8]) {
        let start = Int(settings.prefixes[place])
        var message = Array(datagram[start..<start + size])
        if !settings.headerProtectionKey.isZero {
            let key = settings.headerProtectionKey.withUnsafeBytes { Array($0) }
            let stream = SlowChaCha20.keystream(key: key, nonce: Array(datagram[..<12]), count: size)
            message = zip(message, stream).map { $0 ^ $1 }
        }
        return (Array(datagram[..<start]), message, Array(datagram[(start + size)...]))
    }

    @Test func prefixesAndTypesAreNewInEveryDatagram() throws {
        let pair = try AmneziaWGPair(.generation2)
        var prefixes: Set<[UInt8]> = []
        var types: Set<UInt32> = []
        for round in 0..<20 {
            let bodies = [[UInt8]](repeating: [UInt8](repeating: 0, count: 32), count: 10)
            for datagram in pair.client.conceal(bodies, receiver: 1, counter: UInt64(round)) {
                prefixes.insert(Array(datagram.prefix(9)))
                types.insert(AmneziaWGBytes.number(Array(datagram[9..<13])))
            }
        }
        #expect(prefixes.count == 200 && types.count == 200)
        // The range is used as a whole.
        #expect(types.min()! < 0x4800_0000 && types.max()! > 0x7800_0000)
    }

    @Test func nothingChosenIsWireGuardByteForByte() throws {
        let settings = AmneziaWGSettings {
            ($0.junkCount, $0.junkMinimum, $0.junkMaximum) = (4, 40, 70)
            $0.specialPackets[0] = "<r 20>"
            $0.rekeyTimeout = 4...6
            $0.headers = [0...0, 2...2, 0...0, 4...4]
        }
        #expect(settings.isPlainOnTheWire)
        let pair = try AmneziaWGPair(settings)
        #expect(pair.client.disguise.dialect == 0 && pair.client.codec.dialect == 0)
        #expect(!pair.client.disguise.marksTraffic)
        for kind in [Message.Kind.initiation, .response, .cookieReply] {
            let message = pair.client.message(kind, for: pair.server.publicKey)
            #expect(Array(message.prefix(4)) == [UInt8(kind.rawValue), 0, 0, 0])
            #expect(pair.client.encode(message) == message)
        }
        let body = [UInt8](0..<64)
        #expect(
            pair.client.conceal([body], receiver: 5, counter: 6)
                == [[4, 0, 0, 0, 5, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0] + body])
    }

    @Test(arguments: [0, 1, 2, 3, 4, 5, 6])
    func whatChangesTheWireIsNotPlain(choice: Int) {
        let settings = AmneziaWGSettings {
            switch choice {
            case 0...3: $0.prefixes[choice] = 1
            case 4: $0.headers[2] = 3...5
            case 5: $0.headerProtectionKey = AmneziaWGSettings.countingKey
            default: $0.randomTrailers = true
            }
        }
        #expect(!settings.isPlainOnTheWire)
        #expect(AmneziaWGDisguise(settings, number: 3, peer: nil).dialect == 3)
        #expect(AmneziaWGInboundCodec(settings, number: 3).dialect == 3)
    }

    @Test func macsOfMessagesFromElsewhereFollowTheType() throws {
        let pair = try AmneziaWGPair(.generation2)
        for kind in [Message.Kind.initiation, .response] {
            var message = pair.client.message(kind, for: pair.server.publicKey)
            message.withUnsafeMutableBytes {
                $0.storeBytes(of: kind.rawValue.littleEndian, as: UInt32.self)
                let mac1 = MACKeys(of: pair.server.publicKey).mac1(of: UnsafeRawBufferPointer($0))
                mac1.store(to: $0.baseAddress! + $0.count - 32)
            }
            let received = try #require(pair.server.handshake(in: pair.client.encode(message)))
            #expect(received[4...].dropLast(32) == message[4...].dropLast(32))
            #expect(received.suffix(16) == message.suffix(16))
            #expect(received.prefix(4) != message.prefix(4))
            // And back, as a relay does it.
            var plain = received
            let macs = MACKeys(of: pair.server.publicKey)
            #expect(plain.withUnsafeMutableBytes { HandshakeType.makePlain($0, macs: macs) })
            #expect(plain == message)
            // Without the receiver's key nobody would take it.
            let blind = AmneziaWGDisguise(.generation2, number: 1, peer: nil)
            var output = [UInt8](repeating: 0, count: DisguiseLimits.datagram)
            var random = KeystreamGenerator(seededBy: SeededRandom(seed: 1))
            let length = message.withUnsafeBytes { message in
                output.withUnsafeMutableBytes {
                    blind.encode(message, into: $0, at: SimulatedClock().now, random: &random)
                }
            }
            #expect(length == 0)
        }
    }
}
