#if canImport(CCryptoBoringSSL)
    import CCryptoBoringSSL
    package import Wire

    /// AES-256 as BoringSSL has it.
    package final class BoringAES256: BlockCipher, @unchecked Sendable {
        // Safe to share: written in init, then only read.
        private let encryption: UnsafeMutablePointer<AES_KEY>
        private let decryption: UnsafeMutablePointer<AES_KEY>

        package init(key: Secret32) {
            encryption = .allocate(capacity: 1)
            decryption = .allocate(capacity: 1)
            key.withUnsafeBytes { key in
                let bytes = key.baseAddress?.assumingMemoryBound(to: UInt8.self)
                let done =
                    CCryptoBoringSSL_AES_set_encrypt_key(bytes, 256, encryption) == 0
                    && CCryptoBoringSSL_AES_set_decrypt_key(bytes, 256, decryption) == 0
                precondition(done, "a key has 32 bytes")
            }
        }

        deinit {
            for schedule in [encryption, decryption] {
                zeroize(schedule, count: MemoryLayout<AES_KEY>.size)
                schedule.deallocate()
            }
        }

        @inline(__always)
        package func encrypt(_ input: UnsafeRawPointer, into output: UnsafeMutableRawPointer) {
            CCryptoBoringSSL_AES_encrypt(
                input.assumingMemoryBound(to: UInt8.self), output.assumingMemoryBound(to: UInt8.self), encryption)
        }

        @inline(__always)
        package func decrypt(_ input: UnsafeRawPointer, into output: UnsafeMutableRawPointer) {
            CCryptoBoringSSL_AES_decrypt(
                input.assumingMemoryBound(to: UInt8.self), output.assumingMemoryBound(to: UInt8.self), decryption)
        }
    }

    /// ChaCha20 as BoringSSL has it.
    package enum BoringChaCha20: StreamCipher {
        @inline(__always)
        package static func apply(
            keyAt key: UnsafeRawPointer, nonce: UnsafeRawPointer, counter: UInt32, to bytes: UnsafeMutableRawPointer,
            count: Int
        ) {
            // Safe: C reads and writes the memory as bytes, which may alias anything.
            let target = bytes.assumingMemoryBound(to: UInt8.self)
            CCryptoBoringSSL_CRYPTO_chacha_20(
                target, target, count, key.assumingMemoryBound(to: UInt8.self),
                nonce.assumingMemoryBound(to: UInt8.self), counter)
        }
    }
#endif
