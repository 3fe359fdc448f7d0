package import Wire

/// The Diffie-Hellman function X25519 (RFC 7748): DH(priv, pub) of Protocol §1.
package enum X25519 {
    /// The private key with the bits set and cleared that every private key has: a multiple of eight, below 2^255, with
    /// bit 254 set.
    package static func clamp(_ key: Bytes32) -> Bytes32 {
        var key = key
        key.withUnsafeMutableBytes { bytes in
            bytes[0] &= 248
            bytes[31] = bytes[31] & 127 | 64
        }
        return key
    }

    /// The public key that belongs to `privateKey`, which need not be clamped.
    package static func publicKey(of privateKey: Secret32) -> PublicKey {
        var result = Bytes32()
        privateKey.withUnsafeBytes { privateKey in
            result.withUnsafeMutableBytes { Curve.publicKey(of: privateKey, into: $0) }
        }
        return PublicKey(result)
    }

    /// The secret shared with the owner of `publicKey`, whose top bit is ignored. Nil when it is all zeros, which a
    /// public key of low order forces.
    package static func sharedSecret(_ privateKey: Secret32, _ publicKey: Bytes32) -> Secret32? {
        let secret = Secret32 { output in
            privateKey.withUnsafeBytes { privateKey in
                publicKey.withUnsafeBytes { Curve.sharedSecret(privateKey, $0, into: output) }
            }
        }
        return secret.isZero ? nil : secret
    }
}
