import NoisePrimitives
package import Synchronization
package import Wire

/// One remote party: its sessions, endpoint, timers and counters.
///
/// Lanes use the parts that are atomic or locked. The rest is in ``handshake``, which belongs to the control
/// thread alone.
package final class Peer: @unchecked Sendable {
    /// Who it is.
    package let publicKey: PublicKey
    /// Peers are listed by this number, lowest first.
    let number: UInt64
    let shared: DeviceShared

    /// UDP payload bytes sent to the peer.
    package let transmittedBytes = Atomic<UInt64>(0)
    /// UDP payload bytes of accepted messages from the peer.
    package let receivedBytes = Atomic<UInt64>(0)
    /// What both may come to together before the peer is suspended.
    let allowance = Atomic<UInt64>(.max)

    /// When an authenticated packet with content was last sent to the peer, in nanoseconds; 0: never.
    package let lastDataSent = Atomic<UInt64>(0)
    /// When one was last received from it.
    package let lastDataReceived = Atomic<UInt64>(0)
    /// When anything else that authenticated last came from it.
    package let lastHeard = Atomic<UInt64>(0)
    /// Packets from it whose source isn't among its allowed IPs, and the last such source.
    package let foreignSources = Mutex<(count: UInt64, last: IPAddress?)>((0, nil))

    /// Which of the device's dialects its messages come in.
    package let dialect = Atomic<Int>(plainDialect)

    let path = Mutex(Path())
    let timers = PeerTimers()
    let pendingSignals = Atomic<UInt32>(0)

    // Safe: only the control thread, which runs every method of Device, reads or writes it.
    nonisolated(unsafe) var handshake: PeerHandshake

    /// Where packets go and under which session: read and changed by every thread, under its lock.
    struct Path: ~Copyable {
        var previous: Keypair?
        var current: Keypair?
        /// A session that we answered for and that no packet has come on yet.
        var next: Keypair?
        var endpoint: Endpoint?
        /// The local address that the peer last wrote to, from which it is answered.
        var source: SourceAddress?
        /// How messages to the peer look; nil for WireGuard's own form.
        var disguise: (any Disguise)?
        var staged = StagedPackets()
        var isRunning = false
        /// Whether nothing is sent to it nor taken from it for now, although it is configured.
        var isSuspended = false
    }

    init(_ publicKey: PublicKey, number: UInt64, shared: DeviceShared) {
        self.publicKey = publicKey
        self.number = number
        self.shared = shared
        handshake = PeerHandshake(peer: publicKey)
    }

    /// What was said about its disguise. For the control thread alone, as the next.
    package var obfuscation: ObfuscationSettings { handshake.obfuscation }

    /// What became of its handshakes.
    package var history: PeerHistory { handshake.history }

    /// What people call it, and how long it may be used.
    package var annotation: PeerAnnotation { handshake.annotation }

    /// Whether its endpoint was configured, not learned from what it sent.
    package var isEndpointConfigured: Bool { handshake.isEndpointConfigured }

    /// UDP payload bytes in both directions.
    package var transferredBytes: UInt64 {
        transmittedBytes.load(ordering: .relaxed) &+ receivedBytes.load(ordering: .relaxed)
    }

    /// Whether it is configured, but not served for now.
    package var isSuspended: Bool { path.withLock { $0.isSuspended } }

    /// Where it was configured to be or last wrote from.
    package var endpoint: Endpoint? { path.withLock { $0.endpoint } }

    /// Forgets the local address that packets are sent from, so that routing chooses it anew. Protocol §11.
    package func forgetSource() {
        path.withLock { $0.source = nil }
    }

    /// Forgets the local address if it is still `source`.
    package func forgetSource(_ source: SourceAddress) {
        path.withLock { if $0.source == source { $0.source = nil } }
    }

    /// The endpoint and the local address in use, for checking them against the routing table.
    package var stickyRoute: (endpoint: Endpoint, source: SourceAddress)? {
        path.withLock { path in
            guard let endpoint = path.endpoint, let source = path.source else { return nil }
            return (endpoint, source)
        }
    }
}

/// The part of a peer that only the control thread uses.
struct PeerHandshake {
    /// The shared secret of both static keys once a handshake has needed it; see ``sharedSecret(with:peer:)``.
    private(set) var staticShared: Secret32?
    var presharedKey = Secret32.zero
    var cookies: CookieJar
    var outstanding: OutstandingInitiation?
    /// When that was sent.
    var outstandingSince: Instant?
    /// The newest timestamp accepted from the peer.
    var lastTimestamp: TAI64N?
    var lastInitiationAccepted: Instant?
    var lastCompleted: WallTime?
    /// The timestamp of the last initiation sent to the peer.
    var lastTimestampSent: TAI64N?
    /// How many retries follow the last fresh initiation when nothing answers.
    var maximumRetries: UInt32 = 0
    var retransmitAt: Instant?
    var eraseKeysAt: Instant?
    /// When the keepalive is due that persistent keepalive begins with.
    var firstKeepaliveAt: Instant?
    /// When the timer queue will look at this peer.
    var scheduledAt: Instant?
    /// Seconds; from the first to the second, if there is one.
    var persistentKeepalive: UInt16 = 0
    var persistentKeepaliveMaximum: UInt16?
    /// Whether the interval until the persistent keepalive isn't always the same.
    var drawsPersistentInterval: Bool {
        let share = timing.persistentKeepaliveShare
        return persistentKeepaliveMaximum != nil || share.lowerBound < share.upperBound
    }
    /// The traversal since which the interval until the persistent keepalive was drawn, as its timer has it.
    var persistentDrawnFor: UInt64 = 0
    /// When keys are renewed, handshakes repeated and keepalives sent.
    var timing = Timing.standard
    /// What was said about the peer's disguise.
    var obfuscation = ObfuscationSettings()
    /// Whether the endpoint was configured, not learned: then the peer is one that is called.
    var isEndpointConfigured = false
    var annotation = PeerAnnotation()
    var history = PeerHistory()
    /// Each prefix with its place in the order of insertion.
    var allowedIPs: [Prefix: UInt64] = [:]

    init(peer: PublicKey) {
        cookies = CookieJar(peer: peer)
    }

    /// The shared secret of both static keys; nil when the peer's is a low-order point. It is computed once, at the
    /// first handshake: a device that gets thousands of peers would else stand still for seconds.
    mutating func sharedSecret(with identity: Identity, peer: PublicKey) -> Secret32? {
        if staticShared == nil { staticShared = X25519.sharedSecret(identity.privateKey, peer.bytes) }
        return staticShared
    }

    /// Forgets ``staticShared``, as a change of the own key asks for.
    mutating func forgetSharedSecret() {
        staticShared = nil
    }
}

/// Packets that wait for a session: a ring of at most ``Limits/stagedPackets``, the oldest going first.
struct StagedPackets {
    private var packets: [[UInt8]] = []
    private var oldest = 0

    var count: Int { packets.count }

    /// Adds a packet; true when the oldest was dropped for it.
    mutating func append(_ packet: UnsafeRawBufferPointer) -> Bool {
        if packets.count < Limits.stagedPackets {
            packets.append(Array(packet))
            return false
        }
        packets[oldest] = Array(packet)
        oldest = (oldest + 1) % packets.count
        return true
    }

    /// Takes all packets in the order in which they came.
    mutating func takeAll() -> [[UInt8]] {
        let all = Array(packets[oldest...]) + Array(packets[..<oldest])
        packets = []
        oldest = 0
        return all
    }
}
