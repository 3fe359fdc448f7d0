import TestKit
import Testing

@testable import Inspection

/// Known disguises, each made by the shortest code that makes it, and what gives it away.
@Suite("Disguises")
struct DisguiseTests {
    @Test("Plain WireGuard wears none, and shows header, sizes and rhythm")
    func plain() {
        let report = Scene.wireGuard().report
        #expect(report.evidence(.disguise) == "none that is known")
        #expect(report.rules(.recognised).contains(.header))
        #expect(report.evidence(.header).contains("bytes 8–15 of the client's datagrams count up"))
        #expect(report.rules(.suspicious) == [.bytes, .sizes, .rhythm])
        #expect(report.evidence(.sizes).contains("opened by 148 and 92 bytes"))
        #expect(report.evidence(.sizes).contains("are multiples of 16"))
        #expect(report.evidence(.sizes).contains("148 bytes and 92 in answer come again"))
        #expect(report.evidence(.sizes).contains("the client's keepalives always have 32 bytes"))
        #expect(report.evidence(.rhythm).contains("after 25 s of silence"))
        #expect(report.evidence(.rhythm).contains("every two minutes"))
    }

    @Test("XOR with one letter", arguments: [[0x61], [0x61, 0x64, 0x61, 0x6d, 0x78, 0x69, 0x61, 0x6f]] as [[UInt8]])
    func letters(_ letters: [UInt8]) {
        var number = 0
        let report = Scene.wireGuard(seconds: 30).disguised { line in
            defer { number += 1 }
            let letter = letters[number % letters.count]
            return line.payload.map { $0 ^ letter }
        }.report
        #expect(report.rules(.recognised).contains(.disguise))
        #expect(report.evidence(.disguise).contains("XOR with one letter per datagram (61 'a'"))
        #expect(report.rules(.recognised).isDisjoint(with: [.ndpi42, .wireshark]))
    }

    @Test("XOR with a repeating key: the counter shows through")
    func repeatingKey() {
        let key = Array("secret".utf8)
        let report = Scene.wireGuard(seconds: 30).disguised { $0.payload.xored(with: key) }.report
        #expect(report.evidence(.disguise).hasPrefix("XOR with a key that begins with 73 65 63 72"))
        #expect(report.rules(.recognised) == [.header, .disguise])
    }

    @Test("LWO: the marker bit, whatever the keys of the two sides")
    func lwo() {
        let random = SeededRandom(seed: 7)
        let keys = [Side.client: random.bytes(32), .server: random.bytes(32)]
        let report = Scene.wireGuard(seconds: 30).disguised { line in
            let region = [1: 148, 2: 92, 3: 64, 4: 32][line.payload[0]] ?? 0
            var wire = Array(line.payload.prefix(region)).xored(with: keys[line.side.other] ?? [])
            wire[1] = random.bytes(1)[0] | 0x80
            return wire + line.payload.dropFirst(region)
        }.report
        #expect(report.evidence(.disguise).hasPrefix("LWO"))
        #expect(report.rules(.recognised) == [.header, .disguise])
    }

    @Test("AmneziaWG without header protection: the header behind random bytes", arguments: [0, 7, 18])
    func amneziaWG(_ prefix: Int) {
        let random = SeededRandom(seed: 8)
        let report = Scene.wireGuard(seconds: 130).disguised { line in
            let kind = UInt32(line.payload[0])
            let size = kind == 1 ? 43 : kind == 2 ? 87 : prefix
            let type = 100_000_000 * kind + UInt32(truncatingIfNeeded: random.next() % 90_000_000)
            let word = withUnsafeBytes(of: type.littleEndian) { Array($0) }
            return random.bytes(size) + word + line.payload.dropFirst(4)
        }.preceded(by: random.bytes(300)).report
        #expect(report.evidence(.disguise).hasPrefix("AmneziaWG without header protection"))
        #expect(report.evidence(.disguise).contains("148+43 and 92+87"))
        #expect(report.evidence(.sizes).contains("191 bytes and 179 in answer come again"))
        #expect(report.rules(.recognised) == [.header, .disguise])
    }

    @Test("AmneziaWG with header protection leaves constant sizes, which prove nothing")
    func protectedHeader() {
        let random = SeededRandom(seed: 9)
        let report = Scene.wireGuard(seconds: 130).disguised { line in
            let covered = [1: 148, 2: 92, 3: 64, 4: 16][line.payload[0]] ?? 0
            return random.bytes(18 + covered) + line.payload.dropFirst(covered)
        }.report
        #expect(report.rules(.recognised).isEmpty)
        #expect(report.evidence(.sizes).contains("multiples of 16 and 2"))
        #expect(report.rules(.suspicious).contains(.sizes))
    }

    @Test("wg-obfuscator: one keystream for each length")
    func wgObfuscator() {
        let random = SeededRandom(seed: 10)
        let scene = Scene.wireGuard(seconds: 30)
        var fixed = scene
        // Pings have one size.
        for index in fixed.lines.indices where fixed.lines[index].payload[0] == 4 {
            fixed.lines[index].payload = Array(fixed.lines[index].payload.prefix(32)) + random.bytes(96)
        }
        let report = fixed.disguised { Self.obfuscated($0.payload, random) }.report
        #expect(report.evidence(.disguise).hasPrefix("wg-obfuscator"))
        #expect(report.rules(.recognised) == [.header, .disguise])
    }

