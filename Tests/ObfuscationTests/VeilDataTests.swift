import NoisePrimitives
import TestKit
import Testing
import Tunnel
import Wire

@testable import Obfuscation

@Suite struct VeilDataTests {
    private let random = SeededRandom(seed: 85)

    /// Stands in for sealing, of which the disguise sees nothing but bytes that look random.
    private func scribble(_ body: UnsafeMutableRawPointer, _ content: Int, _: UInt64) {
        random.fill(UnsafeMutableRawBufferPointer(start: body, count: content + Message.tagSize))
    }

    /// Datagrams of 148 and 92 bytes occur, and Wireshark takes none of them for a handshake.
    @Test func resemblesNoHandshake() {
        let pair = VeilPair(secret: "s")
        var generator = KeystreamGenerator(seededBy: random)
        var seen = [92: 0, 148: 0]
        for number in 0..<60_000 {
            let sent = pair.client.datagrams(
                of: [number % 2 == 0 ? 52 : 84], receiver: random.uint32(), counter: UInt64(number),
                draw: random.next(),
                &generator, seal: scribble)
            let datagram = sent.datagrams[0]
            guard seen[datagram.count] != nil else { continue }
            seen[datagram.count]? += 1
            #expect(datagram[0] != (datagram.count == 148 ? 1 : 2))
        }
        #expect(seen.values.allSatisfy { $0 > 300 })
    }

    @Test(arguments: [
        [0], [1], [52], [127], [128], [511], [512], [1412], [1412, 1412, 1412], [1412, 1412, 300], [52, 52, 0],
        [9000, 1],
    ])
    func comesBack(_ packets: [Int]) {
        let pair = VeilPair(secret: "s")
        var generator = KeystreamGenerator(seededBy: random)
        for _ in 0..<200 {
            let receiver = random.uint32()
            let counter = UInt64(random.uint32() >> 1)
            let draw = random.next()
            for (disguise, codec) in [(pair.client, pair.serverCodec), (pair.server, pair.clientCodec)] {
                let sent = disguise.datagrams(
                    of: packets, mtu: 9000, receiver: receiver, counter: counter, draw: draw, &generator,
                    seal: scribble)
                #expect(codec.receiver(of: sent.datagrams[0]) == receiver)
                guard sent.datagrams.last!.count <= sent.datagrams[0].count else { continue }
                let back = codec.revealed(sent.datagrams, receiver: receiver)
                #expect(back.run == RevealedRun(datagrams: packets.count, messages: packets.count))
                #expect(back.messages.map(\.body) == sent.sealed)
                #expect(back.messages.map(\.counter) == (0..<UInt64(packets.count)).map { counter + $0 })
            }
        }
    }

    @Test func aRunEndsWhereAnotherSessionBegins() {
        let pair = VeilPair()
        var generator = KeystreamGenerator(seededBy: random)
        let first = pair.client.datagrams(
            of: [600, 600], receiver: 1, counter: 0, draw: 3, &generator, seal: scribble)
        let other = pair.client.datagrams(of: [600], receiver: 2, counter: 0, draw: 3, &generator, seal: scribble)
        let back = pair.serverCodec.revealed(first.datagrams + other.datagrams + first.datagrams, receiver: 1)
        #expect(back.run == RevealedRun(datagrams: 2, messages: 2))
    }

    @Test func whatIsDamagedIsLeftOut() {
        let pair = VeilPair()
        var generator = KeystreamGenerator(seededBy: random)
        for suffix in 1...200 {
            // Looks for a draw that gives the suffix, so that each of its bytes is tried.
            var draw: UInt64
            repeat {
                draw = random.next()
            } while pair.client.layout(ofPacket: 0, mtu: 1412, draw: draw).suffix != suffix
            let sent = pair.client.datagrams(
                of: [0, 0, 0], receiver: 77, counter: 5, draw: draw, &generator, seal: scribble)
            var datagrams = sent.datagrams
            for position in 25..<25 + suffix {
                datagrams[1][position] ^= 1 << UInt8(position % 8)
                let back = pair.serverCodec.revealed(datagrams, receiver: 77)
                #expect(back.run == RevealedRun(datagrams: 3, messages: 2))
                #expect(back.messages.map(\.counter) == [5, 7])
                datagrams = sent.datagrams
            }
        }
    }

