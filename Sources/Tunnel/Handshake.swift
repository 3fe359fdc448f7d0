import NoisePrimitives
package import Wire

/// A device's own key and what follows from it.
package struct Identity: Sendable {
    /// Clamped.
    package let privateKey: Secret32
    /// What the peers know the device by.
    package let publicKey: PublicKey

    /// `privateKey` is clamped here; it must not be zero.
    package init(_ privateKey: Secret32) {
        var clamped = X25519.clamp(privateKey.bytes)
        defer { clamped.wipe() }
        self.privateKey = Secret32(clamped)
        publicKey = X25519.publicKey(of: self.privateKey)
    }
}

/// The running hash and chaining key of a Noise handshake. Protocol §3.
struct NoiseState {
    private(set) var hash: Bytes32
    private(set) var chainingKey: Bytes32

    private static let initialChainingKey = Array("Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s".utf8).withUnsafeBytes {
        BLAKE2s.hash($0)
    }
    private static let initialHash = initialChainingKey.withUnsafeBytes { construction in
        Array("WireGuard v1 zx2c4 Jason@zx2c4.com".utf8).withUnsafeBytes { BLAKE2s.hash(construction, $0) }
    }

    init(responder: PublicKey) {
        hash = Self.initialHash
        chainingKey = Self.initialChainingKey
        mix(responder.bytes)
    }

    mutating func mix(_ data: UnsafeRawBufferPointer) {
        hash = hash.withUnsafeBytes { BLAKE2s.hash($0, data) }
    }

    mutating func mix(_ data: Bytes32) {
        data.withUnsafeBytes { mix($0) }
    }

    /// Mixes an ephemeral public key into the hash and the chaining key.
    mutating func mixEphemeral(_ key: Bytes32) {
        mix(key)
        key.withUnsafeBytes { chainingKey = HKDF.derive1(chainingKey, $0) }
    }

    mutating func mixSecret(_ secret: Secret32) {
        secret.withUnsafeBytes { chainingKey = HKDF.derive1(chainingKey, $0) }
    }

    /// Mixes a shared secret and returns the key that comes with it; the caller wipes it.
    mutating func mixSecretForKey(_ secret: Secret32) -> Bytes32 {
        secret.withUnsafeBytes { input in
            let key: Bytes32
            (chainingKey, key) = HKDF.derive2(chainingKey, input)
            return key
        }
    }

    /// Mixes the preshared key and returns the key that comes with it; the caller wipes it.
    mutating func mixPresharedKey(_ presharedKey: Secret32) -> Bytes32 {
        presharedKey.withUnsafeBytes { input in
            var temporary: Bytes32
            let key: Bytes32
            (chainingKey, temporary, key) = HKDF.derive3(chainingKey, input)
            defer { temporary.wipe() }
            mix(temporary)
            return key
        }
    }

    /// Encrypts `plaintext` with the hash as associated data, then mixes the ciphertext.
    mutating func seal(_ plaintext: UnsafeRawBufferPointer, key: Bytes32, into output: UnsafeMutableRawPointer) {
        hash.withUnsafeBytes {
            ChaCha20Poly1305.seal(key: key, plaintext, associatedData: $0, into: output)
        }
        mix(UnsafeRawBufferPointer(start: output, count: plaintext.count + Message.tagSize))
    }

    /// The reverse of ``seal(_:key:into:)``.
    mutating func open(
        _ ciphertext: UnsafeRawBufferPointer, key: Bytes32, into output: UnsafeMutableRawPointer
    ) -> Bool {
        let isAuthentic = hash.withUnsafeBytes {
            ChaCha20Poly1305.open(key: key, ciphertext, associatedData: $0, into: output)
        }
        if isAuthentic { mix(ciphertext) }
        return isAuthentic
    }

    /// The two transport keys, the initiator's sending key first. Protocol §3.5.
    func transportKeys() -> (Secret32, Secret32) {
        var keys = HKDF.derive2(chainingKey, UnsafeRawBufferPointer(start: nil, count: 0))
        defer {
            keys.0.wipe()
            keys.1.wipe()
        }
        return (Secret32(keys.0), Secret32(keys.1))
    }

