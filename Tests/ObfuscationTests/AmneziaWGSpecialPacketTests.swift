import NoisePrimitives
import Obfuscation
import TestKit
import Testing
import Tunnel
import Wire

/// What goes before an initiation. Obfuscation §1.7.
@Suite struct AmneziaWGSpecialPacketTests {
    /// The datagrams before one initiation.
    private func prelude(
        _ disguise: AmneziaWGDisguise, second: Int64 = 1_800_000_000, seed: UInt64 = 1
    ) -> [[UInt8]] {
        var random = KeystreamGenerator(seededBy: SeededRandom(seed: seed))
        let now = Moment(instant: Instant(nanoseconds: 5), wall: WallTime(seconds: second, nanoseconds: 0))
        return disguise.prelude(at: now, random: &random)
    }

    private func disguise(_ body: (inout AmneziaWGSettings) -> Void) throws -> AmneziaWGDisguise {
        let settings = AmneziaWGSettings(body)
        try settings.validate()
        return AmneziaWGDisguise(settings, number: 1, peer: nil)
    }

    private func packet(_ text: String) throws -> [[UInt8]] {
        prelude(try disguise { $0.specialPackets[2] = text })
    }

    @Test(arguments: [
        ("<b 0xc0ff>", [0xc0, 0xff] as [UInt8]),
        ("<b c0ff>", [0xc0, 0xff]),
        ("<b 0XC0fF>", [0xc0, 0xff]),
        ("<b\t0x00 >", [0]),
        ("<b 0x01><b 0x02>", [1, 2]),
        ("quic: <b 0x01> and then > <b 0x02> end", [1, 2]),
        ("<t>", [0x6b, 0x49, 0xd2, 0x00]),
        ("<t 8>", [0x6b, 0x49, 0xd2, 0x00]),
        ("<dz 3>", [0, 0, 0]),
        ("<d><b 0x07><ds>", [7]),
    ])
    func whatIsFixed(text: String, expected: [UInt8]) throws {
        #expect(try packet(text) == [expected])
    }

    @Test(arguments: ["", "no tags", "<d>", "<r 0>", "<ds><d>", ">"])
    func nothing(text: String) throws {
        #expect(try packet(text).isEmpty)
        #expect(try SpecialPacket(text).size == 0)
    }

    @Test func whatIsRandom() throws {
        let bytes = try packet("<r 300>")[0]
        #expect(bytes.count == 300 && Set(bytes).count > 100)
        let letters = try packet("<rc 3000>")[0]
        #expect(Set(letters) == Set(Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8)))
        let digits = try packet("<rd 500>")[0]
        #expect(digits.count == 500 && Set(digits) == Set(Array("0123456789".utf8)))
        let sip = try packet("<b 0x494e><rc 4><rd 2><r 5><c>")[0]
        #expect(sip.count == 2 + 4 + 2 + 5 + 4)
        let random = try disguise { $0.specialPackets[0] = "<r 16>" }
        #expect(prelude(random, seed: 1) != prelude(random, seed: 2))
    }

    @Test func theCounterGoesUpByOneWithEachPacket() throws {
        let disguise = try disguise {
            $0.specialPackets[0] = "<c>"
            $0.specialPackets[1] = "<b 0x01>"
            $0.specialPackets[4] = "<c><c>"
        }
        func value(_ bytes: some Sequence<UInt8>) -> UInt32 { AmneziaWGBytes.number(bytes.reversed()) }
        let first = prelude(disguise)
        let start = value(first[0])
        #expect(start > 255)
        #expect(value(first[2].prefix(4)) == start &+ 2 && value(first[2].suffix(4)) == start &+ 2)
        let second = prelude(disguise)
        #expect(value(second[0]) == start &+ 3)
    }

