package import Wire

/// HChaCha20: a key and sixteen bytes of nonce give another key (draft-irtf-cfrg-xchacha §2.2).
package enum HChaCha20 {
    package static let nonceSize = 16

    /// The subkey. `nonce` has 16 bytes.
    package static func subkey(_ key: Bytes32, nonce: UnsafeRawBufferPointer) -> Bytes32 {
        precondition(nonce.count == nonceSize, "HChaCha20 takes 16 bytes of nonce")
        var v = key.withUnsafeBytes { key in
            WorkingState(key: key, nonce.word(0), nonce.word(1), nonce.word(2), nonce.word(3))
        }
        defer { withUnsafeMutableBytes(of: &v) { wipe($0) } }
        for _ in 0..<10 { v.doubleRound() }
        return Bytes32(words: v.v0, v.v1, v.v2, v.v3, v.v12, v.v13, v.v14, v.v15)
    }
}

extension WorkingState {
    /// A key and the last sixteen bytes of the first state, behind the constant that both ciphers begin with. RFC 8439 §2.3.
    init(key: UnsafeRawBufferPointer, _ v12: UInt32, _ v13: UInt32, _ v14: UInt32, _ v15: UInt32) {
        self.init(
            v0: 0x6170_7865, v1: 0x3320_646e, v2: 0x7962_2d32, v3: 0x6b20_6574,
            v4: key.word(0), v5: key.word(1), v6: key.word(2), v7: key.word(3),
            v8: key.word(4), v9: key.word(5), v10: key.word(6), v11: key.word(7),
            v12: v12, v13: v13, v14: v14, v15: v15)
    }
}

extension WorkingState {
    /// Four quarter rounds on the columns, four on the diagonals. RFC 8439 §2.3.
    @inline(__always)
    mutating func doubleRound() {
        quarterRound(&v0, &v4, &v8, &v12)
        quarterRound(&v1, &v5, &v9, &v13)
        quarterRound(&v2, &v6, &v10, &v14)
        quarterRound(&v3, &v7, &v11, &v15)
        quarterRound(&v0, &v5, &v10, &v15)
        quarterRound(&v1, &v6, &v11, &v12)
        quarterRound(&v2, &v7, &v8, &v13)
        quarterRound(&v3, &v4, &v9, &v14)
    }
}

/// The quarter round of RFC 8439 §2.1. Its additions wrap by definition.
@inline(__always)
private func quarterRound(_ a: inout UInt32, _ b: inout UInt32, _ c: inout UInt32, _ d: inout UInt32) {
    a = a &+ b
    d = (d ^ a).rotatedRight(16)
    c = c &+ d
    b = (b ^ c).rotatedRight(20)
    a = a &+ b
    d = (d ^ a).rotatedRight(24)
    c = c &+ d
    b = (b ^ c).rotatedRight(25)
}

extension UnsafeRawBufferPointer {
    /// The little-endian number at place `index`.
    func word(_ index: Int) -> UInt32 {
        UInt32(littleEndian: loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self))
    }
}
