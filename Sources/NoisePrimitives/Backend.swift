package import Wire

#if canImport(CCryptoBoringSSL)
    /// One direction's transport key, kept for the life of a session. See ``AEADCipher``.
    package typealias TransportCipher = BoringCipher
    /// X25519. See ``DiffieHellman``.
    package typealias Curve = BoringCurve
#else
    /// One direction's transport key, kept for the life of a session. See ``AEADCipher``.
    package typealias TransportCipher = PortableCipher
    /// X25519. See ``DiffieHellman``.
    package typealias Curve = PortableCurve
#endif

/// ChaCha20-Poly1305 (RFC 8439). Tags have 16 bytes. Protocol §1.
///
/// Both backends conform, so that they stay alike; the data path calls the one it has, not the protocol.
package protocol AEADCipher: AnyObject, Sendable {
    /// Keeps a copy of `key` that is overwritten with zeros when the cipher goes.
    init(key: Secret32)

    /// Encrypts `count` bytes at `bytes` in place and writes the tag right after them, where 16 bytes must be free.
    /// No associated data. Any number of threads may seal and open at the same time.
    func seal(_ bytes: UnsafeMutableRawPointer, count: Int, counter: UInt64)

    /// Decrypts in place; `count` includes the tag. False when the tag is wrong or `count` is below 16: what is at
    /// `bytes` is then undefined. No associated data.
    func open(_ bytes: UnsafeMutableRawPointer, count: Int, counter: UInt64) -> Bool

    /// Encrypts `plaintext` and writes it and the tag, `plaintext.count + 16` bytes, to `output`, which is either where
    /// the plaintext starts or doesn't overlap it.
    static func seal(
        key: Bytes32, nonce: ChaCha20Nonce, _ plaintext: UnsafeRawBufferPointer, associatedData: UnsafeRawBufferPointer,
        into output: UnsafeMutableRawPointer)

    /// Decrypts `ciphertext`, which ends in the tag, and writes `ciphertext.count - 16` bytes to `output`, which is
    /// either where the ciphertext starts or doesn't overlap it. False when the tag is wrong or there is no room for
    /// one: what is at `output` is then undefined.
    static func open(
        key: Bytes32, nonce: ChaCha20Nonce, _ ciphertext: UnsafeRawBufferPointer,
        associatedData: UnsafeRawBufferPointer, into output: UnsafeMutableRawPointer
    ) -> Bool
}

/// X25519 (RFC 7748 §5): clamps the private key and ignores the top bit of the public one. Every buffer has 32 bytes.
package protocol DiffieHellman {
    /// Writes the public key that belongs to `privateKey`.
    static func publicKey(of privateKey: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer)

    /// Writes the shared secret, which is all zeros for a public key of low order.
    static func sharedSecret(
        _ privateKey: UnsafeRawBufferPointer, _ publicKey: UnsafeRawBufferPointer,
        into output: UnsafeMutableRawBufferPointer)
}
