package import Wire

#if canImport(CCryptoBoringSSL)
    import CCryptoBoringSSL

    /// AES-256 (FIPS 197) on single blocks of sixteen bytes, with no mode around it. Any number of threads may use one at the same
    /// time.
    package final class AES256: @unchecked Sendable {
        package static var blockSize: Int { 16 }

        // Safe to share: written in init, then only read.
        private let encryption: UnsafeMutablePointer<AES_KEY>
        private let decryption: UnsafeMutablePointer<AES_KEY>

        /// Keeps expansions of `key` that are overwritten with zeros when the cipher goes.
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

        /// Encrypts the block at `input` to `output`, which is the same place or doesn't overlap it.
        @inline(__always)
        package func encrypt(_ input: UnsafeRawPointer, into output: UnsafeMutableRawPointer) {
            CCryptoBoringSSL_AES_encrypt(
                input.assumingMemoryBound(to: UInt8.self), output.assumingMemoryBound(to: UInt8.self), encryption)
        }

        /// Decrypts the block at `input` to `output`, which is the same place or doesn't overlap it.
        @inline(__always)
        package func decrypt(_ input: UnsafeRawPointer, into output: UnsafeMutableRawPointer) {
            CCryptoBoringSSL_AES_decrypt(
                input.assumingMemoryBound(to: UInt8.self), output.assumingMemoryBound(to: UInt8.self), decryption)
        }
    }
#endif
