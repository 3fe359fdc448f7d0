package import Wire

#if canImport(CCryptoBoringSSL)
    import CCryptoBoringSSL

    /// The ChaCha20 stream cipher (RFC 8439 §2.4) without authentication.
    package enum ChaCha20 {
        package static var nonceSize: Int { 12 }

        /// Combines `count` bytes at `bytes` in place with the keystream.
        ///
        /// - Parameters:
        ///   - nonce: where twelve bytes stand, which may not be among those that change.
        ///   - counter: the number of the first block.
        package static func apply(
            key: Secret32, nonce: UnsafeRawPointer, counter: UInt32 = 0, to bytes: UnsafeMutableRawPointer, count: Int
        ) {
            key.withUnsafeBytes { key in
                // Safe: C reads and writes the memory as bytes, which may alias anything.
                let target = bytes.assumingMemoryBound(to: UInt8.self)
                CCryptoBoringSSL_CRYPTO_chacha_20(
                    target, target, count, key.baseAddress?.assumingMemoryBound(to: UInt8.self),
                    nonce.assumingMemoryBound(to: UInt8.self), counter)
            }
        }
    }
#endif
