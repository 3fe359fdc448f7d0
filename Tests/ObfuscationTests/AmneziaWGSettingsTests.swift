import NoisePrimitives
import Obfuscation
import TestKit
import Testing
import Tunnel
import Wire

/// What AmneziaWG's settings mean and which don't fit together. Obfuscation §1.2 and §1.6.
@Suite struct AmneziaWGSettingsTests {
    @Test(arguments: [
        (
            AmneziaWGSettings { $0.junkCount = 129 },
            "Jc = 129 is too much: at most 128 junk packets go before a handshake, mostly 4 to 12"
        ),
        (
            AmneziaWGSettings { ($0.junkCount, $0.junkMinimum, $0.junkMaximum) = (4, 80, 50) },
            "Jmin = 80 is above Jmax = 50: set Jmax to 80 or more, or Jmin to 50 or less"
        ),
        (
            AmneziaWGSettings { ($0.junkCount, $0.junkMaximum) = (4, 65508) },
            "Jmax = 65508 is more than a datagram can have, which is 65507 bytes; take 1280 or less, so that junk isn't cut into fragments"
        ),
        (
            AmneziaWGSettings { $0.prefixes[0] = 1353 },
            "S1 = 1353 is too long: with it an initiation of 148 bytes has more than 1500; take 1352 at most"
        ),
        (
            AmneziaWGSettings { $0.prefixes[3] = 65535 },
            "S4 = 65535 is too long: with it a data message of 32 bytes has more than 1500; take 1468 at most"
        ),
        (
            AmneziaWGSettings {
                $0.prefixes = [12, 11, 20, 0]
                $0.headerProtectionKey = AmneziaWGSettings.countingKey
            },
            "HeaderProtectionKey needs S1, S2, S3 and S4 of 12 or more, on both sides, since its nonce stands there; here S2 = 11, S4 = 0"
        ),
        (
            AmneziaWGSettings { $0.headers = [5...100, 200...300, 50...50, 400...500] },
            "H1 = 5-100 and H3 = 50 overlap, so a message could be either kind; give H1 to H4 numbers that no other one has, the same on both sides"
        ),
        (
            AmneziaWGSettings { $0.headers[0] = 0...4_294_967_295 },
            "H1 = 0-4294967295 and H2 = 2 overlap, so a message could be either kind; give H1 to H4 numbers that no other one has, the same on both sides"
        ),
        (
            AmneziaWGSettings { $0.rekeyTimeout = 0...5 },
            "RekeyTimeout = 0-5 begins at no time at all: take 1 second or more"
        ),
        (
            AmneziaWGSettings { $0.rekeyAfterTime = 180...200 },
            "RekeyAfterTime = 180-200 is never below RejectAfterTime = 180, so every session would end before it is renewed; keep it a minute below"
        ),
        (
            AmneziaWGSettings {
                $0.rekeyAfterTime = 10...12
                $0.rejectAfterTime = 15...30
            },
            "RejectAfterTime = 15-30 leaves no time for KeepaliveTimeout = 10 and RekeyTimeout = 5 before it: take more than 15 seconds"
        ),
    ])
    func refused(settings: AmneziaWGSettings, sentence: String) {
        #expect(throws: DialectError(sentence)) { try settings.validate() }
    }

    @Test func allowed() throws {
        try AmneziaWGSettings().validate()
        for settings in [
            AmneziaWGSettings.generation1, .generation2, .generation3, .generation3WithTrailers,
            AmneziaWGSettings { ($0.junkCount, $0.junkMinimum, $0.junkMaximum) = (128, 65507, 65507) },
            AmneziaWGSettings { $0.prefixes = [1352, 1408, 1436, 1468] },
            AmneziaWGSettings { $0.headers = [0...0, 0...0, 0...0, 0...0] },
            AmneziaWGSettings { $0.headers = [4...4, 3...3, 2...2, 1...1] },
            AmneziaWGSettings { $0.headers = [0...4, 5...5, 6...0xffff_fffe, 0xffff_ffff...0xffff_ffff] },
            AmneziaWGSettings {
                $0.rekeyAfterTime = 90...130
                $0.rejectAfterTime = 170...200
                $0.keepaliveTimeout = 5...15
                $0.rekeyTimeout = 5...13
                $0.maximumRetries = 18...33
            },
        ] {
            try settings.validate()
        }
    }

