/// The twelve bytes of a ChaCha20-Poly1305 nonce.
package struct ChaCha20Nonce: Sendable {
    /// Three numbers that lie in memory as the nonce does.
    private let words: (UInt32, UInt32, UInt32)

    /// A nonce of WireGuard: four zero bytes, then the counter as a little-endian 64-bit number. Protocol §1.
    package init(counter: UInt64) {
        let low = UInt32(truncatingIfNeeded: counter)
        let high = UInt32(truncatingIfNeeded: counter >> 32)
        words = (0, low.littleEndian, high.littleEndian)
    }

    /// Copies 12 bytes from `source`, which must have that many.
    package init(loading source: UnsafeRawPointer) {
        words = (
            source.loadUnaligned(fromByteOffset: 0, as: UInt32.self),
            source.loadUnaligned(fromByteOffset: 4, as: UInt32.self),
            source.loadUnaligned(fromByteOffset: 8, as: UInt32.self)
        )
    }

    @inline(__always)
    func withUnsafeBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        try Swift.withUnsafeBytes(of: words) { (bytes) throws(E) in try body(bytes) }
    }
}
