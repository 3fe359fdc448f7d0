/// A Curve25519 public key, which is a peer's identity. Protocol §1.
package struct PublicKey: Hashable, Sendable, CustomStringConvertible {
    package var bytes: Bytes32

    package init(_ bytes: Bytes32) {
        self.bytes = bytes
    }

    /// Standard base64, 44 characters.
    package var base64: String { Base64.encode(bytes) }

    /// The first and last four base64 characters, as log lines name a peer: `ES6B…rwAk`.
    package var short: String {
        let text = base64
        return "\(text.prefix(4))…\(text.dropLast().suffix(4))"
    }

    package var description: String { short }
}
