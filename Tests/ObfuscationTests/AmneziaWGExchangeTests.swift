import NoisePrimitives
import Obfuscation
import TestKit
import Testing
import Tunnel
import Wire

/// Two sides over each other's datagrams. Obfuscation §1.4.
@Suite struct AmneziaWGExchangeTests {
    @Test(arguments: 0..<40)
    func everythingArrives(seed: Int) throws {
        let random = SeededRandom(seed: 1000 + UInt64(seed))
        let settings: AmneziaWGSettings =
            switch seed {
            case 0: .generation1
            case 1: .generation2
            case 2: .generation3
            case 3: .generation3WithTrailers
            case 4: AmneziaWGSettings()
            default: .random(random)
            }
        let pair = try AmneziaWGPair(settings, seed: UInt64(seed))
        var sessions: (client: UInt32, server: UInt32) = (random.uint32(), random.uint32())
        for round in 0..<150 {
            let fromClient = round % 2 == 0
            let (sender, receiver) = fromClient ? (pair.client, pair.server) : (pair.server, pair.client)
            if random.chance(0.3) {
                let kinds: [Message.Kind] = [.initiation, .response, .cookieReply]
                let kind = kinds[Int(random.below(3))]
                let message = sender.message(kind, for: receiver.publicKey)
                let index = AmneziaWGBytes.number(Array(message[4..<8]))
                if kind == .cookieReply { receiver.knownIndices = [index] }
                let received = try #require(receiver.handshake(in: sender.encode(message)))
                #expect(received.count == message.count && received[4...] == message[4...])
                if kind != .cookieReply { #expect(received == message) }
                if random.chance(0.2) { sessions = (random.uint32(), random.uint32()) }
            } else {
                let length = 16 + Int(random.below(1400))
                let count = 1 + Int(random.below(8))
                let bodies = (0..<count).map {
                    random.bytes($0 == count - 1 ? 16 + Int(random.below(UInt64(length - 15))) : length)
                }
                let index = fromClient ? sessions.server : sessions.client
                let counter = random.uint64() >> 1
                let datagrams = sender.conceal(bodies, receiver: index, counter: counter)
                let revealed = try #require(receiver.reveal(datagrams))
                #expect(revealed.receiver == index)
                #expect(
                    revealed.messages
                        == bodies.enumerated().map { .init(counter: counter + UInt64($0), body: $1) })
            }
        }
    }

    /// Ranges of types so wide that data looks like an initiation, with trailers, which take away the length as a sign.
    private static let wide = AmneziaWGSettings {
        $0.headers = [
            0...0x3fff_ffff, 0x4000_0000...0x7fff_ffff, 0x8000_0000...0xbfff_ffff, 0xc000_0000...0xffff_ffff,
        ]
        $0.prefixes = [30, 40, 50, 12]
        $0.randomTrailers = true
    }

    @Test(arguments: [false, true])
    func wideRangesLoseNothing(isProtected: Bool) throws {
        var settings = Self.wide
        if isProtected { settings.headerProtectionKey = AmneziaWGSettings.countingKey }
        let pair = try AmneziaWGPair(settings)
        let random = SeededRandom(seed: 9)
        var lostElsewhere = 0
        for counter in 0..<2000 {
            let body = random.bytes(1000)
            let datagram = pair.client.conceal([body], receiver: 77, counter: UInt64(counter))[0]
            if original(datagram, settings) != 3 { lostElsewhere += 1 }
            let revealed = try #require(pair.server.reveal([datagram]))
            #expect(revealed.receiver == 77 && revealed.messages == [.init(counter: UInt64(counter), body: body)])
            // And nobody takes it for a handshake message.
            #expect(pair.server.handshake(in: datagram) == nil)
        }
        #expect(lostElsewhere > 500)
        var misleading = 0
        for round in 0..<900 {
            let kind: Message.Kind = [.initiation, .response, .cookieReply][round % 3]
            let message = pair.client.message(kind, for: pair.server.publicKey)
            pair.server.knownIndices = kind == .cookieReply ? [AmneziaWGBytes.number(Array(message[4..<8]))] : []
            let datagram = pair.client.encode(message)
            // It may look like a data message, but then of a session that doesn't exist.
            if let index = datagram.withUnsafeBytes({ pair.server.codec.receiver(of: $0) }) {
                misleading += 1
                #expect(index != 77)
            }
            let received = try #require(pair.server.handshake(in: datagram))
            #expect(received.count == message.count && received[4...] == message[4...])
        }
        #expect(misleading > 100)
    }

