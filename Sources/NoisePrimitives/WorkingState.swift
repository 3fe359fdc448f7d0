import Wire

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

extension Bytes32 {
    /// Eight numbers, each as four little-endian bytes.
    init(
        words w0: UInt32, _ w1: UInt32, _ w2: UInt32, _ w3: UInt32, _ w4: UInt32, _ w5: UInt32, _ w6: UInt32,
        _ w7: UInt32
    ) {
        self.init()
        withUnsafeMutableBytes { bytes in
            bytes.storeBytes(of: w0.littleEndian, toByteOffset: 0, as: UInt32.self)
            bytes.storeBytes(of: w1.littleEndian, toByteOffset: 4, as: UInt32.self)
            bytes.storeBytes(of: w2.littleEndian, toByteOffset: 8, as: UInt32.self)
            bytes.storeBytes(of: w3.littleEndian, toByteOffset: 12, as: UInt32.self)
            bytes.storeBytes(of: w4.littleEndian, toByteOffset: 16, as: UInt32.self)
            bytes.storeBytes(of: w5.littleEndian, toByteOffset: 20, as: UInt32.self)
            bytes.storeBytes(of: w6.littleEndian, toByteOffset: 24, as: UInt32.self)
            bytes.storeBytes(of: w7.littleEndian, toByteOffset: 28, as: UInt32.self)
        }
    }
}