    @Test func everyFlippedBitInFrontOfTheSuffixChangesWhatIsOpened() {
        let pair = VeilPair()
        var generator = KeystreamGenerator(seededBy: random)
        let sent = pair.client.datagrams(of: [40], receiver: 9, counter: 5, draw: 1, &generator, seal: scribble)
        for bit in 0..<(9 + 40 + 16) * 8 {
            var datagram = sent.datagrams[0]
            datagram[bit / 8] ^= 1 << UInt8(bit % 8)
            guard pair.serverCodec.receiver(of: datagram) == 9 else { continue }
            let back = pair.serverCodec.revealed([datagram], receiver: 9)
            for message in back.messages {
                #expect(message.counter != 5 || message.body != sent.sealed[0])
            }
        }
    }

    @Test func noOtherKeyNorDirectionFits() {
        var generator = KeystreamGenerator(seededBy: random)
        let pair = VeilPair(secret: "s")
        let others = [
            pair.clientCodec, VeilPair().serverCodec, VeilPair(secret: "t").serverCodec,
            VeilPair(secret: "").serverCodec,
            VeilPair(secret: "s", serverKey: VeilPair.clientKey).serverCodec,
        ]
        for _ in 0..<1000 {
            let sent = pair.client.datagrams(
                of: [100], receiver: 0x0102_0304, counter: 5, draw: random.next(), &generator, seal: scribble)
            for other in others {
                #expect(other.receiver(of: sent.datagrams[0]) != 0x0102_0304)
            }
        }
    }

    @Test func nothingStandsWithoutAKey() {
        let keys = CodecKeys(own: nil, peer: nil, isPeerServer: false)
        #expect(Dialect.veil(VeilSettings()).disguise(number: 1, keys: keys) == nil)
        #expect(
            Dialect.veil(VeilSettings()).inboundCodec(
                number: 1, keys: keys, replays: ReplayGuard(floor: 0), random: random) == nil)
    }

    @Test(arguments: [0, 68, 576, 1280, 1412, 9000])
    func noDatagramIsLargerThanTheLargestPackets(mtu: Int) {
        let disguise = VeilPair().client
        for length in 0...(mtu == 0 ? 1500 : mtu) {
            for draw in [0, UInt64.max, random.next(), random.next(), random.next()] {
                let layout = disguise.layout(ofPacket: length, mtu: mtu, draw: draw)
                #expect(layout.prefix == 9 && layout.content == length && (0...255).contains(layout.suffix))
                #expect(layout.total <= (mtu == 0 ? max(length, 576) : mtu) + Veil.Data.overhead)
                // What another program sealed, as in a relay, gets the same room.
                if length > 511 {
                    #expect(disguise.layout(ofSealed: length, draw: draw).total <= length + Veil.Data.overhead)
                }
            }
        }
    }

    @Test func aFullPacketCostsHalfAByteMoreThanWireGuards() {
        let disguise = VeilPair().client
        let count = 100_000
        var bytes = 0
        for _ in 0..<count { bytes += disguise.layout(ofPacket: 1412, mtu: 1412, draw: random.next()).total - 1412 }
        let average = Double(bytes) / Double(count)
        #expect(abs(average - Double(Message.Data.overhead) - 0.5) < 0.1)
    }

    @Test func shortOnesBelongToNobody() {
        let codec = VeilPair().serverCodec
        for length in 0..<25 {
            #expect(codec.receiver(of: random.bytes(length)) == nil)
        }
        // A suffix that can't be there, as nearly all of these have.
        let found = (0..<1000).count { _ in codec.receiver(of: random.bytes(25)) != nil }
        #expect(found < 20)
    }
}
