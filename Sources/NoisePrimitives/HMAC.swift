package import Wire

/// HMAC (RFC 2104) over BLAKE2s-256, with blocks of 64 bytes. Protocol §1.
///
/// It is not the keyed mode of BLAKE2s, which is ``BLAKE2s/mac(key:_:)``.
package enum HMAC {
    /// HMAC(key, first ‖ second). The key may have any size; one above 64 bytes is hashed first.
    package static func authenticate(
        key: UnsafeRawBufferPointer, _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer = .empty
    ) -> Bytes32 {
        var pad = SIMD8<UInt64>()
        defer { withUnsafeMutableBytes(of: &pad) { wipe($0) } }
        withUnsafeMutableBytes(of: &pad) { bytes in
            if key.count <= BLAKE2s.blockSize {
                bytes.copyMemory(from: key)
            } else {
                BLAKE2s.hash(key).withUnsafeBytes { bytes.copyMemory(from: $0) }
            }
        }
        pad ^= SIMD8(repeating: innerPad)
        var inner = withUnsafeBytes(of: pad) { pad in
            var hash = BLAKE2s()
            hash.update(pad)
            hash.update(first)
            hash.update(second)
            return hash.finalize()
        }
        defer { inner.wipe() }
        pad ^= SIMD8(repeating: innerPad ^ outerPad)
        return withUnsafeBytes(of: pad) { pad in
            inner.withUnsafeBytes { BLAKE2s.hash(pad, $0) }
        }
    }

    /// The bytes 0x36 and 0x5c of RFC 2104, eight at a time.
    private static var innerPad: UInt64 { 0x3636_3636_3636_3636 }
    private static var outerPad: UInt64 { 0x5c5c_5c5c_5c5c_5c5c }
}