    /// The kind that the original receiver takes a datagram for. Obfuscation §1.4.
    private func original(_ datagram: [UInt8], _ settings: AmneziaWGSettings) -> Int? {
        var mask: [UInt8] = [0, 0, 0, 0]
        if !settings.headerProtectionKey.isZero {
            let key = settings.headerProtectionKey.withUnsafeBytes { Array($0) }
            mask = SlowChaCha20.keystream(key: key, nonce: Array(datagram[..<12]), count: 4)
        }
        for (place, size) in [148, 92, 64, 32].enumerated() {
            let start = Int(settings.prefixes[place])
            let fits =
                place == 3 || settings.randomTrailers
                ? datagram.count >= start + size : datagram.count == start + size
            guard fits else { continue }
            let type = AmneziaWGBytes.number(zip(datagram[start..<start + 4], mask).map { $0 ^ $1 })
            if settings.headers[place].contains(type) { return place }
        }
        return nil
    }

    @Test func aRunEndsWhereAnotherSessionOrKindBegins() throws {
        let pair = try AmneziaWGPair(.generation3)
        let body = [UInt8](repeating: 9, count: 80)
        let first = pair.client.conceal([body, body], receiver: 5, counter: 1)
        let other = pair.client.conceal([body], receiver: 6, counter: 9)
        #expect(try #require(pair.server.reveal(first + other)).messages.count == 2)
        #expect(try #require(pair.server.reveal(other + first)).messages.count == 1)
        var damaged = first
        damaged[1][0] ^= 1
        #expect(try #require(pair.server.reveal(damaged)).messages.count == 1)
        // The last one is too short for a data message.
        #expect(try #require(pair.server.reveal(first + [Array(other[0].prefix(51))])).messages.count == 2)
        #expect(try #require(pair.server.reveal(first + [Array(other[0].prefix(52))])).messages.count == 2)
        let shortest = pair.client.conceal([body, [UInt8](repeating: 1, count: 16)], receiver: 5, counter: 1)
        #expect(try #require(pair.server.reveal(shortest)).messages.count == 2)
    }

    @Test func theLeastIsAKeepalive() throws {
        let pair = try AmneziaWGPair(.generation3)
        let keepalive = pair.client.conceal([[UInt8](repeating: 3, count: 16)], receiver: 5, counter: 1)[0]
        #expect(keepalive.count == 20 + 32)
        #expect(pair.server.reveal([keepalive]) != nil)
        #expect(pair.server.reveal([Array(keepalive.dropLast())]) == nil)
    }

    @Test(arguments: 0..<8)
    func differentSettingsFindNothing(choice: Int) throws {
        var other = AmneziaWGSettings.generation3
        switch choice {
        case 0: other.headerProtectionKey = Secret32(Bytes32(1...32)!)
        case 1: other.headerProtectionKey = .zero
        case 2: other.prefixes = other.prefixes.map { $0 + 1 }
        case 3: other.prefixes = [33, 12, 20, 64]
        case 4: other.headers = [1...1, 2...2, 3...3, 4...4]
        case 5: other = AmneziaWGSettings()
        case 6: other = .generation2
        default: other = .generation1
        }
        let pair = try AmneziaWGPair(.generation3, other)
        for (sender, receiver) in [(pair.client, pair.server), (pair.server, pair.client)] {
            var accepted = 0
            for round in 0..<200 {
                let kind: Message.Kind = [.initiation, .response, .cookieReply][round % 3]
                let message = sender.message(kind, for: receiver.publicKey)
                receiver.knownIndices = [AmneziaWGBytes.number(Array(message[4..<8]))]
                if receiver.handshake(in: sender.encode(message)) != nil { accepted += 1 }
                let data = sender.conceal([message], receiver: 0xabcd_0123, counter: 1)
                if receiver.reveal(data)?.receiver == 0xabcd_0123 { accepted += 1 }
            }
            #expect(accepted == 0)
        }
    }