    /// Overwrites both values; to be called on every copy that isn't kept.
    mutating func erase() {
        hash.wipe()
        chainingKey.wipe()
    }
}

/// What an initiator keeps until the response comes. Protocol §3.1.
struct OutstandingInitiation {
    let localIndex: UInt32
    private var noise: NoiseState
    private let ephemeral: Secret32

    /// Writes the first 116 bytes of an initiation to `message`; the MACs are the ``CookieJar``'s.
    ///
    /// - Parameter staticShared: the shared secret of both static keys.
    /// - Returns: nil when the peer's key is a low-order point.
    init?(
        identity: Identity, peer: PublicKey, staticShared: Secret32, ephemeral: Secret32, localIndex: UInt32,
        timestamp: TAI64N, into message: UnsafeMutableRawPointer
    ) {
        var noise = NoiseState(responder: peer)
        let ephemeralPublic = X25519.publicKey(of: ephemeral)
        message.storeLittleEndian(Message.Kind.initiation.rawValue, at: 0)
        message.storeLittleEndian(localIndex, at: Message.Initiation.sender)
        ephemeralPublic.bytes.store(to: message + Message.Initiation.ephemeral)
        noise.mixEphemeral(ephemeralPublic.bytes)

        guard let shared = X25519.sharedSecret(ephemeral, peer.bytes) else { return nil }
        var key = noise.mixSecretForKey(shared)
        defer { key.wipe() }
        identity.publicKey.bytes.withUnsafeBytes {
            noise.seal($0, key: key, into: message + Message.Initiation.encryptedStatic)
        }
        key = noise.mixSecretForKey(staticShared)
        withUnsafeTemporaryAllocation(byteCount: TAI64N.size, alignment: 4) { bytes in
            timestamp.store(to: bytes.baseAddress!)
            noise.seal(UnsafeRawBufferPointer(bytes), key: key, into: message + Message.Initiation.encryptedTimestamp)
        }
        self.localIndex = localIndex
        self.noise = noise
        self.ephemeral = ephemeral
    }

    /// Takes the peer's response; this value stays as it was when the response is wrong. Protocol §3.4.
    ///
    /// - Parameter response: 92 bytes with a valid MAC1 and this initiation's index.
    /// - Returns: the new session's keys, or why there is none.
    func finish(
        _ response: UnsafeRawBufferPointer, identity: Identity, presharedKey: Secret32
    ) -> Result<SessionKeys, HandshakeFailure> {
        let start = response.baseAddress!
        var noise = self.noise
        defer { noise.erase() }
        let ephemeralPublic = Bytes32(loading: start + Message.Response.ephemeral)
        noise.mixEphemeral(ephemeralPublic)
        guard let first = X25519.sharedSecret(ephemeral, ephemeralPublic),
            let second = X25519.sharedSecret(identity.privateKey, ephemeralPublic)
        else { return .failure(.lowOrderKey) }
        noise.mixSecret(first)
        noise.mixSecret(second)
        var key = noise.mixPresharedKey(presharedKey)
        defer { key.wipe() }
        var nothing = Bytes16()
        let isAuthentic = withUnsafeMutableBytes(of: &nothing) {
            noise.open(
                slice(response, Message.Response.encryptedNothing, Message.tagSize), key: key, into: $0.baseAddress!)
        }
        guard isAuthentic else { return .failure(.undecryptable) }
        let (sending, receiving) = noise.transportKeys()
        return .success(
            SessionKeys(
                sending: sending, receiving: receiving, localIndex: localIndex,
                remoteIndex: start.littleEndian32(at: Message.Response.sender), isInitiator: true))
    }

    mutating func erase() {
        noise.erase()
    }
}

