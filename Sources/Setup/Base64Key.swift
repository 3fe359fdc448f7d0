import NoisePrimitives
import Wire

/// Keys in text.
enum Base64Key {
    /// Whether it has the form of a key.
    static func isKey(_ text: String) -> Bool { text.utf8.count == Base64.keyLength && Base64.decode(text.utf8) != nil }

    /// 44 characters.
    static func text(_ secret: Secret32) -> String { Base64.encode(secret.bytes) }

    static func read(_ text: String) -> Bytes32? { Base64.decode(text.utf8) }

    static func newPrivateKey(_ random: any RandomSource) -> Secret32 {
        Secret32(X25519.clamp(random.secret().bytes))
    }
}
