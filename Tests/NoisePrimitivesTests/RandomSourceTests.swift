import NoisePrimitives
import Testing
import Wire

@Suite struct RandomSourceTests {
    /// Every byte of every length is written, and nothing beside it.
    @Test(arguments: [false, true])
    func systemSourceFillsExactly(isPublic: Bool) {
        let source = SystemRandomSource()
        for size in Array(0...40) + [255, 256, 257, 600] {
            var seen = repeating(0, size)
            for _ in 0..<12 {
                var bytes = repeating(0x55, size + 2)
                bytes.withUnsafeMutableBytes { bytes in
                    let inner = UnsafeMutableRawBufferPointer(rebasing: bytes[1..<size + 1])
                    if isPublic { source.fillPublic(inner) } else { source.fill(inner) }
                }
                #expect(bytes.first == 0x55 && bytes.last == 0x55)
                for index in 0..<size { seen[index] |= bytes[index + 1] ^ 0x55 }
            }
            // A byte stays the same in all of twelve draws once in 2^96.
            #expect(!seen.contains(0))
        }
    }

    @Test func systemSourceDoesNotRepeat() {
        let source = SystemRandomSource()
        let keys = Set((0..<100).map { _ in source.bytes32() })
        #expect(keys.count == 100)
        // They come one after the other out of the same store, which is filled anew now and then.
        let numbers = Set((0..<1000).map { _ in source.uint64() })
        #expect(numbers.count == 1000)
        #expect(!source.secret().equals(source.secret()))
    }

    @Test func valuesAreTheBytesOfTheSource() {
        let expected = SeededRandomSource(seed: 20).bytes(76)
        let source = SeededRandomSource(seed: 20)
        #expect(source.bytes32().array == Array(expected[..<32]))
        #expect(source.secret().array == Array(expected[32..<64]))
        let word = withUnsafeBytes(of: source.uint32()) { Array($0) }
        #expect(word == Array(expected[64..<68]))
        let longWord = withUnsafeBytes(of: source.uint64()) { Array($0) }
        #expect(longWord == Array(expected[68..<76]))
    }

    @Test func below() {
        let source = SeededRandomSource(seed: 21)
        let bounds: [UInt64] = [1, 2, 3, 7, 1000, 1 << 63, 1 << 63 + 1, .max]
        for bound in bounds {
            for _ in 0..<100 { #expect(source.below(bound) < bound) }
        }
        var counts = [Int](repeating: 0, count: 6)
        for _ in 0..<60_000 { counts[Int(source.below(6))] += 1 }
        // Ten thousand expected; five standard deviations are 456.
        #expect(counts.allSatisfy { abs($0 - 10_000) < 456 })
    }

    /// Two thirds of 2^64 is where taking a remainder would favour the lower half most.
    @Test func belowIsFairForLargeBounds() {
        let source = SeededRandomSource(seed: 22)
        let bound = UInt64.max / 3 * 2
        let low = (0..<20_000).count { _ in source.below(bound) < bound / 2 }
        #expect(abs(low - 10_000) < 354)
    }
}
