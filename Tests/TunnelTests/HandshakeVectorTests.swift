import NoisePrimitives
import TestKit
import Testing
import Wire

@testable import Tunnel

/// The whole transcript of a handshake with fixed keys, byte for byte. Protocol §3, §5, §7.
@Suite("Handshake vectors")
struct HandshakeVectorTests {
    private typealias Vector = HandshakeVector

    @Test("Two devices write exactly these messages", arguments: HandshakeVector.all)
    func messages(_ vector: HandshakeVector) throws {
        let pair = try VectorPair(vector)
        #expect(pair.initiation == hex(vector.initiation))
        #expect(pair.response == hex(vector.response))
        #expect(pair.keepalive == hex(vector.data[0].message))
    }

    @Test("Data messages are sealed and opened as given", arguments: HandshakeVector.all)
    func data(_ vector: HandshakeVector) throws {
        let pair = try VectorPair(vector)
        let initiator = try #require(pair.initiator.peer(Vector.responderPublic)?.currentKeypair)
        let responder = try #require(pair.responder.peer(Vector.initiatorPublic)?.currentKeypair)
        for message in vector.data {
            let packet = message.packet.bytes
            let padded =
                packet + [UInt8](repeating: 0, count: paddedLength(packet.count, mtu: message.mtu) - packet.count)
            let (sender, receiver) = message.isFromInitiator ? (initiator, responder) : (responder, initiator)
            sender.setCounter(message.counter)
            #expect(sender.reserve(1) == message.counter)
            var slot = [UInt8](repeating: 0, count: 16) + padded + [UInt8](repeating: 0, count: 16)
            slot.withUnsafeMutableBytes {
                sender.seal($0.baseAddress!, length: padded.count, counter: message.counter)
            }
            #expect(slot == hex(message.message))
            let count = slot.count
            let opened = slot.withUnsafeMutableBytes { receiver.open($0.baseAddress!, length: count) }
            #expect(opened == message.counter)
            #expect(Array(slot[16..<count - 16]) == padded)
        }
    }

    @Test("Transport keys", arguments: HandshakeVector.all)
    func transportKeys(_ vector: HandshakeVector) throws {
        let outstanding = try #require(initiate(into: hex(vector.initiation)))
        let result = hex(vector.response).withUnsafeBytes {
            outstanding.finish(
                $0, identity: Identity(Vector.initiatorPrivate), presharedKey: secret(vector.presharedKey))
        }
        let keys = try result.get()
        #expect(keys.sending.bytes.array == hex(vector.initiatorSendingKey))
        #expect(keys.receiving.bytes.array == hex(vector.responderSendingKey))
        #expect(keys.localIndex == 439_041_101)
        #expect(keys.remoteIndex == 1_584_361_601)
        #expect(keys.isInitiator)
    }

