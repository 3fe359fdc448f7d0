import NoisePrimitives
package import Wire

private let mac1Label: [UInt8] = Array("mac1----".utf8)
private let cookieLabel: [UInt8] = Array("cookie--".utf8)

/// The keys that follow from a party's public key: for the MAC1 of messages to it and for its cookie replies.
/// Protocol §5.
package struct MACKeys: Sendable {
    let mac1: Bytes32
    let cookie: Bytes32

    package init(of party: PublicKey) {
        mac1 = party.bytes.withUnsafeBytes { key in mac1Label.withUnsafeBytes { BLAKE2s.hash($0, key) } }
        cookie = party.bytes.withUnsafeBytes { key in cookieLabel.withUnsafeBytes { BLAKE2s.hash($0, key) } }
    }

    /// MAC1 over all of `message`, an initiation or response, but its two MACs.
    package func mac1(of message: UnsafeRawBufferPointer) -> Bytes16 {
        mac1.withUnsafeBytes { key in
            BLAKE2s.mac(key: key, UnsafeRawBufferPointer(rebasing: message.dropLast(2 * Message.macSize)))
        }
    }
}

/// MAC2 over all of `message` but itself.
private func mac2(of message: UnsafeRawBufferPointer, cookie: Bytes16) -> Bytes16 {
    cookie.withUnsafeBytes { key in
        BLAKE2s.mac(key: key, UnsafeRawBufferPointer(rebasing: message.dropLast(Message.macSize)))
    }
}

/// The sender's side of MACs and cookies, one per peer. Protocol §5.
struct CookieJar {
    let keys: MACKeys
    private var lastMAC1: Bytes16?
    private(set) var cookie: Bytes16?
    private var received = Instant(nanoseconds: 0)

    init(peer: PublicKey) {
        keys = MACKeys(of: peer)
    }

    /// Writes MAC1 and MAC2 into the last 32 bytes of `message`.
    mutating func stamp(_ message: UnsafeMutableRawBufferPointer, now: Instant) {
        let end = message.baseAddress! + message.count
        let mac1 = keys.mac1(of: UnsafeRawBufferPointer(message))
        mac1.store(to: end - 2 * Message.macSize)
        lastMAC1 = mac1
        if let cookie, now.since(received) < Limits.cookieUse {
            mac2(of: UnsafeRawBufferPointer(message), cookie: cookie).store(to: end - Message.macSize)
        } else {
            Bytes16().store(to: end - Message.macSize)
        }
    }

    /// Takes the cookie out of a reply, which must answer the last message; one reply per message is taken.
    mutating func accept(_ reply: UnsafeRawBufferPointer, now: Instant) -> Bool {
        guard let mac1 = lastMAC1 else { return false }
        var opened = Bytes32()
        let isAuthentic = mac1.withUnsafeBytes { associatedData in
            opened.withUnsafeMutableBytes { output in
                XChaCha20Poly1305.open(
                    key: keys.cookie,
                    nonce: slice(reply, Message.CookieReply.nonce, Message.CookieReply.nonceSize),
                    slice(
                        reply, Message.CookieReply.encryptedCookie, Message.CookieReply.cookieSize + Message.tagSize),
                    associatedData: associatedData,
                    into: output.baseAddress!)
            }
        }
        guard isAuthentic else { return false }
        cookie = opened.withUnsafeBytes { Bytes16(loading: $0.baseAddress!) }
        received = now
        lastMAC1 = nil
        return true
    }
}

/// The receiver's side of MACs and cookies, one per device. Protocol §5.
struct CookieChecker {
    private let keys: MACKeys
    /// A MAC1 that has taken its key and no message.
    private let mac1Start: BLAKE2s
    private var secret = Secret32.zero
    private var secretMade: Instant?
    /// The last cookie that was made with the secret, and for whom: a message needs it twice, and many come in a row.
    private var latest: (source: Endpoint, cookie: Bytes16)?

    init(own publicKey: PublicKey) {
        keys = MACKeys(of: publicKey)
        var hash = keys.mac1.withUnsafeBytes { BLAKE2s(outputSize: Message.macSize, key: $0) }
        hash.commit()
        mac1Start = hash
    }

    /// Whether the MAC1 of an initiation or response is right.
    func isMAC1Valid(_ message: UnsafeRawBufferPointer) -> Bool {
        let given = Bytes16(loading: message.baseAddress! + message.count - 2 * Message.macSize)
        var hash = mac1Start
        hash.update(UnsafeRawBufferPointer(rebasing: message.dropLast(2 * Message.macSize)))
        return hash.finalizeMAC() == given
    }

    /// Whether the MAC2 proves that the sender owns the address that it sends from.
    mutating func isMAC2Valid(_ message: UnsafeRawBufferPointer, from source: Endpoint, now: Instant) -> Bool {
        guard let secretMade, now.since(secretMade) < Limits.cookieLifetime else { return false }
        let given = Bytes16(loading: message.baseAddress! + message.count - Message.macSize)
        return mac2(of: message, cookie: cookie(for: source)) == given
    }

    /// A cookie reply to `message`, which is an initiation or a response.
    mutating func reply(
        to message: UnsafeRawBufferPointer, from source: Endpoint, now: Instant, random: any RandomSource
    ) -> [UInt8] {
        if secretMade.map({ now.since($0) >= Limits.cookieLifetime }) ?? true {
            secret = random.secret()
            secretMade = now
            latest = nil
        }
        let cookie = cookie(for: source)
        let messageStart = message.baseAddress!
        let mac1 = UnsafeRawBufferPointer(
            start: messageStart + message.count - 2 * Message.macSize, count: Message.macSize)
        return [UInt8](unsafeUninitializedCapacity: Message.CookieReply.size) { bytes, count in
            let reply = UnsafeMutableRawBufferPointer(bytes)
            let start = reply.baseAddress!
            start.storeLittleEndian(Message.Kind.cookieReply.rawValue, at: 0)
            start.storeLittleEndian(
                messageStart.littleEndian32(at: Message.Initiation.sender), at: Message.CookieReply.receiver)
            let nonce = UnsafeMutableRawBufferPointer(
                rebasing: reply[Message.CookieReply.nonce..<Message.CookieReply.encryptedCookie])
            random.fillPublic(nonce)
            cookie.withUnsafeBytes {
                XChaCha20Poly1305.seal(
                    key: keys.cookie, nonce: UnsafeRawBufferPointer(nonce), $0, associatedData: mac1,
                    into: start + Message.CookieReply.encryptedCookie)
            }
            count = Message.CookieReply.size
        }
    }

    private mutating func cookie(for source: Endpoint) -> Bytes16 {
        if let latest, latest.source == source { return latest.cookie }
        let cookie = newCookie(for: source)
        latest = (source, cookie)
        return cookie
    }

    private func newCookie(for source: Endpoint) -> Bytes16 {
        withUnsafeTemporaryAllocation(byteCount: 18, alignment: 8) { bytes in
            let start = bytes.baseAddress!
            let length: Int
            switch source.address {
            case .v4(let v4):
                v4.store(to: start)
                length = 4
            case .v6(let v6):
                v6.store(to: start)
                length = 16
            }
            start.storeBigEndian(source.port, at: length)
            return secret.withUnsafeBytes {
                BLAKE2s.mac(key: $0, UnsafeRawBufferPointer(start: start, count: length + 2))
            }
        }
    }
}

/// `count` bytes of `bytes` from `offset` on; the caller has checked that they are there.
func slice(_ bytes: UnsafeRawBufferPointer, _ offset: Int, _ count: Int) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count])
}
