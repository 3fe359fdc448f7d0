import Crypto
package import Wire

/// The cipher on the public interface of swift-crypto. It allocates for every packet.
package final class PortableCipher: AEADCipher {
    private let key: SymmetricKey

    package init(key: Secret32) {
        self.key = key.withUnsafeBytes { SymmetricKey(data: $0) }
    }

    package func seal(_ bytes: UnsafeMutableRawPointer, count: Int, counter: UInt64) {
        let plaintext = UnsafeRawBufferPointer(start: bytes, count: count)
        Self.seal(key, plaintext, .empty, nonce: ChaCha20Nonce(counter: counter), into: bytes)
    }

    package func open(_ bytes: UnsafeMutableRawPointer, count: Int, counter: UInt64) -> Bool {
        guard count >= tagSize else { return false }
        let ciphertext = UnsafeRawBufferPointer(start: bytes, count: count)
        return Self.open(key, ciphertext, .empty, nonce: ChaCha20Nonce(counter: counter), into: bytes)
    }

    package static func seal(
        key: Bytes32, nonce: ChaCha20Nonce, _ plaintext: UnsafeRawBufferPointer, associatedData: UnsafeRawBufferPointer,
        into output: UnsafeMutableRawPointer
    ) {
        let key = key.withUnsafeBytes { SymmetricKey(data: $0) }
        seal(key, plaintext, associatedData, nonce: nonce, into: output)
    }

    package static func open(
        key: Bytes32, nonce: ChaCha20Nonce, _ ciphertext: UnsafeRawBufferPointer,
        associatedData: UnsafeRawBufferPointer, into output: UnsafeMutableRawPointer
    ) -> Bool {
        guard ciphertext.count >= tagSize else { return false }
        let key = key.withUnsafeBytes { SymmetricKey(data: $0) }
        return open(key, ciphertext, associatedData, nonce: nonce, into: output)
    }

    private static func seal(
        _ key: SymmetricKey, _ plaintext: UnsafeRawBufferPointer, _ associatedData: UnsafeRawBufferPointer,
        nonce: ChaCha20Nonce, into output: UnsafeMutableRawPointer
    ) {
        guard
            let box = try? nonce.withUnsafeBytes({ nonce in
                try ChaChaPoly.seal(
                    plaintext, using: key, nonce: ChaChaPoly.Nonce(data: nonce), authenticating: associatedData)
            })
        else { preconditionFailure("sealing failed") }
        copy(box.ciphertext, to: UnsafeMutableRawBufferPointer(start: output, count: plaintext.count))
        copy(box.tag, to: UnsafeMutableRawBufferPointer(start: output + plaintext.count, count: tagSize))
    }

    private static func open(
        _ key: SymmetricKey, _ ciphertext: UnsafeRawBufferPointer, _ associatedData: UnsafeRawBufferPointer,
        nonce: ChaCha20Nonce, into output: UnsafeMutableRawPointer
    ) -> Bool {
        let body = UnsafeRawBufferPointer(rebasing: ciphertext.dropLast(tagSize))
        let tag = UnsafeRawBufferPointer(rebasing: ciphertext.suffix(tagSize))
        let plaintext = try? nonce.withUnsafeBytes { nonce in
            let box = try ChaChaPoly.SealedBox(nonce: ChaChaPoly.Nonce(data: nonce), ciphertext: body, tag: tag)
            return try ChaChaPoly.open(box, using: key, authenticating: associatedData)
        }
        guard let plaintext else { return false }
        copy(plaintext, to: UnsafeMutableRawBufferPointer(start: output, count: body.count))
        return true
    }
}

/// X25519 on the public interface of swift-crypto.
package enum PortableCurve: DiffieHellman {
    package static func publicKey(of privateKey: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) {
        precondition(output.count == 32, "X25519 keys have 32 bytes")
        guard let privateKey = try? Curve25519.KeyAgreement.PrivateKey(rawRepresentation: privateKey) else {
            preconditionFailure("X25519 keys have 32 bytes")
        }
        copy(privateKey.publicKey.rawRepresentation, to: output)
    }

    package static func sharedSecret(
        _ privateKey: UnsafeRawBufferPointer, _ publicKey: UnsafeRawBufferPointer,
        into output: UnsafeMutableRawBufferPointer
    ) {
        precondition(output.count == 32, "X25519 keys have 32 bytes")
        guard let privateKey = try? Curve25519.KeyAgreement.PrivateKey(rawRepresentation: privateKey),
            let publicKey = try? Curve25519.KeyAgreement.PublicKey(rawRepresentation: publicKey)
        else { preconditionFailure("X25519 keys have 32 bytes") }
        // An error can only mean a public key of low order, whose secret is all zeros.
        guard let secret = try? privateKey.sharedSecretFromKeyAgreement(with: publicKey) else {
            return wipe(output)
        }
        secret.withUnsafeBytes { output.copyMemory(from: $0) }
    }
}

private let tagSize = 16

/// Copies a collection to `target`, which has room for it. Generic, so that the type that swift-crypto returns doesn't
/// have to be named.
private func copy(_ bytes: some Collection<UInt8>, to target: UnsafeMutableRawBufferPointer) {
    target.copyBytes(from: bytes)
}
