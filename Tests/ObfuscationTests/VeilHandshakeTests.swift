import NoisePrimitives
import TestKit
import Testing
import Tunnel
import Wire

@testable import Obfuscation

@Suite struct VeilHandshakeTests {
    private let random = SeededRandom(seed: 86)

    @Test(arguments: [
        (Message.Kind.initiation, 208...1199), (.response, 144...895), (.cookieReply, 112...399),
    ])
    func comesBackWithEverySize(kind: Message.Kind, sizes: ClosedRange<Int>) {
        let pair = VeilPair(secret: "s")
        var generator = KeystreamGenerator(seededBy: random)
        var seen: Set<Int> = []
        for _ in 0..<sizes.count * 12 {
            let message = [UInt8].message(kind, random)
            for (disguise, codec) in [(pair.client, pair.serverCodec), (pair.server, pair.clientCodec)] {
                let datagram = disguise.encoded(message, &generator)
                seen.insert(datagram.count)
                let opened = codec.handshake(in: datagram)
                #expect(opened.finding == .message(message.count))
                #expect(opened.message == message)
            }
        }
        #expect(seen == Set(sizes))
    }

    @Test func dataAndNoiseAreNoHandshakes() {
        var generator = KeystreamGenerator(seededBy: random)
        let disguise = VeilPair().client
        for message in [
            [UInt8].message(.data, random), [], [1, 0, 0, 0], random.bytes(148), [UInt8](repeating: 0, count: 64),
        ] {
            #expect(disguise.encoded(message, &generator).isEmpty)
        }
    }

    @Test func coversAreIgnored() {
        let pair = VeilPair()
        var generator = KeystreamGenerator(seededBy: random)
        var counts: [Int: Int] = [:]
        for _ in 0..<300 {
            let covers = pair.client.prelude(at: VeilPair.moment(), random: &generator)
            counts[covers.count, default: 0] += 1
            for cover in covers {
                #expect((64...1199).contains(cover.count))
                #expect(pair.serverCodec.handshake(in: cover).finding == .ignored)
                #expect(pair.clientCodec.handshake(in: cover).finding == .none)
            }
        }
        #expect(Set(counts.keys) == [0, 1, 2])
        #expect(counts.values.allSatisfy { $0 > 60 })
    }

    @Test func noOtherKeyNorDirectionFits() {
        var generator = KeystreamGenerator(seededBy: random)
        let pair = VeilPair(secret: "s")
        let message = [UInt8].message(.initiation, random)
        let toServer = pair.client.encoded(message, &generator)
        let toClient = pair.server.encoded(message, &generator)
        for other in [VeilPair(), VeilPair(secret: "t"), VeilPair(secret: "s", serverKey: VeilPair.clientKey)] {
            for datagram in [toServer, toClient] {
                #expect(other.serverCodec.handshake(in: datagram).finding == .none)
                #expect(other.clientCodec.handshake(in: datagram).finding == .none)
            }
        }
        // A reflected datagram.
        #expect(pair.clientCodec.handshake(in: toServer).finding == .none)
        #expect(pair.serverCodec.handshake(in: toClient).finding == .none)
    }

