package import NoisePrimitives
import Synchronization
package import Wire

/// A WireGuard device without its sockets: handshakes, sessions, timers and peers. Protocol §3–§11.
///
/// It opens no socket, reads no clock and starts no thread: what happens and when is passed in, what to send and to
/// report is taken out, with ``pollTransmit()`` and ``pollEvent()`` after every call, and ``nextDeadline`` says when to
/// call ``handleTimeout(now:)``; a call before that is harmless. All methods belong to one thread, the control thread.
/// Data packets don't come here: lanes find peers and sessions through ``shared``.
package final class Device {
    /// What the lanes use.
    package let shared: DeviceShared
    /// Nil without a private key: there are then no handshakes either way.
    package internal(set) var identity: Identity?
    /// The peers by their keys.
    package internal(set) var peers: [PublicKey: Peer] = [:]

    /// Whether a party that came as WireGuard has it may be told that this device is under load.
    package var answersUnderLoad = true
    /// The last initiation from a key that no peer has.
    package internal(set) var stranger: Stranger?
    /// The last handshake message that was made for another public key than the device's.
    package internal(set) var misdirected: Sighting?

    /// Where something came from and when.
    package struct Sighting: Sendable {
        package let endpoint: Endpoint
        package let at: Instant
    }

    /// Somebody who uses a key that no peer has. That the key is theirs isn't proven.
    package struct Stranger: Sendable {
        package let publicKey: PublicKey
        package let sighting: Sighting
    }

    /// What was said about the disguise of the interface, its peers' default.
    package internal(set) var obfuscation = ObfuscationSettings()

    let random: any RandomSource
    var cookies: CookieChecker?
    var rateLimiter = RateLimiter()
    var underLoadUntil: Instant?
    var timers = TimerQueue()
    /// Peers that raised a signal and wait to be served.
    private var signalled = FIFO<Peer>()
    var nextPeerNumber: UInt64 = 0
    var nextAllowedIPNumber: UInt64 = 0
    var transmits = FIFO<Transmit>()
    var events = FIFO<Event>()

    /// A device that is down, without key and peers.
    package init(shared: DeviceShared, random: any RandomSource) {
        self.shared = shared
        self.random = random
    }

    /// Ends everything, keys first. What lanes share refers to the peers and they to it, so neither would go by itself.
    deinit {
        for peer in peers.values { remove(peer) }
        _ = shared.signals.take()
    }

    /// The next datagram to send, oldest first.
    package func pollTransmit() -> Transmit? { transmits.popFirst() }

    /// The next thing worth reporting, oldest first.
    package func pollEvent() -> Event? { events.popFirst() }

    /// When ``handleTimeout(now:)`` has something to do, which may have been before now; nil while no timer runs.
    package var nextDeadline: Instant? { timers.first?.deadline }

    /// Whether the handshake queue was long a moment ago, so that senders must prove their address. Protocol §5.
    package func isUnderLoad(at now: Instant) -> Bool {
        underLoadUntil.map { now < $0 } ?? false
    }

    /// The interface came up: peers may start. Peers with persistent keepalive get one at once.
    package func up(now: Moment) {
        guard !shared.isUp else { return }
        shared.isUp = true
        for peer in peersInOrder { start(peer, now: now) }
    }

    /// The interface went down: sessions, timers and waiting packets go.
    package func down() {
        guard shared.isUp else { return }
        shared.isUp = false
        for peer in peers.values { stop(peer, countingAs: .interfaceDown) }
    }

    /// Looks at what lanes have raised. When that is for more than ``Limits/peersPerTurn`` peers, it has itself called
    /// again for the rest.
    package func handleSignals(now: Moment) {
        for peer in shared.signals.take() { signalled.append(peer) }
        for _ in 0..<Limits.peersPerTurn {
            guard let peer = signalled.popFirst() else { return }
            let signals = shared.signals.signals(of: peer)
            guard peers[peer.publicKey] === peer else { continue }
            if signals.contains(.allowanceUsed) { endAllowance(of: peer) }
            guard !peer.isSuspended else { continue }
            if signals.contains(.sessionConfirmed) { completeHandshake(of: peer, now: now) }
            if signals.contains(.roamed) { reportRoaming(of: peer) }
            if signals.contains(.initiationWanted) { sendInitiation(to: peer, isRetry: false, now: now) }
            reschedule(peer)
        }
        if !signalled.isEmpty { shared.signals.wakeAgain() }
    }

    /// A datagram of at most one packet's size to be sent by the control thread.
    package struct Transmit: Sendable {
        package let kind: Message.Kind
        /// The UDP payload, before it is disguised.
        package let bytes: [UInt8]
        /// Where it goes.
        package let endpoint: Endpoint
        /// The local address to send from; nil leaves the choice to the routing table.
        package let source: SourceAddress?
        /// The outer traffic class (DSCP and ECN).
        package let trafficClass: UInt8
        /// Nil for a cookie reply, which goes to whoever asked.
        package let peer: Peer?
        /// What it has to go through; nil: it goes as it is.
        package let disguise: (any Disguise)?

        package init(
            _ kind: Message.Kind, bytes: [UInt8], endpoint: Endpoint, source: SourceAddress?, trafficClass: UInt8,
            peer: Peer?, disguise: (any Disguise)? = nil
        ) {
            self.kind = kind
            self.bytes = bytes
            self.endpoint = endpoint
            self.source = source
            self.trafficClass = trafficClass
            self.peer = peer
            self.disguise = disguise
        }
    }

    /// Something that a log tells. Secrets are never part of it.
    package enum Event: Sendable {
        case initiationSent(PublicKey, Endpoint, attempt: Int)
        /// Initiations that nothing has answered, and since when. It is told after a few of them, and now and then from there on.
        case silent(PublicKey, Endpoint, initiations: UInt64, for: Instant.Span)
        case handshakeCompleted(PublicKey, Endpoint, asInitiator: Bool, HandshakeOccasion = .renewal)
        /// The peer goes on calling: it hasn't used the session of any answer to so many initiations.
        case unconfirmed(PublicKey, Endpoint, initiations: UInt64)
        case handshakeRefused(DropReason, from: Endpoint, PublicKey?)
        /// A message of a peer came in a dialect that it isn't spoken to in.
        case wrongDialect(PublicKey, from: Endpoint, dialect: Int)
        case initiationImpossible(PublicKey, DropReason)
        case gaveUp(PublicKey, Endpoint?, attempts: Int, droppedPackets: Int)
        case keysErased(PublicKey)
        case keepaliveSent(PublicKey)
        case roamed(PublicKey, Endpoint, from: Endpoint)
        /// A peer has used all that it was granted, and isn't served any more.
        case allowanceUsed(PublicKey)
        case underLoad
    }

    /// A peer's first endpoint is told with its first handshake, and a new one with a handshake only once.
    private func reportRoaming(of peer: Peer) {
        guard let endpoint = peer.endpoint, let former = peer.handshake.history.toldEndpoint, endpoint != former
        else { return }
        peer.handshake.history.toldEndpoint = endpoint
        report(.roamed(peer.publicKey, endpoint, from: former))
    }

    func report(_ event: Event) {
        events.append(event, limit: 1024)
    }

    /// In the order of their creation.
    package var peersInOrder: [Peer] {
        peers.values.sorted { $0.number < $1.number }
    }
}
