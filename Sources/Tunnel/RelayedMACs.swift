package import NoisePrimitives
package import Wire

/// Gives handshake messages that pass through a relay other first bytes. Their MACs cover these and so are computed anew, which takes
/// the receiver's public key alone; a cookie that the receiver sends is taken out and wrapped for the sender. Protocol §5; Obfuscation
/// §1.3.
package struct RelayedMACs: Sendable {
    private var jar: CookieJar
    /// MAC1 of the last message as its sender computed it; nil when the receiver got that very one.
    private var senderMAC1: Bytes16?

    /// - Parameter receiver: of the messages; the one that may answer with cookie replies.
    package init(receiver: PublicKey) {
        jar = CookieJar(peer: receiver)
    }

    /// Makes an initiation or response begin with `type`, a little-endian number.
    package mutating func setType(_ type: UInt32, of message: UnsafeMutableRawBufferPointer, now: Instant) {
        guard let start = message.baseAddress, message.count > 2 * Message.macSize else { return }
        guard UnsafeRawPointer(start).littleEndian32(at: 0) != type else {
            senderMAC1 = nil
            return
        }
        senderMAC1 = Bytes16(loading: start + message.count - 2 * Message.macSize)
        start.storeLittleEndian(type, at: 0)
        jar.stamp(message, now: now)
    }

    /// Wraps the cookie of a reply to the last message for its sender, in place; false when it isn't a reply to that.
    package mutating func translate(
        _ reply: UnsafeMutableRawBufferPointer, now: Instant, random: any RandomSource
    ) -> Bool {
        guard let senderMAC1 else { return true }
        guard let start = reply.baseAddress, reply.count == Message.CookieReply.size,
            jar.accept(UnsafeRawBufferPointer(reply), now: now), let cookie = jar.cookie
        else { return false }
        let nonce = UnsafeMutableRawBufferPointer(
            rebasing: reply[Message.CookieReply.nonce..<Message.CookieReply.encryptedCookie])
        random.fillPublic(nonce)
        cookie.withUnsafeBytes { cookie in
            senderMAC1.withUnsafeBytes { associatedData in
                XChaCha20Poly1305.seal(
                    key: jar.keys.cookie, nonce: UnsafeRawBufferPointer(nonce), cookie, associatedData: associatedData,
                    into: start + Message.CookieReply.encryptedCookie)
            }
        }
        return true
    }
}
