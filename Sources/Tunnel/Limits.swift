/// The protocol's constants, those aside that a disguise may choose (``Timing``). Protocol §8.
package enum Limits {
    /// The counter above which a session is renewed.
    package static let rekeyAfterMessages: UInt64 = 1 << 60
    /// The first counter that is neither sent nor accepted.
    package static let rejectAfterMessages: UInt64 = .max - (1 << 13)
    /// The least time between two initiations to a peer, and between a response and an initiation, unless ``Timing`` says otherwise.
    package static let rekeyTimeout = Timing.standard.leastRekeyTimeout
    /// Upper bound, exclusive, of what is added at random to a handshake timer.
    package static let maximumJitter = Instant.Span.milliseconds(334)
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
