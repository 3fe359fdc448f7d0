package import Wire

/// HMAC (RFC 2104) over BLAKE2s-256, with blocks of 64 bytes. Protocol §1.
///
/// It is not the keyed mode of BLAKE2s, which is ``BLAKE2s/mac(key:_:)``.
package struct HMAC {
    private var inner = BLAKE2s()
    private var outer = BLAKE2s()

    /// Takes a key of any size; one above 64 bytes is hashed first.
    init(key: UnsafeRawBufferPointer) {
        var pad = SIMD8<UInt64>()
        withUnsafeMutableBytes(of: &pad) { bytes in
            if key.count <= BLAKE2s.blockSize {
                bytes.copyMemory(from: key)
            } else {
                withUnsafeBytes(of: BLAKE2s.hash(key)) { bytes.copyMemory(from: $0) }
            }
        }
        pad ^= SIMD8(repeating: Self.innerPad)
        withUnsafeBytes(of: &pad) { inner.update($0) }
        pad ^= SIMD8(repeating: Self.innerPad ^ Self.outerPad)
        withUnsafeBytes(of: &pad) { outer.update($0) }
        withUnsafeMutableBytes(of: &pad) { wipe($0) }
    }

    /// Mixes the key in once for all messages, none of which may be empty then.
    mutating func commit() {
        inner.commit()
        outer.commit()
    }

    /// HMAC(key, first ‖ second).
    func authenticate(_ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer = .empty) -> Bytes32 {
        var inner = inner
        inner.update(first)
        inner.update(second)
        var digest = inner.finalize()
        var outer = outer
        withUnsafeBytes(of: &digest) { outer.update($0) }
        digest.wipe()
        return outer.finalize()
    }

    /// Overwrites the key; the value can't be used again.
    mutating func erase() {
        inner.erase()
        outer.erase()
    }

    /// HMAC(key, first ‖ second) with a key of any size.
    package static func authenticate(
        key: UnsafeRawBufferPointer, _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer = .empty
    ) -> Bytes32 {
        var hmac = HMAC(key: key)
        defer { hmac.erase() }
        return hmac.authenticate(first, second)
    }

    /// The bytes 0x36 and 0x5c of RFC 2104, eight at a time.
    private static var innerPad: UInt64 { 0x3636_3636_3636_3636 }
    private static var outerPad: UInt64 { 0x5c5c_5c5c_5c5c_5c5c }
}