    @Test func specialPacketsInOrderThenJunk() throws {
        let disguise = try disguise {
            $0.specialPackets = ["<b 0x01>", "", "<b 0x03>", "", "<b 0x05>"]
            ($0.junkCount, $0.junkMinimum, $0.junkMaximum) = (100, 20, 23)
        }
        let datagrams = prelude(disguise)
        #expect(datagrams.count == 103)
        #expect(Array(datagrams.prefix(3)) == [[1], [3], [5]])
        #expect(Set(datagrams.dropFirst(3).map(\.count)) == [20, 21, 22, 23])
        #expect(Set(datagrams.dropFirst(3)).count == 100)
    }

    @Test func junkNeedsASizeAndIsNeverEmpty() throws {
        #expect(prelude(try disguise { $0.junkCount = 5 }).isEmpty)
        #expect(prelude(try disguise { ($0.junkMinimum, $0.junkMaximum) = (5, 6) }).isEmpty)
        let small = prelude(try disguise { ($0.junkCount, $0.junkMaximum) = (50, 1) })
        #expect(small.allSatisfy { $0.count == 1 } && small.count == 50)
        let equal = prelude(try disguise { ($0.junkCount, $0.junkMinimum, $0.junkMaximum) = (9, 44, 44) })
        #expect(equal.allSatisfy { $0.count == 44 } && equal.count == 9)
    }

    @Test(arguments: [
        ("<b>", 1, "<b> needs bytes, as in <b 0xc0ff>"),
        ("<b 0x>", 1, "<b> needs bytes, as in <b 0xc0ff>"),
        ("<b 0x01 0x02>", 1, "<b> needs bytes, as in <b 0xc0ff>"),
        ("<r 5><b 0xabc>", 6, "<b> has 3 hexadecimal digits: two make a byte, so one is missing"),
        ("<b 0xa?>", 7, "\"?\" is no hexadecimal digit"),
        ("<r>", 1, "<r> needs a number of bytes, as in <r 16>"),
        ("<r x>", 1, "<r> needs a number of bytes, as in <r 16>"),
        ("<r -1>", 1, "<r> needs a number of bytes, as in <r 16>"),
        ("<rc 1 2>", 1, "<rc> needs a number of bytes, as in <rc 16>"),
        ("<rd 99999999999999999999999>", 1, "<rd> needs a number of bytes, as in <rd 16>"),
        ("<dz 65508>", 1, "<dz 65508> is more than the 65507 bytes of a datagram"),
        ("<r 65507><t>", 10, "the packet grows over 65507 bytes, more than a datagram can have"),
        ("abc<r 5", 4, "a tag begins that has no > at its end"),
        ("<>", 1, "an empty tag stands"),
        ("<  >", 1, "an empty tag stands"),
        ("<t><wt 100>", 4, "<wt> stands, which only AmneziaWG 1.5 knew: take it out"),
        ("<wr 5>", 1, "<wr> stands, which only AmneziaWG 1.5 knew: take it out"),
        ("<B 0x01>", 1, "the tag \"B\" is unknown: there are b, r, rc, rd, t, c, d, ds and dz"),
        ("<r16>", 1, "the tag \"r16\" is unknown: there are b, r, rc, rd, t, c, d, ds and dz"),
        ("<é>", 1, "the tag \"??\" is unknown: there are b, r, rc, rd, t, c, d, ds and dz"),
    ])
    func whatIsWrong(text: String, position: Int, reason: String) {
        #expect(throws: SpecialPacket.Problem(position: position, reason: reason)) { try SpecialPacket(text) }
        let settings = AmneziaWGSettings { $0.specialPackets[3] = text }
        #expect(throws: DialectError("I4: at character \(position), \(reason)")) { try settings.validate() }
    }

    @Test func anyTextIsHarmless() {
        let random = SeededRandom(seed: 3)
        let pieces = ["<", ">", "b", "r", "rc", "rd", "t", "c", "dz", "0x", " ", "12", "ff", "z", "\u{0}", "é", "wt"]
        for _ in 0..<20_000 {
            let text = (0..<random.below(12)).map { _ in pieces[Int(random.below(UInt64(pieces.count)))] }.joined()
            if let packet = try? SpecialPacket(text) { #expect(packet.size <= SpecialPacket.maximumSize) }
        }
    }
}
