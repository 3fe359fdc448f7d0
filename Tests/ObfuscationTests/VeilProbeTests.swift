import NoisePrimitives
import Obfuscation
import TestKit
import Testing
import Tunnel
import Wire

/// A stranger's probes are nothing to a codec, whatever they are made of; what it says then is never answered.
@Suite struct VeilProbeTests {
    private let random = SeededRandom(seed: 87)
    private let pair = VeilPair(secret: "s", floor: VeilPair.start.seconds * 1000)

    private enum Outcome: Hashable {
        case none, ignored, refused, message, answer, session
    }

    /// What becomes of a probe: first it is asked whose session it is, as a lane does.
    private func outcome(of probe: [UInt8], _ codec: VeilInboundCodec, at now: Moment = VeilPair.moment()) -> Outcome {
        if codec.receiver(of: probe) == 0x0102_0304 { return .session }
        return switch codec.handshake(in: probe, at: now).finding {
        case .none: .none
        case .ignored: .ignored
        case .refused: .refused
        case .message: .message
        case .answer: .answer
        }
    }

    private func outcomes(
        of probes: some Sequence<[UInt8]>, at now: Moment = VeilPair.moment(), _ codec: VeilInboundCodec? = nil
    ) -> Set<Outcome> {
        Set(probes.map { outcome(of: $0, codec ?? pair.serverCodec, at: now) })
    }

    @Test func noise() {
        let probes = (0..<40_000).lazy.map { _ in random.bytes(Int(random.below(1501))) }
        #expect(outcomes(of: probes) == [.none])
        let fills = (0...1500).lazy.flatMap { length in
            [UInt8(0), 1, 4, 0x80, 0xff].map { [UInt8](repeating: $0, count: length) }
        }
        #expect(outcomes(of: fills) == [.none])
    }

    @Test func stockMessages() {
        let probes = (0..<10_000).lazy.map { number in stockInitiation(isWhole: number % 2 == 0) }
        #expect(outcomes(of: probes) == [.none])
        let others = (0..<4000).lazy.map { number in
            [UInt8].message([.response, .cookieReply, .data][number % 3], random)
        }
        #expect(outcomes(of: others) == [.none])
    }

    @Test func recordedHandshakes() {
        var generator = KeystreamGenerator(seededBy: random)
        let recorded = (0..<200).map { number in
            pair.client.encoded(.message(number % 2 == 0 ? .initiation : .cookieReply, random), &generator)
        }
        #expect(outcomes(of: recorded) == [.message])
        #expect(outcomes(of: recorded) == [.refused])
        #expect(outcomes(of: recorded, at: VeilPair.moment(after: 60)) == [.refused])
        #expect(outcomes(of: recorded, at: VeilPair.moment(after: 600)) == [.refused])
        // To where they came from, and to the client by somebody who is not the server.
        #expect(outcomes(of: recorded, pair.clientCodec) == [.none])
        let restarted = VeilPair(secret: "s", floor: VeilPair.start.seconds * 1000 + 123).serverCodec
        #expect(outcomes(of: recorded, restarted) == [.refused])

        let damaged = recorded.lazy.flatMap { datagram in
            (0..<40).map { _ in
                var datagram = datagram
                datagram[Int(random.below(UInt64(datagram.count)))] ^= 1 << UInt8(random.below(8))
                return datagram
            }
        }
        #expect(outcomes(of: damaged) == [.none])
        let truncated = recorded.lazy.flatMap { datagram in
            (0..<40).map { _ in Array(datagram.prefix(Int(random.below(UInt64(datagram.count))))) }
        }
        #expect(outcomes(of: truncated) == [.none])
        var chance = random
        let spliced = (0..<4000).lazy.map { _ in
            let (left, right) = (recorded.randomElement(using: &chance)!, recorded.randomElement(using: &chance)!)
            let cut = Int(random.below(UInt64(min(left.count, right.count) - 1))) + 1
            return Array(left.prefix(cut) + right.dropFirst(cut))
        }
        #expect(outcomes(of: spliced).isSubset(of: [.none, .refused]))
    }

    @Test func recordedData() {
        var generator = KeystreamGenerator(seededBy: random)
        for length in [0, 1, 40, 300, 1412] {
            for _ in 0..<50 {
                let sent = pair.client.datagrams(
                    of: [length], receiver: 0x0102_0304, counter: random.next() >> 34, draw: random.next(), &generator,
                    seal: { body, content, _ in
                        random.fill(UnsafeMutableRawBufferPointer(start: body, count: content + Message.tagSize))
                    }
                ).datagrams[0]
                #expect(outcome(of: sent, pair.serverCodec) == .session)
                // Only the tunnel knows whether it is a copy. To anybody else it is nothing.
                #expect(outcome(of: sent, pair.clientCodec) == .none)
                let changed = (0..<25).map { position in
                    var datagram = sent
                    datagram[position] ^= 0x10
                    return datagram
                }
                #expect(outcomes(of: changed).isSubset(of: [.none, .session]))
                #expect(outcomes(of: (0..<25).map { Array(sent.prefix($0)) }) == [.none])
            }
        }
    }

    /// An initiation for the server's public key as a stock program makes it, whose first MAC is right.
    private func stockInitiation(isWhole: Bool) -> [UInt8] {
        var message = [UInt8].message(.initiation, random)
        let key = VeilPair.serverKey.bytes.withUnsafeBytes { server in
            Array("mac1----".utf8).withUnsafeBytes { BLAKE2s.hash($0, server) }
        }
        message.withUnsafeMutableBytes { message in
            let end = message.count - 2 * Message.macSize
            key.withUnsafeBytes { key in
                BLAKE2s.mac(key: key, UnsafeRawBufferPointer(rebasing: message[..<end]))
            }.store(to: message.baseAddress! + end)
        }
        return isWhole ? message : message.dropLast(Int(random.below(100))) + random.bytes(Int(random.below(300)))
    }
}
