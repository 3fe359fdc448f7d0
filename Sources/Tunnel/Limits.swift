/// The protocol's constants. Protocol §8.
package enum Limits {
    /// The counter above which a session is renewed.
    package static let rekeyAfterMessages: UInt64 = 1 << 60
    /// The first counter that is neither sent nor accepted.
    package static let rejectAfterMessages: UInt64 = .max - (1 << 13)
    /// The age above which the initiator renews a session that it sends on.
    package static let rekeyAfterTime = Instant.Span.seconds(120)
    /// The age from which on a session is neither sent nor received on.
    package static let rejectAfterTime = Instant.Span.seconds(180)
    /// The least time between two initiations to a peer, and between a response and an initiation.
    package static let rekeyTimeout = Instant.Span.seconds(5)
    /// How long data that came may wait for an answer before a keepalive is sent as one.
    package static let keepaliveTimeout = Instant.Span.seconds(10)
    /// Upper bound, exclusive, of what is added at random to a handshake timer.
    package static let maximumJitter = Instant.Span.milliseconds(334)
    /// How many retries follow an unanswered first initiation before the peer is given up.
    package static let maximumRetries: UInt32 = 18
    /// How long after the last session was derived all keys are erased.
    package static let eraseKeysAfter = Instant.Span.seconds(540)
    /// The age of a session at which its initiator renews it on receiving.
    package static let rekeyOnReceiveAfter = Instant.Span.seconds(165)
    /// How long the party that made a cookie accepts it.
    package static let cookieLifetime = Instant.Span.seconds(120)
    /// How long a cookie is used by the party that got it: five seconds less, for the way.
    package static let cookieUse = Instant.Span.seconds(115)
    /// The least time between two initiations that are accepted from one peer.
    package static let initiationInterval = Instant.Span.milliseconds(20)
    /// Packets that wait for a session, per peer; beyond it the oldest goes.
    package static let stagedPackets = 128
    /// Peers that a device may have.
    package static let peers = 1 << 20
    /// Waiting handshake messages from which on the device counts as under load.
    package static let underLoadQueue = 128
    /// Waiting handshake messages that are kept; more are dropped.
    package static let handshakeQueue = 1024
    /// Peers whose timers or signals are served before the control thread looks at anything else: each may cost an
    /// initiation, and the answers to thousands at once would find no room in the queue.
    package static let peersPerTurn = 64
    /// How long the device stays under load after the queue was last that long.
    package static let underLoadFor = Instant.Span.seconds(1)
    /// DSCP AF41 of handshake messages, as the kernel's WireGuard marks them. Protocol §12.
    package static let handshakeTrafficClass: UInt8 = 0x88
}

/// How many bytes a packet of `length` bytes has after padding: the next multiple of 16, but never over the MTU.
/// Protocol §7.
///
/// - Parameter mtu: the interface's MTU in bytes, 0 when unknown.
@inlinable
package func paddedLength(_ length: Int, mtu: Int) -> Int {
    let multiple = (length + 15) & ~15
    if mtu == 0 { return multiple }
    if length <= mtu { return min(multiple, mtu) }
    let last = length % mtu
    return length - last + min((last + 15) & ~15, mtu)
}