    @Test func twoThatCallEachOtherUnderstandEachOther() throws {
        // Both have an endpoint for the other, so that each calls in the direction to a server.
        let settings = VeilSettings()
        let left = CodecKeys(own: VeilPair.clientKey, peer: VeilPair.serverKey, isPeerServer: true)
        let rightAsServer = CodecKeys(own: VeilPair.serverKey, peer: nil, isPeerServer: false)
        var generator = KeystreamGenerator(seededBy: random)
        let message = [UInt8].message(.initiation, random)
        let disguise = try #require(VeilDisguise(settings, dialect: 1, keys: left))
        let codec = try #require(
            VeilInboundCodec(settings, dialect: 1, keys: rightAsServer, replays: ReplayGuard(floor: 0)))
        #expect(codec.handshake(in: disguise.encoded(message, &generator)).message == message)
    }

    @Test func everyTruncationExtensionAndFlippedBitIsRefused() {
        let pair = VeilPair()
        var generator = KeystreamGenerator(seededBy: random)
        let datagram = pair.client.encoded(.message(.initiation, random), &generator)
        for length in 0..<datagram.count {
            #expect(pair.serverCodec.handshake(in: Array(datagram[..<length])).finding == .none)
        }
        for extra in 1...300 {
            #expect(pair.serverCodec.handshake(in: datagram + random.bytes(extra)).finding == .none)
        }
        for bit in 0..<datagram.count * 8 {
            var flipped = datagram
            flipped[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(pair.serverCodec.handshake(in: flipped).finding == .none)
        }
        #expect(pair.serverCodec.handshake(in: datagram).finding == .message(148))
    }

    @Test func whatIsTooShortForItsKindIsNone() {
        let keys = VeilKeys(server: VeilPair.serverKey, secret: nil, direction: .toServer)
        let codec = VeilPair().serverCodec
        for (kind, least) in [(UInt8(1), 196), (2, 140), (3, 112), (4, 1201), (5, 1201), (255, 1201), (0, 49)] {
            for size in 49...1200 {
                var datagram = random.bytes(size)
                datagram.withUnsafeMutableBytes { datagram in
                    [kind].withUnsafeBytes { keys.sealHandshake($0, into: datagram, at: VeilPair.start) }
                }
                let finding = codec.handshake(in: datagram).finding
                #expect((finding != .none) == (size >= least))
            }
        }
    }

    @Test func aCopyIsRefusedAtOnceLaterAndAfterARestart() {
        let before = VeilPair(floor: VeilPair.start.milliseconds - 1000)
        var generator = KeystreamGenerator(seededBy: random)
        let initiation = before.client.encoded(.message(.initiation, random), &generator)
        #expect(before.serverCodec.handshake(in: initiation).finding == .message(148))
        #expect(before.serverCodec.handshake(in: initiation).finding == .refused(.disguiseReplayed))
        for seconds in [Int64(1), 60, 119, 120] {
            let finding = before.serverCodec.handshake(in: initiation, at: VeilPair.moment(after: seconds)).finding
            #expect(finding == .refused(.disguiseReplayed))
        }
        #expect(
            before.serverCodec.handshake(in: initiation, at: VeilPair.moment(after: 121)).finding
                == .refused(.disguiseWrongTime))
        let after = VeilPair(floor: VeilPair.start.milliseconds)
        for seconds in [Int64(0), 60] {
            let finding = after.serverCodec.handshake(in: initiation, at: VeilPair.moment(after: seconds)).finding
            #expect(finding == .refused(.disguiseBeforeStart))
        }
        // Who calls now is heard.
        let fresh = after.client.encoded(
            .message(.initiation, random), at: VeilPair.moment(after: 61), &generator)
        #expect(after.serverCodec.handshake(in: fresh, at: VeilPair.moment(after: 60)).finding == .message(148))
    }

    @Test func clocksMayBeTwoMinutesApart() {
        var generator = KeystreamGenerator(seededBy: random)
        for (seconds, isTaken) in [(Int64(-121), false), (-120, true), (0, true), (120, true), (121, false)] {
            let pair = VeilPair()
            let datagram = pair.client.encoded(.message(.initiation, random), &generator)
            let finding = pair.serverCodec.handshake(in: datagram, at: VeilPair.moment(after: seconds)).finding
            #expect(finding == (isTaken ? .message(148) : .refused(.disguiseWrongTime)))
        }
    }

    @Test func cookieRepliesGoToTheOneWhoCalled() throws {
        let pair = VeilPair(secret: "s")
        var generator = KeystreamGenerator(seededBy: random)
        let reply = [UInt8].message(.cookieReply, random)
        let datagram = try #require(pair.serverCodec.replyDisguise).encoded(reply, &generator)
        #expect(pair.clientCodec.handshake(in: datagram).message == reply)
    }

    @Test func timesLeaveRoomForRetries() {
        let timing = VeilPair().client.timing
        #expect(
            timing.rekeyAfterTime.upperBound + 4 * timing.rekeyTimeout.upperBound < timing.rejectAfterTime.lowerBound)
        #expect(timing.rekeyTimeout.lowerBound * timing.maximumRetries.lowerBound >= 40)
        #expect(timing.keepaliveTimeout.upperBound + timing.rekeyTimeout.upperBound <= 25)
    }
}