    @Test("wg-obfuscator's STUN: a length of zero, and fingerprints over it")
    func falseSTUN() {
        let random = SeededRandom(seed: 11)
        let cookie: [UInt8] = [0x21, 0x12, 0xa4, 0x42]
        let wrapped = Scene.wireGuard(seconds: 30).disguised { line in
            let payload = Self.obfuscated(line.payload, random)
            let length = withUnsafeBytes(of: UInt16(payload.count).bigEndian) { Array($0) }
            return [0x01, 0x15, 0, 0] + cookie + random.bytes(12) + [0, 0x13] + length + payload
        }
        let front: [UInt8] = [0, 1, 0, 0] + cookie + random.bytes(12)
        let wrong = CRC32.checksum(of: front) ^ 0x5354_554e
        let binding =
            [0, 1, 0, 8] + front.dropFirst(4) + [0x80, 0x28, 0, 4] + withUnsafeBytes(of: wrong.bigEndian) { Array($0) }
        let report = wrapped.preceded(by: Array(binding)).report
        #expect(report.evidence(.disguise).hasPrefix("wg-obfuscator's STUN masking"))
        #expect(report.evidence(.disguise).contains("1 fingerprint made over a length of zero"))
    }

    @Test("Real STUN is left alone")
    func realSTUN() {
        let random = SeededRandom(seed: 12)
        let lines = (0..<20).map { number in
            var front: [UInt8] = [0, 1, 0, 8, 0x21, 0x12, 0xa4, 0x42] + random.bytes(12)
            let checksum = CRC32.checksum(of: front) ^ 0x5354_554e
            front += [0x80, 0x28, 0, 4] + withUnsafeBytes(of: checksum.bigEndian) { Array($0) }
            return Scene.Line(time: number * 700, side: number % 2 == 0 ? .client : .server, payload: front)
        }
        #expect(Scene(lines: lines).report.rules(.recognised).isEmpty)
    }

    @Test("CRC-32 of the usual test string")
    func checksum() {
        #expect(CRC32.checksum(of: Array("123456789".utf8)) == 0xcbf4_3926)
    }

    @Test("swgp: one size for all, or WireGuard's sizes without its header, stand out and prove nothing")
    func swgp() {
        let random = SeededRandom(seed: 13)
        let paranoid = Scene.wireGuard(seconds: 30).disguised { _ in random.bytes(1472) }.report
        #expect(paranoid.evidence(.disguise).hasPrefix("fits swgp paranoid"))
        let overhead = Scene.wireGuard(seconds: 130).disguised { line in
            line.payload[0] == 4
                ? random.bytes(line.payload.count) : random.bytes(line.payload.count + 42 + Int(random.next() % 900))
        }.report
        #expect(overhead.evidence(.disguise).hasPrefix("fits swgp zero-overhead"))
        #expect(paranoid.rules(.recognised).isEmpty && overhead.rules(.recognised).isEmpty)
    }

    @Test("Random datagrams of random sizes at random times give nothing away, in 100 flows")
    func nothing() {
        var writer = PcapWriter()
        for number in 0..<100 {
            Scene.noise(count: 300, seed: UInt64(100 + number)).write(to: &writer, number: UInt16(number))
        }
        let report = Report.of(writer.bytes)
        #expect(report.flows.count == 100)
        let found = (report.flows.flatMap(\.findings) + report.together).filter { $0.verdict != .clear }
        #expect(found.isEmpty, "\(found.prefix(5))")
        #expect(!report.isRecognised)
    }

    @Test("One bit that leans is found in all flows together", arguments: [0, 31, 63])
    func leaning(_ position: Int) {
        let random = SeededRandom(seed: 14)
        var writer = PcapWriter()
        for number in 0..<20 {
            let scene = Scene.noise(count: 300, seed: UInt64(200 + number), sizes: 64...1400).disguised { line in
                var payload = line.payload
                if random.chance(0.2) { payload[position] |= 0x10 }
                return payload
            }
            scene.write(to: &writer, number: UInt16(number))
        }
        let bytes = Report.of(writer.bytes).together.first { $0.rule == .bytes }
        #expect(bytes?.verdict == .suspicious)
        #expect(bytes?.evidence.allSatisfy { $0.hasPrefix("byte \(position)") } == true)
    }

    /// Version 1 with the key "test" in place of its own keystream: what counts is that it depends on the length alone.
    private static func obfuscated(_ payload: [UInt8], _ random: SeededRandom) -> [UInt8] {
        var plain = payload
        let padding = payload[0] == 4 ? payload.count % 3 : Int(random.next() % 300)
        let mask = random.bytes(1)[0] | 1
        (plain[0], plain[1]) = (plain[0] ^ mask, mask)
        (plain[2], plain[3]) = (UInt8(padding & 255), UInt8(padding >> 8))
        plain += [UInt8](repeating: 0xff, count: padding)
        return plain.xored(with: SeededRandom(seed: UInt64(plain.count)).bytes(plain.count))
    }
}

extension [UInt8] {
    func xored(with key: [UInt8]) -> [UInt8] {
        enumerated().map { $0.element ^ key[$0.offset % key.count] }
    }
}