/// An initiation that a responder has taken, on the way to its response. Protocol §3.2 and §3.3.
struct ReceivedInitiation {
    /// Who says that it sent this, proven only by ``openTimestamp(_:staticShared:)``.
    let initiator: PublicKey
    private var noise: NoiseState
    private let ephemeralPublic: Bytes32
    private let remoteIndex: UInt32

    /// Decrypts the initiator's public key from `message`, 148 bytes with a valid MAC1.
    static func open(
        _ message: UnsafeRawBufferPointer, identity: Identity
    ) -> Result<ReceivedInitiation, HandshakeFailure> {
        let start = message.baseAddress!
        var noise = NoiseState(responder: identity.publicKey)
        let ephemeralPublic = Bytes32(loading: start + Message.Initiation.ephemeral)
        noise.mixEphemeral(ephemeralPublic)
        guard let shared = X25519.sharedSecret(identity.privateKey, ephemeralPublic) else {
            return .failure(.lowOrderKey)
        }
        var key = noise.mixSecretForKey(shared)
        defer { key.wipe() }
        var initiator = Bytes32()
        let isAuthentic = initiator.withUnsafeMutableBytes {
            noise.open(
                slice(message, Message.Initiation.encryptedStatic, Bytes32.count + Message.tagSize), key: key,
                into: $0.baseAddress!)
        }
        guard isAuthentic else { return .failure(.undecryptable) }
        return .success(
            ReceivedInitiation(
                initiator: PublicKey(initiator), noise: noise, ephemeralPublic: ephemeralPublic,
                remoteIndex: start.littleEndian32(at: Message.Initiation.sender)))
    }

    /// Decrypts the timestamp, which proves that the initiator holds its private key; nil when it doesn't.
    mutating func openTimestamp(_ message: UnsafeRawBufferPointer, staticShared: Secret32) -> TAI64N? {
        var key = noise.mixSecretForKey(staticShared)
        defer { key.wipe() }
        return withUnsafeTemporaryAllocation(byteCount: TAI64N.size, alignment: 4) { bytes in
            let isAuthentic = noise.open(
                slice(message, Message.Initiation.encryptedTimestamp, TAI64N.size + Message.tagSize), key: key,
                into: bytes.baseAddress!)
            return isAuthentic ? TAI64N(loading: bytes.baseAddress!) : nil
        }
    }

    /// Writes the first 60 bytes of the response to `message` and derives the session.
    ///
    /// - Returns: nil when the initiator's ephemeral or static key is a low-order point.
    mutating func respond(
        presharedKey: Secret32, ephemeral: Secret32, localIndex: UInt32, into message: UnsafeMutableRawPointer
    ) -> SessionKeys? {
        defer { noise.erase() }
        let ownPublic = X25519.publicKey(of: ephemeral)
        message.storeLittleEndian(Message.Kind.response.rawValue, at: 0)
        message.storeLittleEndian(localIndex, at: Message.Response.sender)
        message.storeLittleEndian(remoteIndex, at: Message.Response.receiver)
        ownPublic.bytes.store(to: message + Message.Response.ephemeral)
        noise.mixEphemeral(ownPublic.bytes)
        guard let first = X25519.sharedSecret(ephemeral, ephemeralPublic),
            let second = X25519.sharedSecret(ephemeral, initiator.bytes)
        else { return nil }
        noise.mixSecret(first)
        noise.mixSecret(second)
        var key = noise.mixPresharedKey(presharedKey)
        defer { key.wipe() }
        noise.seal(
            UnsafeRawBufferPointer(start: nil, count: 0), key: key, into: message + Message.Response.encryptedNothing)
        let (receiving, sending) = noise.transportKeys()
        return SessionKeys(
            sending: sending, receiving: receiving, localIndex: localIndex, remoteIndex: remoteIndex,
            isInitiator: false)
    }
}

/// What a handshake ends with.
struct SessionKeys {
    let sending: Secret32
    let receiving: Secret32
    let localIndex: UInt32
    let remoteIndex: UInt32
    let isInitiator: Bool
}

enum HandshakeFailure: Error {
    case lowOrderKey
    case undecryptable
}
