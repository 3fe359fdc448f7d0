/// Sixteen numbers that BLAKE2s and ChaCha20 both see as a four by four matrix and mix by columns and diagonals. They
/// have names instead of indices so that the optimiser keeps them in registers.
struct WorkingState {
    var v0, v1, v2, v3: UInt32
    var v4, v5, v6, v7: UInt32
    var v8, v9, v10, v11: UInt32
    var v12, v13, v14, v15: UInt32
}

extension UInt32 {
    /// Rotated to the right by `count` bits, 1...31.
    @inline(__always)
    func rotatedRight(_ count: UInt32) -> UInt32 {
        (self &>> count) | (self &<< (32 &- count))  // Safe: count is a constant below 32.
    }
}
