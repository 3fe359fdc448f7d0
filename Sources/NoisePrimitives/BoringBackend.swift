#if canImport(CCryptoBoringSSL)
    import CCryptoBoringSSL
    package import Wire

    /// The cipher as BoringSSL has it: in place, without allocating, safe to share because a context only changes when
    /// it is made.
    package final class BoringCipher: AEADCipher, @unchecked Sendable {
        private let context: UnsafeMutablePointer<EVP_AEAD_CTX>

        package init(key: Secret32) {
            context = .allocate(capacity: 1)
            key.withUnsafeBytes { Self.prepare(context, key: $0) }
        }

        deinit {
            Self.destroy(context)
            context.deallocate()
        }

        package func seal(_ bytes: UnsafeMutableRawPointer, count: Int, counter: UInt64) {
            let plaintext = UnsafeRawBufferPointer(start: bytes, count: count)
            Self.seal(context, plaintext, .empty, nonce: ChaCha20Nonce(counter: counter), into: bytes)
        }

        package func open(_ bytes: UnsafeMutableRawPointer, count: Int, counter: UInt64) -> Bool {
            // Safe: a buffer pointer with a negative count is never made.
            guard count >= tagSize else { return false }
            let ciphertext = UnsafeRawBufferPointer(start: bytes, count: count)
            return Self.open(context, ciphertext, .empty, nonce: ChaCha20Nonce(counter: counter), into: bytes)
        }

        package static func seal(
            key: Bytes32, nonce: ChaCha20Nonce, _ plaintext: UnsafeRawBufferPointer,
            associatedData: UnsafeRawBufferPointer, into output: UnsafeMutableRawPointer
        ) {
            withContext(key) { seal($0, plaintext, associatedData, nonce: nonce, into: output) }
        }

        package static func open(
            key: Bytes32, nonce: ChaCha20Nonce, _ ciphertext: UnsafeRawBufferPointer,
            associatedData: UnsafeRawBufferPointer, into output: UnsafeMutableRawPointer
        ) -> Bool {
            guard ciphertext.count >= tagSize else { return false }
            return withContext(key) { open($0, ciphertext, associatedData, nonce: nonce, into: output) }
        }

        @inline(__always)
        private static func seal(
            _ context: UnsafePointer<EVP_AEAD_CTX>, _ plaintext: UnsafeRawBufferPointer,
            _ associatedData: UnsafeRawBufferPointer, nonce: ChaCha20Nonce, into output: UnsafeMutableRawPointer
        ) {
            var tagCount = 0
            let sealed = nonce.withUnsafeBytes { nonce in
                CCryptoBoringSSL_EVP_AEAD_CTX_seal_scatter(
                    context, bound(output), bound(output + plaintext.count), &tagCount, tagSize, bound(nonce),
                    nonce.count, bound(plaintext), plaintext.count, nil, 0, bound(associatedData), associatedData.count
                )
            }
            // It only fails above 256 GiB; going on would send plaintext.
            precondition(sealed == 1, "sealing failed")
        }

        @inline(__always)
        private static func open(
            _ context: UnsafePointer<EVP_AEAD_CTX>, _ ciphertext: UnsafeRawBufferPointer,
            _ associatedData: UnsafeRawBufferPointer, nonce: ChaCha20Nonce, into output: UnsafeMutableRawPointer
        ) -> Bool {
            // Safe: the callers have checked that there is room for a tag.
            let count = ciphertext.count &- tagSize
            let tag = UnsafeRawBufferPointer(rebasing: ciphertext[count...])
            return nonce.withUnsafeBytes { nonce in
                CCryptoBoringSSL_EVP_AEAD_CTX_open_gather(
                    context, bound(output), bound(nonce), nonce.count, bound(ciphertext), count, bound(tag), tag.count,
                    bound(associatedData), associatedData.count)
            } == 1
        }

        private static func withContext<R>(_ key: Bytes32, _ body: (UnsafePointer<EVP_AEAD_CTX>) -> R) -> R {
            withUnsafeTemporaryAllocation(of: EVP_AEAD_CTX.self, capacity: 1) { memory in
                // Safe: the buffer holds one context.
                let context = memory.baseAddress.unsafelyUnwrapped
                key.withUnsafeBytes { prepare(context, key: $0) }
                defer { destroy(context) }
                return body(context)
            }
        }

        private static func prepare(_ context: UnsafeMutablePointer<EVP_AEAD_CTX>, key: UnsafeRawBufferPointer) {
            let aead = CCryptoBoringSSL_EVP_aead_chacha20_poly1305()
            let done = CCryptoBoringSSL_EVP_AEAD_CTX_init(context, aead, bound(key), key.count, tagSize, nil)
            precondition(done == 1, "a key has 32 bytes")
        }

        /// BoringSSL's own clean-up leaves the key in memory.
        private static func destroy(_ context: UnsafeMutablePointer<EVP_AEAD_CTX>) {
            CCryptoBoringSSL_EVP_AEAD_CTX_cleanup(context)
            zeroize(context, count: MemoryLayout<EVP_AEAD_CTX>.size)
        }
    }

    /// X25519 as BoringSSL has it.
    package enum BoringCurve: DiffieHellman {
        package static func publicKey(of privateKey: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer)
        {
            precondition(privateKey.count == 32 && output.count == 32, "X25519 keys have 32 bytes")
            CCryptoBoringSSL_X25519_public_from_private(bound(output), bound(privateKey))
        }

        package static func sharedSecret(
            _ privateKey: UnsafeRawBufferPointer, _ publicKey: UnsafeRawBufferPointer,
            into output: UnsafeMutableRawBufferPointer
        ) {
            let sizesFit = privateKey.count == 32 && publicKey.count == 32 && output.count == 32
            precondition(sizesFit, "X25519 keys have 32 bytes")
            // Its answer says whether the secret is all zeros, which the caller looks at for every backend.
            _ = CCryptoBoringSSL_X25519(bound(output), bound(privateKey), bound(publicKey))
        }
    }

    private let tagSize = 16

    // Safe, all three: C functions read and write the memory as bytes, which may alias anything.

    @inline(__always)
    private func bound(_ bytes: UnsafeRawBufferPointer) -> UnsafePointer<UInt8>? {
        bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
    }

    @inline(__always)
    private func bound(_ bytes: UnsafeMutableRawBufferPointer) -> UnsafeMutablePointer<UInt8>? {
        bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
    }

    @inline(__always)
    private func bound(_ bytes: UnsafeMutableRawPointer) -> UnsafeMutablePointer<UInt8> {
        bytes.assumingMemoryBound(to: UInt8.self)
    }
#endif
