import NoisePrimitives
import Obfuscation
import TestKit
import Testing
import Tunnel
import Wire

@Suite struct XORTests {
    private func direction(_ key: String) -> Direction {
        Direction(.xor(XORSettings(key: ObfuscationKey(Array(key.utf8)))))
    }

    @Test func keyRepeatsOverHandshakes() {
        let direction = direction("abc")
        var generator = makeGenerator(1)
        let message: [UInt8] = [1, 0, 0, 0] + (4..<148).map { UInt8($0) }
        let expected = message.enumerated().map { $0.element ^ Array("abc".utf8)[$0.offset % 3] }
        #expect(direction.encode(message, &generator) == expected)
    }

    @Test(arguments: [1, 2, 3, 7, 8, 31, 32, 33, 64, 100, 1500])
    func keyOfAnyLengthRepeatsOverData(_ length: Int) {
        let random = SeededRandom(seed: 1)
        var generator = makeGenerator(1)
        let key = random.bytes(length)
        let direction = Direction(.xor(XORSettings(key: ObfuscationKey(key))))
        let sent = direction.conceal(
            packets: [1380, 1380, 17], receiver: 0x0102_0304, firstCounter: 5, random, &generator)
        for (datagram, message) in zip(sent.datagrams, sent.messages) {
            let plain = [4, 0, 0, 0, 4, 3, 2, 1, UInt8(message.counter), 0, 0, 0, 0, 0, 0, 0] + message.body
            #expect(datagram == plain.enumerated().map { $0.element ^ key[$0.offset % length] })
        }
    }
}

/// Against what the patch does, as its users wrote it down: byte j of the datagram at place i is combined with letter i mod 8.
@Suite struct XORBatchTests {
    private let letters: [UInt8] = [0x61, 0x64, 0x61, 0x6d, 0x78, 0x69, 0x61, 0x6f]
    private let direction = Direction(.xorBatch)

    @Test func eachDatagramOfABatchHasTheLetterOfItsPlace() {
        let random = SeededRandom(seed: 1)
        var generator = makeGenerator(1)
        let sent = direction.conceal(
            packets: Array(repeating: 100, count: 20), receiver: 1, position: 5, random, &generator)
        for (index, datagram) in sent.datagrams.enumerated() {
            let letter = letters[(index + 5) % 8]
            #expect(Array(datagram[..<4]) == [4 ^ letter, letter, letter, letter])
            #expect(datagram[16...].map { $0 ^ letter } == sent.messages[index].body)
        }
    }

    @Test func handshakesAreBatchesOfOne() {
        var generator = makeGenerator(1)
        let message = direction.message(.initiation, SeededRandom(seed: 1))
        #expect(direction.encode(message, &generator) == message.map { $0 ^ 0x61 })
    }

    @Test func aLetterIsFoundWhereverTheDatagramStood() {
        let random = SeededRandom(seed: 2)
        for kind: Message.Kind in [.initiation, .response, .cookieReply] {
            let message = direction.message(kind, random)
            for letter in UInt8(0)...255 {
                let finding = direction.handshake(message.map { $0 ^ letter }, genuine: [message]).finding
                #expect(finding == (letters.contains(letter) ? .message(message.count) : .none))
            }
        }
    }

    @Test func datagramsOfARunMayHaveAnyLetters() {
        let random = SeededRandom(seed: 3)
        let bodies = (0..<24).map { _ in random.bytes(48) }
        var bytes: [UInt8] = []
        for (index, body) in bodies.enumerated() {
            let plain = [4, 0, 0, 0, 9, 0, 0, 0, UInt8(index), 0, 0, 0, 0, 0, 0, 0] + body
            let letter = letters[Int(random.below(8))]
            bytes += plain.map { $0 ^ letter }
        }
        let (run, messages) = direction.reveal(bytes, stride: 64, receiver: 9)
        #expect(run.datagrams == 24)
        #expect(messages.map(\.body) == bodies)
        #expect(messages.map(\.counter) == (0..<24).map { UInt64($0) })
    }

    @Test func aPeerThatSendsXORWithALetterIsUnderstood() {
        var generator = makeGenerator(4)
        let sender = Direction(.xor(XORSettings(key: ObfuscationKey(Array("a".utf8)))))
        let message = sender.message(.initiation, SeededRandom(seed: 4))
        let datagram = sender.encode(message, &generator)
        #expect(direction.handshake(datagram, genuine: [message]).finding == .message(148))
    }
}
