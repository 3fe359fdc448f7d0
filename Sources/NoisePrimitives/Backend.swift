package import Wire

#if canImport(CCryptoBoringSSL)
    /// One direction's transport key, kept for the life of a session. See ``AEADCipher``.
    package typealias TransportCipher = BoringCipher
    /// X25519. See ``DiffieHellman``.
    package typealias Curve = BoringCurve
    /// AES-256. See ``BlockCipher``.
    package typealias AES256 = BoringAES256
    /// ChaCha20 without authentication. See ``StreamCipher``.
    package typealias ChaCha20 = BoringChaCha20
#else
    /// One direction's transport key, kept for the life of a session. See ``AEADCipher``.
    package typealias TransportCipher = PortableCipher
    /// X25519. See ``DiffieHellman``.
    package typealias Curve = PortableCurve
    /// AES-256. See ``BlockCipher``.
    package typealias AES256 = PortableAES256
    /// ChaCha20 without authentication. See ``StreamCipher``.
    package typealias ChaCha20 = PortableChaCha20
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

/// AES-256 (FIPS 197) on single blocks of sixteen bytes, with no mode around it. Any number of threads may use one at the same time.
package protocol BlockCipher: AnyObject, Sendable {
    /// Keeps expansions of `key` that are overwritten with zeros when the cipher goes.
    init(key: Secret32)

    /// Encrypts the block at `input` to `output`, which is the same place or doesn't overlap it.
    func encrypt(_ input: UnsafeRawPointer, into output: UnsafeMutableRawPointer)

    /// Decrypts the block at `input` to `output`, which is the same place or doesn't overlap it.
    func decrypt(_ input: UnsafeRawPointer, into output: UnsafeMutableRawPointer)
}

extension BlockCipher {
    package static var blockSize: Int { 16 }
}

/// The ChaCha20 stream cipher (RFC 8439 §2.4) without authentication.
package protocol StreamCipher {
    /// Combines `count` bytes at `bytes` in place with the keystream.
    ///
    /// - Parameters:
    ///   - key: where 32 bytes stand.
    ///   - nonce: where twelve bytes stand, which may not be among those that change.
    ///   - counter: the number of the first block.
    static func apply(
        keyAt key: UnsafeRawPointer, nonce: UnsafeRawPointer, counter: UInt32, to bytes: UnsafeMutableRawPointer,
        count: Int)
}

extension StreamCipher {
    package static var nonceSize: Int { 12 }

    /// Combines `count` bytes at `bytes` in place with the keystream, whose first block has the number `counter`. At `nonce` twelve bytes
    /// stand, which may not be among those that change.
    @inline(__always)
    package static func apply(
        key: Secret32, nonce: UnsafeRawPointer, counter: UInt32 = 0, to bytes: UnsafeMutableRawPointer, count: Int
    ) {
        key.withUnsafeBytes { key in
            // Safe: a key has an address.
            apply(
                keyAt: key.baseAddress.unsafelyUnwrapped, nonce: nonce, counter: counter, to: bytes, count: count)
        }
    }

    /// The same with a key that doesn't live long.
    @inline(__always)
    package static func apply(
        key: Bytes32, nonce: UnsafeRawPointer, counter: UInt32 = 0, to bytes: UnsafeMutableRawPointer, count: Int
    ) {
        key.withUnsafeBytes { key in
            // Safe: a key has an address.
            apply(
                keyAt: key.baseAddress.unsafelyUnwrapped, nonce: nonce, counter: counter, to: bytes, count: count)
        }
    }
}
