import NoisePrimitives
import Synchronization
import TestKit
import Testing
import Wire

@testable import Tunnel

/// The bytes of hexadecimal text; white space in it is skipped.
func hex(_ text: String) -> [UInt8] {
    let digits = text.filter { !$0.isWhitespace }.map { UInt8($0.hexDigitValue!) }
    return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
}

func secret(_ text: String) -> Secret32 { Secret32(Bytes32(hex(text))!) }
func key(_ text: String) -> PublicKey { PublicKey(Bytes32(hex(text))!) }
func address(_ text: String) -> IPAddress { IPAddress(text)! }
func prefix(_ text: String) -> Prefix { Prefix(text)! }
func endpoint(_ text: String, _ port: UInt16) -> Endpoint { Endpoint(address(text), port: port) }

func seconds(_ count: Double) -> Instant.Span { Instant.Span(nanoseconds: UInt64(count * 1e9)) }

extension Instant {
    /// Seconds since `earlier`.
    func seconds(since earlier: Instant) -> Double { Double(since(earlier).nanoseconds) / 1e9 }
}

extension Device {
    /// Changes the peer with this key, creating it when it doesn't exist.
    func apply(_ publicKey: PublicKey, now: Moment, _ body: (inout PeerChange) -> Void) {
        var peer = PeerChange(publicKey)
        body(&peer)
        var change = DeviceChange()
        change.peers = [peer]
        apply(change, now: now)
    }
}

extension Peer {
    /// The indices of the sessions in each slot.
    var slots: (previous: UInt32?, current: UInt32?, next: UInt32?) {
        path.withLock { ($0.previous?.localIndex, $0.current?.localIndex, $0.next?.localIndex) }
    }

    var currentKeypair: Keypair? { path.withLock { $0.current } }
    var stagedCount: Int { path.withLock { $0.staged.count } }
}

/// Two hosts that are each other's only peer, alice at 192.0.2.1 with 10.0.0.1 inside and bob at 192.0.2.2 with
/// 10.0.0.2.
struct Pair {
    let network: SimulatedNetwork
    let alice: SimulatedHost
    let bob: SimulatedHost

    init(
        seed: UInt64 = 1, mtu: Int = 1420, alicePresharedKey: Secret32 = .zero, bobPresharedKey: Secret32? = nil,
        bobKnowsAlice: Bool = true
    ) {
        network = SimulatedNetwork(seed: seed)
        let random = SeededRandom(seed: seed &* 1000)
        alice = SimulatedHost(
            privateKey: random.secret(), endpoint: endpoint("192.0.2.1", 1111), mtu: mtu,
            random: SeededRandom(seed: seed &* 1000 + 1), now: network.now)
        bob = SimulatedHost(
            privateKey: random.secret(), endpoint: endpoint("192.0.2.2", 2222), mtu: mtu,
            random: SeededRandom(seed: seed &* 1000 + 2), now: network.now)
        network.attach(alice)
        network.attach(bob)
        connect(alice, to: bob, "10.0.0.2/32", presharedKey: alicePresharedKey, knowsEndpoint: true)
        connect(
            bob, to: alice, "10.0.0.1/32", presharedKey: bobPresharedKey ?? alicePresharedKey,
            knowsEndpoint: bobKnowsAlice)
    }

    private func connect(
        _ host: SimulatedHost, to other: SimulatedHost, _ allowedIP: String, presharedKey: Secret32, knowsEndpoint: Bool
    ) {
        change(host, peer: other) { peer in
            peer.presharedKey = presharedKey
            peer.allowedIPs = [.add(prefix(allowedIP))]
            if knowsEndpoint { peer.endpoint = other.endpoint }
        }
    }

    /// What alice knows of bob.
    var bobAtAlice: Peer { alice.peer(bob.publicKey)! }
    /// What bob knows of alice.
    var aliceAtBob: Peer { bob.peer(alice.publicKey)! }
    var seen: Eavesdropper { network.eavesdropper }

    func change(_ host: SimulatedHost, peer: SimulatedHost, _ body: (inout PeerChange) -> Void) {
        network.change(host) { $0.apply(peer.publicKey, now: network.now, body) }
    }

    /// A packet from alice's address to bob's.
    static func request(_ length: Int = 84, filling: String = "nightjar") -> [UInt8] {
        SamplePacket.udp(
            from: address("10.0.0.1"), to: address("10.0.0.2"), length: length, filling: Array(filling.utf8))
    }

    /// A packet from bob's address to alice's.
    static func answer(_ length: Int = 84, filling: String = "nightjar") -> [UInt8] {
        SamplePacket.udp(
            from: address("10.0.0.2"), to: address("10.0.0.1"), length: length, filling: Array(filling.utf8))
    }

    func sendFromAlice(_ length: Int = 84, filling: String = "nightjar") {
        network.send(Self.request(length, filling: filling), from: alice)
    }

    func sendFromBob(_ length: Int = 84, filling: String = "nightjar") {
        network.send(Self.answer(length, filling: filling), from: bob)
    }

    func run(_ count: Double) { network.run(for: seconds(count)) }

    /// Makes a session with alice as its initiator, without data and so without timers, and forgets how it came about.
    func establish() {
        network.change(alice) { $0.sendKeepalive(to: bobAtAlice, now: network.now) }
        run(1)
        forget()
    }

    func forget() {
        seen.forget()
        alice.forget()
        bob.forget()
    }

    /// Bytes on the wire from `sender`, by the kind of message.
    func count(_ kind: Message.Kind, from sender: SimulatedHost) -> Int {
        seen.all(kind, from: sender.endpoint).count
    }
}

/// Answers draws with what was prepared for their length, then always the same.
final class ScriptedRandom: RandomSource {
    private var answers: [Int: [[UInt8]]]

    /// - Parameter hexadecimal: answers, each for a draw of its length.
    init(_ hexadecimal: String...) {
        answers = Dictionary(grouping: hexadecimal.map(hex), by: \.count)
    }

    func fill(_ bytes: UnsafeMutableRawBufferPointer) {
        guard let waiting = answers[bytes.count], !waiting.isEmpty else {
            bytes.initializeMemory(as: UInt8.self, repeating: 0x40)
            return
        }
        bytes.copyBytes(from: waiting[0])
        answers[bytes.count]!.removeFirst()
    }
}
