import NoisePrimitives
import Obfuscation
import TestKit
import Testing
import Tunnel
import Wire

/// What holds for every dialect.
@Suite struct DialectTests {
    private static let handshakes: [Message.Kind] = [.initiation, .response, .cookieReply]

    @Test(arguments: NamedDialect.all, [true, false])
    func handshakesComeBack(_ named: NamedDialect, toServer: Bool) {
        let direction = Direction(named.dialect, toServer: toServer)
        let random = SeededRandom(seed: 1)
        var generator = makeGenerator(2)
        for round in 0..<30 {
            let message = direction.message(Self.handshakes[round % 3], random)
            let datagram = direction.encode(message, &generator)
            #expect(datagram.count >= message.count)
            let (finding, output) = direction.handshake(datagram, genuine: [message])
            guard case .message(let length, let hint) = finding else {
                Issue.record("found \(finding)")
                return
            }
            #expect(length == message.count)
            #expect(Array(output[4..<length]) == Array(message[4...]))
            if round % 3 != 2 { #expect(Array(output[..<4]) == Array(message[..<4])) }
            // Those that authenticate nothing in a header can't know.
            if named.tellsDataFromHandshakes { #expect(direction.receiver(of: datagram) == nil) }
            direction.disguise.noticed(hint: hint, length: datagram.count)
        }
    }

    @Test(arguments: NamedDialect.all, [true, false])
    func dataComesBack(_ named: NamedDialect, toServer: Bool) {
        let direction = Direction(named.dialect, toServer: toServer)
        let random = SeededRandom(seed: 3)
        var generator = makeGenerator(4)
        let runs = [
            [0], [1], [16], [1380], [1380, 1380, 1380], [1380, 1380, 700], [1000, 1000, 0], [64, 64, 64, 64, 40],
            Array(repeating: 1380, count: 40) + [3], Array(repeating: 20, count: 17), [1200, 1200], [991, 991, 5],
        ]
        for (round, lengths) in runs.enumerated() {
            let index = UInt32(truncatingIfNeeded: random.next())
            let sent = direction.conceal(
                packets: lengths, receiver: index, firstCounter: UInt64(round) << 20, position: round,
                draw: random.next(), random, &generator)
            for datagram in sent.datagrams { #expect(direction.receiver(of: datagram) == index) }
            let (run, messages) = direction.reveal(sent.bytes, stride: sent.stride, receiver: index)
            #expect(run.datagrams == lengths.count && run.messages == lengths.count)
            #expect(messages.map(\.counter) == sent.messages.map(\.counter))
            #expect(messages.map(\.body) == sent.messages.map(\.body))
        }
    }

    @Test(arguments: NamedDialect.all) func revealingEndsAtAnotherSession(_ named: NamedDialect) {
        let direction = Direction(named.dialect)
        let random = SeededRandom(seed: 5)
        var generator = makeGenerator(6)
        let first = direction.conceal(packets: [500, 500], receiver: 1, random, &generator)
        let second = direction.conceal(packets: [500], receiver: 2, random, &generator)
        let (run, messages) = direction.reveal(first.bytes + second.bytes, stride: first.stride, receiver: 1)
        #expect(run.datagrams == 2)
        #expect(messages.map(\.body) == first.messages.map(\.body))
    }

    @Test(arguments: NamedDialect.all) func unchangedDatagramsRemainForTheNextCodec(_ named: NamedDialect) {
        let direction = Direction(named.dialect)
        let random = SeededRandom(seed: 7)
        var generator = makeGenerator(8)
        let first = direction.conceal(packets: [300], receiver: 1, random, &generator)
        // Another's datagram of the same length behind it must be left as it is.
        let noise = random.bytes(first.stride)
        var bytes = first.bytes + noise
        let stride = first.stride
        withUnsafeTemporaryAllocation(of: DataMessage.self, capacity: 2) { messages in
            let run = bytes.withUnsafeMutableBytes {
                direction.codec.reveal(
                    ReceivedRun(start: $0.baseAddress!, length: $0.count, stride: stride), receiver: 1,
                    into: messages.baseAddress!)
            }
            #expect(run.datagrams == 1)
        }
        #expect(Array(bytes[stride...]) == noise)
    }

    @Test(arguments: NamedDialect.all) func truncatedHandshakesAreNothing(_ named: NamedDialect) {
        let direction = Direction(named.dialect)
        let random = SeededRandom(seed: 9)
        var generator = makeGenerator(10)
        for kind in Self.handshakes {
            let message = direction.message(kind, random)
            let datagram = direction.encode(message, &generator)
            for length in 0..<datagram.count where length < 200 || length % 7 == 0 || length > datagram.count - 60 {
                let cut = Array(datagram[..<length])
                _ = direction.receiver(of: cut)
                let finding = direction.handshake(cut, genuine: []).finding
                if case .message = finding { Issue.record("\(length) of \(datagram.count) bytes give \(finding)") }
            }
        }
    }

    @Test(arguments: NamedDialect.all) func truncatedDataDoesNoHarm(_ named: NamedDialect) {
        let direction = Direction(named.dialect)
        let random = SeededRandom(seed: 11)
        var generator = makeGenerator(12)
        for length in [0, 100, 1380] {
            let sent = direction.conceal(packets: [length], receiver: 3, random, &generator)
            for count in 0..<sent.bytes.count where count < 100 || count % 13 == 0 {
                let cut = Array(sent.bytes[..<count])
                _ = direction.handshake(cut, genuine: [])
                guard let receiver = direction.receiver(of: cut) else { continue }
                #expect(direction.reveal(cut, stride: count, receiver: receiver).run.datagrams == 1)
            }
        }
    }

    @Test(arguments: NamedDialect.all) func noiseDoesNoHarm(_ named: NamedDialect) {
        let direction = Direction(named.dialect)
        let random = SeededRandom(seed: 13)
        for round in 0..<4000 {
            let length = round % 1600
            let noise = random.bytes(length)
            if case .message = direction.handshake(noise, genuine: []).finding {
                #expect(named.name == "plain")
            }
            guard length > 0 else { continue }
            let stride = 1 + Int(random.below(UInt64(length)))
            let first = Array(noise[..<min(stride, length)])
            guard let receiver = direction.receiver(of: first) else { continue }
            #expect(direction.reveal(noise, stride: stride, receiver: receiver).run.datagrams >= 1)
        }
    }

    @Test(arguments: NamedDialect.all) func damagedDataDoesNoHarm(_ named: NamedDialect) {
        let direction = Direction(named.dialect)
        let random = SeededRandom(seed: 14)
        var generator = makeGenerator(15)
        for round in 0..<400 {
            let sent = direction.conceal(packets: [200, 200, 200], receiver: 3, random, &generator)
            var bytes = sent.bytes
            for _ in 0...round % 4 { bytes[Int(random.below(UInt64(bytes.count)))] ^= 1 << UInt8(round % 8) }
            let stride = round % 3 == 0 ? sent.stride : 1 + Int(random.below(UInt64(bytes.count)))
            let first = Array(bytes[..<min(stride, bytes.count)])
            guard let receiver = direction.receiver(of: first) else { continue }
            #expect(direction.reveal(bytes, stride: stride, receiver: receiver).run.datagrams >= 1)
        }
    }

    @Test(arguments: zip(NamedDialect.all, NamedDialect.others))
    func otherKeysFindNothing(_ named: NamedDialect, _ other: NamedDialect) {
        guard named.dialect != other.dialect, named.name != "warp" else { return }
        let sender = Direction(named.dialect)
        let receiver = Direction(other.dialect)
        let random = SeededRandom(seed: 16)
        var generator = makeGenerator(17)
        for kind in Self.handshakes {
            let message = sender.message(kind, random)
            let finding = receiver.handshake(sender.encode(message, &generator), genuine: [message]).finding
            #expect(finding == .none)
        }
        let sent = sender.conceal(packets: [600], receiver: 77, random, &generator)
        #expect(receiver.receiver(of: sent.bytes) != 77)
    }

    @Test(arguments: NamedDialect.all, NamedDialect.others)
    func dialectsDontTakeEachOthersHandshakes(_ named: NamedDialect, _ other: NamedDialect) {
        guard named.name != other.name, !(named.name.hasPrefix("wg-") && other.name.hasPrefix("wg-")) else { return }
        // One letter of the batches is the key that one sends in.
        guard !(named.name.hasPrefix("xor") && other.name.hasPrefix("xor")) else { return }
        // It takes what has zeros in the reserved bytes, too.
        guard !(named.name == "plain" && other.name == "warp") else { return }
        let sender = Direction(named.dialect)
        let receiver = Direction(other.dialect)
        let random = SeededRandom(seed: 18)
        var generator = makeGenerator(19)
        for kind in Self.handshakes {
            let message = sender.message(kind, random)
            let finding = receiver.handshake(sender.encode(message, &generator), genuine: [message]).finding
            #expect(finding == .none)
        }
    }

    @Test(arguments: NamedDialect.all) func equalPacketsOfABatchStayEqual(_ named: NamedDialect) {
        let disguise = Direction(named.dialect).disguise
        let random = SeededRandom(seed: 20)
        for _ in 0..<200 {
            let draw = random.next()
            let length = Int(random.below(1381))
            let layout = disguise.layout(ofPacket: length, mtu: 1380, draw: draw)
            #expect(layout == disguise.layout(ofPacket: length, mtu: 1380, draw: draw))
            #expect(layout.content >= length && layout.prefix >= disguise.headerForm.size)
            #expect(layout.total - layout.content - 16 <= DisguiseLimits.overhead)
            #expect(disguise.headerForm == .whole || layout.suffix < 256)
        }
    }

    @Test(arguments: NamedDialect.all) func fullPacketsFitIntoThePath(_ named: NamedDialect) {
        for isIPv6 in [false, true] {
            let direction = Direction(named.dialect)
            let mtu = named.dialect.interfaceMTU(pathMTU: 1500, isIPv6: isIPv6)
            let most = 1500 - (isIPv6 ? 48 : 28)
            #expect(mtu >= 1280)
            // What follows the other side's lengths has seen one.
            direction.disguise.noticed(hint: 0, length: most)
            for draw in UInt64(0)..<64 {
                for length in [mtu, mtu - 1, mtu - 17] {
                    let total = direction.disguise.layout(ofPacket: length, mtu: mtu, draw: draw << 58 | draw).total
                    #expect(total <= most)
                }
            }
        }
    }

    @Test(arguments: NamedDialect.all) func onlyPlainMarksTraffic(_ named: NamedDialect) {
        #expect(Direction(named.dialect).disguise.marksTraffic == (named.dialect == .plain))
        #expect(Direction(named.dialect).disguise.dialect == (named.dialect == .plain ? 0 : 7))
        #expect(Direction(named.dialect).codec.dialect == (named.dialect == .plain ? 0 : 7))
    }
}