    @Test func trailersAreLostOnThoseWhoDontExpectThem() throws {
        var settings = AmneziaWGSettings.generation3WithTrailers
        let sender = settings
        settings.randomTrailers = false
        let pair = try AmneziaWGPair(sender, settings)
        var taken = 0
        for _ in 0..<100 {
            let datagram = pair.client.encode(pair.client.message(.initiation, for: pair.server.publicKey))
            let isBare = datagram.count == 12 + 148
            let found = pair.server.handshake(in: datagram) != nil
            #expect(found == isBare)
            if found { taken += 1 }
        }
        #expect(taken < 10)
    }

    @Test func whatIsMeantForSomebodyElseIsToldApartFromNothing() throws {
        let pair = try AmneziaWGPair(.generation1)
        for kind in [Message.Kind.initiation, .response] {
            // For the sender itself, say.
            let message = pair.client.message(kind, for: pair.client.publicKey)
            #expect(pair.server.finding(in: pair.client.encode(message)) == .refused(.wrongMAC1))
        }
        let cookie = pair.client.message(.cookieReply, for: pair.server.publicKey)
        #expect(pair.server.finding(in: pair.client.encode(cookie)) == .refused(.cookieReplyUnexpected))
        // Where types are drawn from wide ranges, other things look the same.
        let wide = try AmneziaWGPair(.generation2)
        let message = wide.client.message(.initiation, for: wide.client.publicKey)
        #expect(wide.server.finding(in: wide.client.encode(message)) == .none)
    }

    @Test func junkIsNothing() throws {
        for settings in [AmneziaWGSettings.generation1, .generation2, .generation3, .generation3WithTrailers] {
            var settings = settings
            (settings.junkCount, settings.junkMinimum, settings.junkMaximum) = (128, 1, 1400)
            let pair = try AmneziaWGPair(settings)
            for junk in pair.client.disguise.prelude(at: SimulatedClock().now, random: &pair.client.random) {
                #expect(pair.server.handshake(in: junk) == nil)
            }
        }
    }

    @Test(arguments: 0..<30)
    func anyBytesAreHarmless(seed: Int) throws {
        let random = SeededRandom(seed: 500 + UInt64(seed))
        let pair = try AmneziaWGPair(.random(random), seed: UInt64(seed))
        for _ in 0..<300 {
            let garbage = random.bytes(Int(random.below(300)))
            #expect(pair.server.handshake(in: garbage) == nil)
            if !garbage.isEmpty { _ = pair.server.reveal([garbage]) }
        }
        let whole = pair.client.encode(pair.client.message(.initiation, for: pair.server.publicKey))
        let data = pair.client.conceal([random.bytes(64)], receiver: 1, counter: 1)[0]
        for length in 0..<whole.count {
            if pair.server.handshake(in: Array(whole.prefix(length))) != nil {
                // Only what is missing of a trailer may be missing.
                #expect(length >= whole.count - 500)
            }
        }
        for length in 1..<data.count { _ = pair.server.reveal([Array(data.prefix(length))]) }
        pair.server.codec.handshakeOfNothing()
    }
}

extension AmneziaWGInboundCodec {
    fileprivate func handshakeOfNothing() {
        let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
        let found = handshake(
            in: nothing, into: UnsafeMutableRawBufferPointer(start: nil, count: 0), at: SimulatedClock().now
        ) { _ in true }
        #expect(found == .none)
        #expect(receiver(of: nothing) == nil)
    }
}
