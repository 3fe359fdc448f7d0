import NoisePrimitives
import TestKit
import Wire

@testable import Tunnel

/// Handshake messages of a peer that keeps to the protocol as far as it must to be heard.
final class RogueMessages {
    private let world: World
    private let host: PublicKey
    private let ephemeral: Secret32
    private let staticShared: Secret32
    private var jar: CookieJar

    init(_ world: World) {
        self.world = world
        host = world.host.publicKey
        ephemeral = Secret32(X25519.clamp(world.random.bytes32()))
        guard let shared = X25519.sharedSecret(world.rogue.privateKey, host.bytes) else {
            fatalError("The host's key is a sound one.")
        }
        staticShared = shared
        jar = CookieJar(peer: host)
    }

    /// An initiation, without its MACs, that names `claimed` as its sender; the current time unless there is a timestamp.
    func initiation(claiming claimed: Bytes32, sender: UInt32, timestamp: [UInt8]?) -> [UInt8] {
        let message = ExactBuffer(count: Message.Initiation.size)
        let label = ExactBuffer(count: TAI64N.size)
        if let timestamp {
            label.bytes.copyBytes(from: timestamp)
        } else {
            TAI64N(world.now.wall).store(to: label.start)
        }
        message.start.storeLittleEndian(Message.Kind.initiation.rawValue, at: 0)
        message.start.storeLittleEndian(sender, at: Message.Initiation.sender)
        let ephemeralPublic = X25519.publicKey(of: ephemeral)
        ephemeralPublic.bytes.store(to: message.start + Message.Initiation.ephemeral)
        var noise = NoiseState(responder: host)
        noise.mixEphemeral(ephemeralPublic.bytes)
        guard let shared = X25519.sharedSecret(ephemeral, host.bytes) else {
            fatalError("The host's key is a sound one.")
        }
        var key = noise.mixSecretForKey(shared)
        claimed.withUnsafeBytes { noise.seal($0, key: key, into: message.start + Message.Initiation.encryptedStatic) }
        key = noise.mixSecretForKey(staticShared)
        noise.seal(label.readable, key: key, into: message.start + Message.Initiation.encryptedTimestamp)
        return Array(message.bytes)
    }

    /// A response, without its MACs, that makes a session; nil when the initiation isn't for the rogue.
    func response(to initiation: [UInt8], sender: UInt32) -> [UInt8]? {
        initiation.withUnsafeBytes { bytes in
            guard case .success(var received) = ReceivedInitiation.open(bytes, identity: world.rogue),
                received.openTimestamp(bytes, staticShared: staticShared) != nil
            else { return nil }
            let message = ExactBuffer(count: Message.Response.size)
            let keys = received.respond(
                presharedKey: .zero, ephemeral: ephemeral, localIndex: sender, into: message.start)
            return keys == nil ? nil : Array(message.bytes)
        }
    }

    func cookieReply(to initiation: [UInt8]) -> [UInt8] {
        var checker = CookieChecker(own: world.rogue.publicKey)
        return initiation.withUnsafeBytes {
            checker.reply(to: $0, from: world.host.endpoint, now: world.now.instant, random: world.random)
        }
    }

    /// Makes both MACs right; the second one once the host has given a cookie.
    func stamp(_ message: inout [UInt8]) {
        guard message.count == Message.Initiation.size || message.count == Message.Response.size else { return }
        message.withUnsafeMutableBytes { jar.stamp($0, now: world.now.instant) }
    }

    /// Keeps the cookie in a reply of the host's.
    func take(_ reply: [UInt8]) {
        _ = reply.withUnsafeBytes { jar.accept($0, now: world.now.instant) }
    }
}
