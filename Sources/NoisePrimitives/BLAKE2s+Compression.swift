import Wire

/// The chaining value of BLAKE2s: eight numbers, which a compression mixes with a block. RFC 7693 §3.2.
struct BLAKE2sState {
    private var h0, h1, h2, h3, h4, h5, h6, h7: UInt32

    /// The start of a hash of `outputSize` bytes with a key of `keySize` bytes.
    init(outputSize: Int, keySize: Int) {
        // The first word of the parameter block; the second one says fan-out 1, depth 1.
        h0 = Initial.v0 ^ UInt32(outputSize) ^ UInt32(keySize) << 8 ^ 0x0101_0000
        h1 = Initial.v1
        h2 = Initial.v2
        h3 = Initial.v3
        h4 = Initial.v4
        h5 = Initial.v5
        h6 = Initial.v6
        h7 = Initial.v7
    }

    /// Mixes in 64 bytes at `block`. `count` is how many bytes of message were hashed with this block.
    mutating func compress(_ block: UnsafeRawPointer, count: UInt64, isLast: Bool) {
        var v = WorkingState(
            v0: h0, v1: h1, v2: h2, v3: h3, v4: h4, v5: h5, v6: h6, v7: h7,
            v8: Initial.v0, v9: Initial.v1, v10: Initial.v2, v11: Initial.v3,
            v12: Initial.v4 ^ UInt32(truncatingIfNeeded: count),
            v13: Initial.v5 ^ UInt32(truncatingIfNeeded: count >> 32),
            v14: isLast ? ~Initial.v6 : Initial.v6, v15: Initial.v7)
        v.round(block, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
        v.round(block, 14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3)
        v.round(block, 11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4)
        v.round(block, 7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8)
        v.round(block, 9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13)
        v.round(block, 2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9)
        v.round(block, 12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11)
        v.round(block, 13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10)
        v.round(block, 6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5)
        v.round(block, 10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0)
        h0 ^= v.v0 ^ v.v8
        h1 ^= v.v1 ^ v.v9
        h2 ^= v.v2 ^ v.v10
        h3 ^= v.v3 ^ v.v11
        h4 ^= v.v4 ^ v.v12
        h5 ^= v.v5 ^ v.v13
        h6 ^= v.v6 ^ v.v14
        h7 ^= v.v7 ^ v.v15
    }

    /// The 32 bytes of the chaining value.
    var bytes: Bytes32 {
        let words = (
            h0.littleEndian, h1.littleEndian, h2.littleEndian, h3.littleEndian, h4.littleEndian, h5.littleEndian,
            h6.littleEndian, h7.littleEndian
        )
        return withUnsafeBytes(of: words) { bytes in
            // Safe: the buffer holds 32 bytes.
            Bytes32(loading: bytes.baseAddress.unsafelyUnwrapped)
        }
    }

    /// The fractional parts of the square roots of the first eight primes.
    private enum Initial {
        static var v0: UInt32 { 0x6a09_e667 }
        static var v1: UInt32 { 0xbb67_ae85 }
        static var v2: UInt32 { 0x3c6e_f372 }
        static var v3: UInt32 { 0xa54f_f53a }
        static var v4: UInt32 { 0x510e_527f }
        static var v5: UInt32 { 0x9b05_688c }
        static var v6: UInt32 { 0x1f83_d9ab }
        static var v7: UInt32 { 0x5be0_cd19 }
    }
}

extension WorkingState {
    /// One round of RFC 7693 §3.2, which takes the sixteen words of the block in the order given.
    @inline(__always)
    fileprivate mutating func round(
        _ block: UnsafeRawPointer,
        _ s0: Int, _ s1: Int, _ s2: Int, _ s3: Int, _ s4: Int, _ s5: Int, _ s6: Int, _ s7: Int,
        _ s8: Int, _ s9: Int, _ s10: Int, _ s11: Int, _ s12: Int, _ s13: Int, _ s14: Int, _ s15: Int
    ) {
        mix(&v0, &v4, &v8, &v12, block.word(s0), block.word(s1))
        mix(&v1, &v5, &v9, &v13, block.word(s2), block.word(s3))
        mix(&v2, &v6, &v10, &v14, block.word(s4), block.word(s5))
        mix(&v3, &v7, &v11, &v15, block.word(s6), block.word(s7))
        mix(&v0, &v5, &v10, &v15, block.word(s8), block.word(s9))
        mix(&v1, &v6, &v11, &v12, block.word(s10), block.word(s11))
        mix(&v2, &v7, &v8, &v13, block.word(s12), block.word(s13))
        mix(&v3, &v4, &v9, &v14, block.word(s14), block.word(s15))
    }
}

/// The function G of RFC 7693 §3.1. Its additions wrap by definition.
@inline(__always)
private func mix(
    _ a: inout UInt32, _ b: inout UInt32, _ c: inout UInt32, _ d: inout UInt32, _ x: UInt32, _ y: UInt32
) {
    a = a &+ b &+ x
    d = (d ^ a).rotatedRight(16)
    c = c &+ d
    b = (b ^ c).rotatedRight(12)
    a = a &+ b &+ y
    d = (d ^ a).rotatedRight(8)
    c = c &+ d
    b = (b ^ c).rotatedRight(7)
}

extension UnsafeRawPointer {
    /// Word `index` of a block; below 16.
    @inline(__always)
    fileprivate func word(_ index: Int) -> UInt32 {
        littleEndian32(at: 4 &* index)
    }
}
