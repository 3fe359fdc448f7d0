import NoisePrimitives
import Synchronization
import TestKit
import Wire

@testable import Tunnel

/// A host under attack and two peers that it trusts: a friend, which runs the protocol as it should, and a rogue, whose
/// keys the fuzzer holds.
///
/// Packets from the lower half of both address families are the friend's, the others the rogue's.
final class World {
    let random = SeededRandom(seed: 0x6e69_6768_746a_6172)
    let host: SimulatedHost
    let friend: SimulatedHost
    let rogue: Identity
    let rogueEndpoint = Endpoint(.v4(IPv4Address(0xcb00_7109)), port: 51820)
    private(set) var clock = SimulatedClock()

    init() {
        rogue = Identity(random.secret())
        host = SimulatedHost(
            privateKey: random.secret(), endpoint: Endpoint(.v4(IPv4Address(0xc000_0201)), port: 51820),
            random: random, now: clock.now)
        friend = SimulatedHost(
            privateKey: random.secret(), endpoint: Endpoint(.v4(IPv4Address(0xc633_6402)), port: 51820),
            random: random, now: clock.now)
        let halves = (
            Self.prefix("0.0.0.0/1"), Self.prefix("128.0.0.0/1"), Self.prefix("::/1"), Self.prefix("8000::/1")
        )
        add(friend.publicKey, to: host, at: nil, [halves.0, halves.2])
        add(rogue.publicKey, to: host, at: rogueEndpoint, [halves.1, halves.3])
        add(host.publicKey, to: friend, at: host.endpoint, [halves.0, halves.1, halves.2, halves.3])
    }

    var now: Moment { clock.now }

    /// The host's view of the rogue.
    var roguePeer: Peer { host.peer(rogue.publicKey).unsafelyUnwrapped }

    /// Lets time pass, `amount` from none at all to longer than a session lasts, and does what is due then.
    func pass(_ amount: UInt8) {
        let milliseconds: UInt64 =
            switch amount {
            case 0..<200: UInt64(amount)
            case 200..<245: UInt64(amount - 199) * 100
            default: UInt64(amount - 244) * 20_000
            }
        advance(by: .milliseconds(milliseconds))
    }

    func advance(by span: Instant.Span) {
        clock.advance(to: clock.instant + span)
        if let deadline = host.device.nextDeadline, deadline <= clock.instant { host.handleTimeout(now: now) }
    }

    /// The friend's side of a session that the host has as well; there always can be one.
    func friendlySession() -> Keypair {
        for _ in 0..<2 {
            if let keypair = friend.peer(host.publicKey)?.sendGrant(at: now.instant)?.keypair,
                let other = host.shared.indices.session(keypair.remoteIndex), other.canReceive(at: now.instant)
            {
                return keypair
            }
            meet()
        }
        fatalError("The friend can't get a session.")
    }

    /// Lets the friend and the host shake hands.
    private func meet() {
        // Long enough for a new initiation, and for the host to have no more load.
        advance(by: .seconds(6))
        host.waitingHandshakes = 0
        _ = host.takeOutbox()
        _ = friend.takeOutbox()
        friend.perform(now: now) { device in
            // The host has just taken a key that the friend uses.
            if let peer = device.peers[host.publicKey] { device.sendInitiation(to: peer, isRetry: false, now: now) }
        }
        for _ in 0..<4 {
            for datagram in friend.takeOutbox() { host.receive(datagram, now: now) }
            for datagram in host.takeOutbox() { friend.receive(datagram, now: now) }
        }
        friend.forget()
    }

    /// Throws away what the host sent and reported, and makes sure that nothing grew.
    func settle() {
        _ = host.takeOutbox()
        _ = friend.takeOutbox()
        require(host.events.count <= 1024, "events are bounded")
        host.forget()
        friend.forget()
        require(host.device.peers.count == 2, "nobody becomes a peer")
        require(host.shared.indices.count <= 8, "a peer has three sessions and one handshake at most")
        require(host.device.timers.count <= 2 * 2 + 65, "timers are bounded")
        require(host.device.rateLimiter.count <= 16_384, "remembered sources are bounded")
    }

    /// UDP payload bytes that the host took from its peers.
    var acceptedBytes: UInt64 {
        host.device.peers.values.reduce(0) { $0 + $1.receivedBytes.load(ordering: .relaxed) }
    }

    /// Makes the host forget all that the rogue ever did.
    func renewRogue() {
        host.perform(now: now) { device in
            var change = DeviceChange()
            var peer = PeerChange(rogue.publicKey)
            peer.removes = true
            change.peers = [peer]
            device.apply(change, now: now)
        }
        add(rogue.publicKey, to: host, at: rogueEndpoint, [Self.prefix("128.0.0.0/1"), Self.prefix("8000::/1")])
    }

    private func add(_ key: PublicKey, to host: SimulatedHost, at endpoint: Endpoint?, _ prefixes: [Prefix]) {
        var peer = PeerChange(key)
        peer.endpoint = endpoint
        peer.allowedIPs = prefixes.map { .add($0) }
        var change = DeviceChange()
        change.peers = [peer]
        host.perform(now: now) { $0.apply(change, now: now) }
    }

    private static func prefix(_ text: String) -> Prefix {
        guard let prefix = Prefix(text) else { fatalError("\(text) is a prefix") }
        return prefix
    }

    /// Where a datagram comes from, for a byte of input.
    static func endpoint(_ selector: UInt8) -> Endpoint {
        let port = UInt16(selector) << 3 | 1
        return selector & 1 == 0
            ? Endpoint(.v4(IPv4Address(0xcb00_7100 | UInt32(selector))), port: port)
            : Endpoint(.v6(IPv6Address(high: 0x2001_0db8_0000_0000, low: UInt64(selector))), port: port)
    }
}