    @Test func timesAndWhatTheyAreWhenUnsaid() {
        #expect(AmneziaWGSettings().timing == .standard)
        #expect(
            AmneziaWGSettings {
                $0.rekeyAfterTime = 0...0
                $0.maximumRetries = 0...0
            }.timing == .standard)
        let timing = AmneziaWGSettings {
            $0.rekeyAfterTime = 90...130
            $0.rekeyTimeout = 4...6
            $0.rejectAfterTime = 170...200
            $0.keepaliveTimeout = 8...15
            $0.maximumRetries = 0...33
        }.timing
        #expect(timing.rekeyAfterTime == 90...130 && timing.rekeyTimeout == 4...6)
        #expect(timing.rejectAfterTime == 170...200 && timing.keepaliveTimeout == 8...15)
        #expect(timing.maximumRetries == 0...33)
    }

    @Test func underLoad() {
        let quiet = AmneziaWGSettings { $0.disablesCookies = true }
        #expect(!AmneziaWGDisguise(quiet, number: 1, peer: nil).answersUnderLoad)
        #expect(AmneziaWGInboundCodec(quiet, number: 1).replyDisguise == nil)
        #expect(AmneziaWGDisguise(.generation2, number: 1, peer: nil).answersUnderLoad)
        #expect(AmneziaWGInboundCodec(.generation2, number: 1).replyDisguise?.dialect == 1)
    }

    // MARK: Lengths of data messages

    private func contents(
        _ disguise: AmneziaWGDisguise, ofPacket length: Int, mtu: Int = 1420
    ) -> (lengths: Set<Int>, least: Int, most: Int) {
        let random = SeededRandom(seed: 4)
        let lengths = Set(
            (0..<3000).map { _ in disguise.layout(ofPacket: length, mtu: mtu, draw: random.uint64()).content })
        return (lengths, lengths.min()!, lengths.max()!)
    }

    @Test func paddingOfWireGuardWithoutAnother() {
        let disguise = AmneziaWGDisguise(.generation2, number: 1, peer: nil)
        for (length, padded) in [(0, 0), (1, 16), (16, 16), (1419, 1420), (1420, 1420)] {
            let layout = disguise.layout(ofPacket: length, mtu: 1420, draw: .max)
            #expect(layout == DataLayout(prefix: 9 + 16, content: padded, suffix: 0))
        }
        #expect(disguise.layout(ofSealed: 77, draw: 5) == DataLayout(prefix: 25, content: 77, suffix: 0))
        #expect(AmneziaWGSettings.generation2.overhead == 9)
    }

    @Test func paddingFromARange() {
        let disguise = AmneziaWGDisguise(
            AmneziaWGSettings {
                $0.contentPadding = 5...9
                $0.randomTrailers = true
            }, number: 1, peer: nil)
        #expect(contents(disguise, ofPacket: 0).lengths == [5, 6, 7, 8, 9])
        #expect(contents(disguise, ofPacket: 100).lengths == [105, 106, 107, 108, 109])
        #expect(contents(disguise, ofPacket: 1413).lengths == [1418, 1419, 1420])
        #expect(contents(disguise, ofPacket: 1420).lengths == [1420])
        #expect(contents(disguise, ofPacket: 1500).lengths == [1500])
        #expect(contents(disguise, ofPacket: 100, mtu: 0).lengths == [105, 106, 107, 108, 109])
        let wide = AmneziaWGDisguise(AmneziaWGSettings { $0.contentPadding = 0...65535 }, number: 1, peer: nil)
        #expect(contents(wide, ofPacket: 60).most == 1420)
        #expect(contents(wide, ofPacket: 60, mtu: 0).most == 1420)
        let off = AmneziaWGDisguise(AmneziaWGSettings { $0.contentPadding = 0...0 }, number: 1, peer: nil)
        #expect(contents(off, ofPacket: 60).lengths == [64])
    }

    @Test func equalPacketsOfABatchStayEqual() {
        let disguise = AmneziaWGDisguise(.generation3WithTrailers, number: 1, peer: nil)
        for draw in [0, 1 << 40, UInt64.max] {
            let layouts = (0..<10).map { _ in disguise.layout(ofPacket: 300, mtu: 1420, draw: draw) }
            #expect(Set(layouts.map(\.total)).count == 1)
        }
    }

    @Test func paddingUpToTheLongestDatagram() {
        let disguise = AmneziaWGDisguise(.generation3WithTrailers, number: 1, peer: nil)
        // A window of 500 has room for 456 bytes beside prefix, header and tag.
        var found = contents(disguise, ofPacket: 0)
        #expect(found.least == 0 && found.most == 455)
        found = contents(disguise, ofPacket: 400)
        #expect(found.least == 400 && found.most == 455)
        #expect(contents(disguise, ofPacket: 456).lengths == [456])
        #expect(contents(disguise, ofPacket: 1000).lengths == [1000])
        // It grows with what comes.
        disguise.noticed(hint: 0, length: 1000)
        #expect(contents(disguise, ofPacket: 0).most == 955)
        disguise.noticed(hint: 0, length: 700)
        #expect(contents(disguise, ofPacket: 0).most == 955)
        // What comes may be longer than what we may send.
        disguise.noticed(hint: 0, length: 65507)
        #expect(contents(disguise, ofPacket: 0).most > 1400)
        #expect(contents(disguise, ofPacket: 1000).most == 1420)
        disguise.moved()
        #expect(contents(disguise, ofPacket: 0).most == 455)
    }

    @Test func theWindowGrowsWithWhatIsSent() throws {
        let pair = try AmneziaWGPair(.generation3WithTrailers)
        _ = pair.client.conceal([[UInt8](repeating: 0, count: 1216)], receiver: 1, counter: 1)
        #expect(contents(pair.client.disguise, ofPacket: 0).most == 1244 - 44 - 1)
    }

    @Test func trailersUpToTheWindow() throws {
        let pair = try AmneziaWGPair(.generation3WithTrailers)
        let initiation = pair.client.message(.initiation, for: pair.server.publicKey)
        func lengths(_ message: [UInt8]) -> Set<Int> { Set((0..<3000).map { _ in pair.client.encode(message).count }) }
        var found = lengths(initiation)
        #expect(found.min() == 160 && found.max() == 499 && found.count > 330)
        pair.client.disguise.noticed(hint: 0, length: 1200)
        found = lengths(initiation)
        #expect(found.min()! < 170 && found.max()! > 1190 && found.max()! < 1200)
        // Nobody knows who gets a cookie reply, so it stays within what everybody has.
        found = lengths(pair.client.message(.cookieReply, for: pair.server.publicKey))
        #expect(found.min()! == 76 && found.max()! == 499)
        // There is room for 1500 bytes.
        pair.client.disguise.noticed(hint: 0, length: 60000)
        found = lengths(initiation)
        #expect(found.max()! > 1490 && found.max()! < 1500)
    }

    @Test func ofTheDialect() {
        let keys = CodecKeys(own: nil, peer: nil, isPeerServer: false)
        let dialect = Dialect.amneziaWG(.generation2)
        #expect(dialect.disguise(number: 4, keys: keys)?.dialect == 4)
        let replays = ReplayGuard(floor: 0)
        let random = SeededRandom(seed: 1)
        #expect(dialect.inboundCodec(number: 4, keys: keys, replays: replays, random: random)?.dialect == 4)
        #expect(dialect.needsOwnDisguise && !dialect.hasCodecPerServer)
        #expect(dialect == .amneziaWG(.generation2) && dialect != .amneziaWG(.generation1))
    }
}
