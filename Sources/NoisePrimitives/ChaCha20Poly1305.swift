package import Wire

/// ChaCha20-Poly1305 (RFC 8439) for single messages, as a handshake has them: AEAD(k, n, p, ad) of Protocol §1. The
/// nonce is four zero bytes and the counter; tags have 16 bytes.
package enum ChaCha20Poly1305 {
    /// Writes the ciphertext and its tag, `plaintext.count + 16` bytes, to `output`, which is either where the
    /// plaintext starts or doesn't overlap it.
    package static func seal(
        key: Bytes32, counter: UInt64 = 0, _ plaintext: UnsafeRawBufferPointer, associatedData: UnsafeRawBufferPointer,
        into output: UnsafeMutableRawPointer
    ) {
        let nonce = ChaCha20Nonce(counter: counter)
        TransportCipher.seal(key: key, nonce: nonce, plaintext, associatedData: associatedData, into: output)
    }

    /// Writes the plaintext, `ciphertext.count - 16` bytes, to `output`, which is either where the ciphertext starts or
    /// doesn't overlap it. False when it doesn't authenticate: what is at `output` is then undefined.
    package static func open(
        key: Bytes32, counter: UInt64 = 0, _ ciphertext: UnsafeRawBufferPointer, associatedData: UnsafeRawBufferPointer,
        into output: UnsafeMutableRawPointer
    ) -> Bool {
        let nonce = ChaCha20Nonce(counter: counter)
        return TransportCipher.open(
            key: key, nonce: nonce, ciphertext, associatedData: associatedData, into: output)
    }
}

/// XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha), whose nonces of 24 bytes may be random: XAEAD(k, N, p, ad) of Protocol
/// §1. Tags have 16 bytes.
package enum XChaCha20Poly1305 {
    package static let nonceSize = 24

    /// Writes the ciphertext and its tag, `plaintext.count + 16` bytes, to `output`, which is either where the
    /// plaintext starts or doesn't overlap it. `nonce` has 24 bytes.
    package static func seal(
        key: Bytes32, nonce: UnsafeRawBufferPointer, _ plaintext: UnsafeRawBufferPointer,
        associatedData: UnsafeRawBufferPointer, into output: UnsafeMutableRawPointer
    ) {
        var (subkey, counter) = split(key, nonce)
        defer { subkey.wipe() }
        ChaCha20Poly1305.seal(key: subkey, counter: counter, plaintext, associatedData: associatedData, into: output)
    }

    /// Writes the plaintext, `ciphertext.count - 16` bytes, to `output`, which is either where the ciphertext starts or
    /// doesn't overlap it. `nonce` has 24 bytes. False when it doesn't authenticate: what is at `output` is then
    /// undefined.
    package static func open(
        key: Bytes32, nonce: UnsafeRawBufferPointer, _ ciphertext: UnsafeRawBufferPointer,
        associatedData: UnsafeRawBufferPointer, into output: UnsafeMutableRawPointer
    ) -> Bool {
        var (subkey, counter) = split(key, nonce)
        defer { subkey.wipe() }
        return ChaCha20Poly1305.open(
            key: subkey, counter: counter, ciphertext, associatedData: associatedData, into: output)
    }

    /// Decrypts the first `count` bytes of a ciphertext in place without looking whether it authenticates. `nonce` has 24 bytes.
    package static func peek(
        key: Bytes32, nonce: UnsafeRawBufferPointer, _ ciphertext: UnsafeMutableRawPointer, count: Int
    ) {
        var (subkey, counter) = split(key, nonce)
        defer { subkey.wipe() }
        // The first block of the keystream makes the tag's key. RFC 8439 §2.8.
        ChaCha20Nonce(counter: counter).withUnsafeBytes { nonce in
            // Safe: a nonce has an address.
            let nonce = nonce.baseAddress.unsafelyUnwrapped
            ChaCha20.apply(key: subkey, nonce: nonce, counter: 1, to: ciphertext, count: count)
        }
    }

    /// The first sixteen bytes of the nonce make the key, the others are the inner nonce.
    private static func split(_ key: Bytes32, _ nonce: UnsafeRawBufferPointer) -> (subkey: Bytes32, counter: UInt64) {
        precondition(nonce.count == nonceSize, "XChaCha20 takes 24 bytes of nonce")
        let head = UnsafeRawBufferPointer(rebasing: nonce[..<HChaCha20.nonceSize])
        let tail = nonce.loadUnaligned(fromByteOffset: HChaCha20.nonceSize, as: UInt64.self)
        return (HChaCha20.subkey(key, nonce: head), UInt64(littleEndian: tail))
    }
}
