import NoisePrimitives
import Testing

@Suite struct KeystreamGeneratorTests {
    private func make(_ seed: UInt64) -> KeystreamGenerator {
        KeystreamGenerator(seededBy: SeededRandomSource(seed: seed))
    }

    @Test func sameSeedSameBytesHoweverTheyAreTaken() {
        var whole = make(1)
        var pieces = make(1)
        let expected = whole.bytes(20_000)
        var taken: [UInt8] = []
        var length = 0
        while taken.count < 20_000 {
            taken += pieces.bytes(min(length, 20_000 - taken.count))
            length += 1
        }
        #expect(taken == expected)
    }

    @Test func generatorsAreIndependent() {
        var first = make(1)
        var second = make(2)
        let pairs = zip(first.bytes(100_000), second.bytes(100_000))
        let equal = pairs.count { $0 == $1 }
        // One in 256 by chance: 391 ± 20.
        #expect((291...491).contains(equal))
    }

    @Test func nothingComesAgain() {
        var generator = make(3)
        var seen: Set<UInt64> = []
        // 64 times the store's content.
        for _ in 0..<32_768 { #expect(seen.insert(generator.next()).inserted) }
    }

    @Test func bytesAreUniform() {
        var generator = make(4)
        var counts = [Int](repeating: 0, count: 256)
        for byte in generator.bytes(1 << 20) { counts[Int(byte)] += 1 }
        // 255 degrees of freedom: 255 ± 22.6; five deviations to either side.
        #expect((140.0...370.0).contains(chiSquared(counts)))
    }

    @Test func boundedNumbersAreUniformAndInRange() {
        var generator = make(5)
        var below = [Int](repeating: 0, count: 10)
        var inside = [Int](repeating: 0, count: 7)
        for _ in 0..<70_000 {
            below[Int(generator.below(10))] += 1
            inside[Int(generator.number(in: 100...106)) - 100] += 1
        }
        #expect(chiSquared(below) < 40)
        #expect(chiSquared(inside) < 35)
    }

    @Test func rangesMayBeAnything() {
        var generator = make(6)
        for _ in 0..<1000 {
            #expect(generator.below(1) == 0)
            #expect(generator.number(in: 7...7) == 7)
            #expect(generator.number(in: (.max - 1)...(.max)) >= UInt32.max - 1)
        }
        let numbers = (0..<1000).map { _ in generator.number(in: 0...UInt32.max) }
        #expect(numbers.contains { $0 > .max / 4 * 3 } && numbers.contains { $0 < .max / 4 })
        generator.fill(UnsafeMutableRawPointer(bitPattern: 8)!, count: 0)
    }

    private func chiSquared(_ counts: [Int]) -> Double {
        let expected = Double(counts.reduce(0, +)) / Double(counts.count)
        return counts.reduce(0) { $0 + (Double($1) - expected) * (Double($1) - expected) / expected }
    }
}

extension KeystreamGenerator {
    fileprivate mutating func bytes(_ count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        bytes.withUnsafeMutableBytes { bytes in
            if let start = bytes.baseAddress { fill(start, count: count) }
        }
        return bytes
    }
}
