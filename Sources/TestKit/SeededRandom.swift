import NoisePrimitives

/// A source of numbers that are the same for the same seed (SplitMix64). For tests alone: it is predictable.
package final class SeededRandom: RandomSource, RandomNumberGenerator {
    private var state: UInt64

    package init(seed: UInt64) {
        state = seed
    }

    package func next() -> UInt64 {
        // Safe: the arithmetic is meant to wrap.
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    package func fill(_ bytes: UnsafeMutableRawBufferPointer) {
        var word: UInt64 = 0
        for index in bytes.indices {
            if index % 8 == 0 { word = next() }
            bytes[index] = UInt8(truncatingIfNeeded: word)
            word >>= 8
        }
    }

    /// `count` bytes.
    package func bytes(_ count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            fill(UnsafeMutableRawBufferPointer(buffer))
            initialized = count
        }
    }

    /// True with a probability of `probability`, from 0 to 1.
    package func chance(_ probability: Double) -> Bool {
        probability > 0 && Double(next() >> 11) * 0x1p-53 < probability
    }
}