    @Test("Every value on the way", arguments: HandshakeVector.all)
    func trace(_ vector: HandshakeVector) throws {
        var computed: [String: [UInt8]] = [:]
        var noise = NoiseState(responder: Vector.responderPublic)
        func note(hash: String? = nil, chainingKey: String? = nil) {
            if let hash { computed["h:" + hash] = noise.hash.array }
            if let chainingKey { computed["ck:" + chainingKey] = noise.chainingKey.array }
        }
        func shared(_ name: String, _ privateKey: Secret32, _ publicKey: PublicKey) throws -> Secret32 {
            let secret = try #require(X25519.sharedSecret(privateKey, publicKey.bytes))
            computed["dh:" + name] = secret.bytes.array
            return secret
        }
        let message = hex(vector.initiation)
        note(hash: "responder_static")
        noise.mixEphemeral(Vector.initiatorEphemeralPublic.bytes)
        note(hash: "e", chainingKey: "e")
        let es = noise.mixSecretForKey(try shared("es", Vector.responderPrivate, Vector.initiatorEphemeralPublic))
        computed["k:es"] = es.array
        note(chainingKey: "es")
        message[40..<88].withUnsafeBytes { noise.mix($0) }
        note(hash: "enc_static")
        let ss = noise.mixSecretForKey(try shared("ss", Vector.responderPrivate, Vector.initiatorPublic))
        computed["k:ss"] = ss.array
        note(chainingKey: "ss")
        message[88..<116].withUnsafeBytes { noise.mix($0) }
        note(hash: "enc_timestamp")
        noise.mixEphemeral(Vector.responderEphemeralPublic.bytes)
        note(hash: "resp_e", chainingKey: "resp_e")
        noise.mixSecret(try shared("ee", secret(Vector.responderEphemeral), Vector.initiatorEphemeralPublic))
        note(chainingKey: "ee")
        noise.mixSecret(try shared("se", secret(Vector.responderEphemeral), Vector.initiatorPublic))
        note(chainingKey: "se")
        computed["k:psk"] = noise.mixPresharedKey(secret(vector.presharedKey)).array
        note(hash: "tau", chainingKey: "psk")
        hex(vector.response)[44..<60].withUnsafeBytes { noise.mix($0) }
        note(hash: "enc_empty")
        let (first, second) = noise.transportKeys()
        computed["key:initiator_to_responder"] = first.bytes.array
        computed["key:responder_to_initiator"] = second.bytes.array

        let expected = Dictionary(uniqueKeysWithValues: vector.trace.map { ($0.name, hex($0.value)) })
        #expect(computed.count == 23)
        for (name, value) in computed { #expect(expected[name] == value, "\(name)") }
    }

    @Test func keysOfMACs() {
        #expect(MACKeys(of: Vector.responderPublic).mac1.array == hex(Vector.mac1KeyForResponder))
        #expect(MACKeys(of: Vector.responderPublic).cookie.array == hex(Vector.cookieKeyForResponder))
        #expect(MACKeys(of: Vector.initiatorPublic).mac1.array == hex(Vector.mac1KeyForInitiator))
    }

    @Test(
        "A device under load answers with this cookie reply, and the next MAC2 is this", arguments: HandshakeVector.all)
    func cookie(_ vector: HandshakeVector) throws {
        let pair = try VectorPair(vector, stopsAfterInitiation: true)
        let responder = VectorPair.host(
            Vector.responderPrivate, Vector.responderEndpoint,
            ScriptedRandom(Vector.cookieSecret, Vector.cookieNonce), now: VectorPair.now)
        responder.waitingHandshakes = 1000
        responder.receive(pair.datagram(pair.initiation), now: VectorPair.now)
        let reply = try #require(responder.takeOutbox().first)
        #expect(reply.payload == hex(vector.cookieReply))
        #expect(reply.destination == Vector.initiatorEndpoint)

        // The cookie is stamped on a message whose first MAC stays as it was.
        var jar = CookieJar(peer: Vector.responderPublic)
        var message = hex(vector.initiation)
        message.withUnsafeMutableBytes { jar.stamp($0, now: VectorPair.now.instant) }
        #expect(message == hex(vector.initiation))
        #expect(reply.payload.withUnsafeBytes { jar.accept($0, now: VectorPair.now.instant) })
        message.withUnsafeMutableBytes { jar.stamp($0, now: VectorPair.now.instant) }
        #expect(message == hex(vector.initiationWithMAC2))
    }

    @Test(
        "Cookies cover the address and the port",
        arguments: [
            (HandshakeVector.initiatorEndpoint, HandshakeVector.cookie),
            (HandshakeVector.initiatorEndpoint6, HandshakeVector.cookie6),
        ])
    func cookieOfAddress(_ endpoint: Endpoint, _ cookie: String) {
        var checker = CookieChecker(own: Vector.responderPublic)
        let message = hex(HandshakeVector.withoutPresharedKey.initiation)
        let random = ScriptedRandom(Vector.cookieSecret, Vector.cookieNonce)
        let reply = message.withUnsafeBytes {
            checker.reply(to: $0, from: endpoint, now: VectorPair.now.instant, random: random)
        }
        var opened = [UInt8](repeating: 0, count: 16)
        let isAuthentic = reply.withUnsafeBytes { reply in
            message[116..<132].withUnsafeBytes { mac1 in
                opened.withUnsafeMutableBytes {
                    XChaCha20Poly1305.open(
                        key: Bytes32(hex(Vector.cookieKeyForResponder))!, nonce: slice(reply, 8, 24),
                        slice(reply, 32, 32), associatedData: mac1, into: $0.baseAddress!)
                }
            }
        }
        #expect(isAuthentic)
        #expect(opened == hex(cookie))
    }

    private func initiate(into expected: [UInt8]) -> OutstandingInitiation? {
        let identity = Identity(Vector.initiatorPrivate)
        guard let shared = X25519.sharedSecret(Vector.initiatorPrivate, Vector.responderPublic.bytes) else {
            return nil
        }
        var message = [UInt8](repeating: 0, count: 148)
        let outstanding = message.withUnsafeMutableBytes {
            OutstandingInitiation(
                identity: identity, peer: Vector.responderPublic, staticShared: shared,
                ephemeral: secret(Vector.initiatorEphemeral), localIndex: 439_041_101,
                timestamp: TAI64N(Vector.time), into: $0.baseAddress!)
        }
        #expect(message[..<116] == expected[..<116])
        return outstanding
    }
}

/// Two devices with the keys and the randomness of a vector, after their handshake.
private struct VectorPair {
    static let now = Moment(instant: Instant(nanoseconds: 1 << 40), wall: HandshakeVector.time)

