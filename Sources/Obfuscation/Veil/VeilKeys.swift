import NoisePrimitives
import Tunnel
import Wire

/// The keys of one direction between a server and those who call it. Any number of threads may use them at the same time. Veil §3.
final class VeilKeys: Sendable {
    enum Direction {
        case toServer, toClient
    }

    /// Seals handshakes.
    let handshake: Secret32
    /// Makes the half of a handshake's nonce that tells it from noise.
    let proof: AES256
    /// Makes the keystream of data headers and suffixes.
    let data: AES256

    /// - Parameters:
    ///   - server: the public key of the side that is called.
    ///   - secret: what both sides know beside it, any number of bytes; nil for nothing.
    init(server: PublicKey, secret: ObfuscationKey?, direction: Direction) {
        var root = BLAKE2s()
        Array(Veil.label.utf8).withUnsafeBytes { root.update($0) }
        server.bytes.withUnsafeBytes { root.update($0) }
        if let secret {
            var bytes = secret.bytes
            bytes.withUnsafeMutableBytes { bytes in
                root.update(UnsafeRawBufferPointer(bytes))
                if let start = bytes.baseAddress { zeroize(start, count: bytes.count) }
            }
        }
        var rootKey = root.finalize()
        defer { rootKey.wipe() }
        let side = direction == .toServer ? "to server" : "to client"
        handshake = Self.subkey("handshake \(side)", of: rootKey)
        proof = AES256(key: Self.subkey("proof \(side)", of: rootKey))
        data = AES256(key: Self.subkey("data \(side)", of: rootKey))
    }

    /// Nil when the server's public key isn't known.
    convenience init?(_ settings: VeilSettings, keys: CodecKeys, sending: Bool) {
        guard let server = keys.isPeerServer ? keys.peer : keys.own else { return nil }
        self.init(
            server: server, secret: settings.secret, direction: keys.isPeerServer == sending ? .toServer : .toClient)
    }

    private static func subkey(_ label: String, of root: Bytes32) -> Secret32 {
        var hash = root.withUnsafeBytes { BLAKE2s(key: $0) }
        Array(label.utf8).withUnsafeBytes { hash.update($0) }
        var key = hash.finalize()
        defer { key.wipe() }
        return Secret32(key)
    }
}