    let initiator: SimulatedHost
    let responder: SimulatedHost
    private(set) var initiation: [UInt8] = []
    private(set) var response: [UInt8] = []
    /// What the initiator sends on the new session at once, the packet that it has not.
    private(set) var keepalive: [UInt8] = []

    init(_ vector: HandshakeVector, stopsAfterInitiation: Bool = false) throws {
        let now = Self.now
        initiator = Self.host(
            HandshakeVector.initiatorPrivate, HandshakeVector.initiatorEndpoint,
            ScriptedRandom(HandshakeVector.initiatorIndex, HandshakeVector.initiatorEphemeral), now: now)
        responder = Self.host(
            HandshakeVector.responderPrivate, HandshakeVector.responderEndpoint,
            ScriptedRandom(HandshakeVector.responderIndex, HandshakeVector.responderEphemeral), now: now)
        responder.perform(now: now) { device in
            device.apply(HandshakeVector.initiatorPublic, now: now) { $0.presharedKey = secret(vector.presharedKey) }
        }
        // Persistent keepalive starts the handshake without a packet.
        initiator.perform(now: now) { device in
            device.apply(HandshakeVector.responderPublic, now: now) { peer in
                peer.presharedKey = secret(vector.presharedKey)
                peer.endpoint = HandshakeVector.responderEndpoint
                peer.persistentKeepalive = 25
            }
        }
        initiator.handleTimeout(now: now)
        initiation = try #require(initiator.takeOutbox().first).payload
        if stopsAfterInitiation { return }
        responder.receive(datagram(initiation), now: now)
        response = try #require(responder.takeOutbox().first).payload
        initiator.receive(
            Datagram(
                source: HandshakeVector.responderEndpoint, destination: HandshakeVector.initiatorEndpoint,
                payload: response),
            now: now)
        keepalive = try #require(initiator.takeOutbox().first).payload
        responder.receive(datagram(keepalive), now: now)
    }

    func datagram(_ payload: [UInt8]) -> Datagram {
        Datagram(
            source: HandshakeVector.initiatorEndpoint, destination: HandshakeVector.responderEndpoint, payload: payload)
    }

    static func host(
        _ privateKey: Secret32, _ endpoint: Endpoint, _ random: any RandomSource, now: Moment
    ) -> SimulatedHost {
        SimulatedHost(privateKey: privateKey, endpoint: endpoint, random: random, now: now)
    }
}
