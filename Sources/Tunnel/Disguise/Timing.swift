/// The protocol's times as ranges, in each of which a time is drawn anew whenever it is used. Protocol §8; Obfuscation §1.6.
package struct Timing: Equatable, Sendable {
    /// The age above which the initiator renews a session that it sends on. In seconds, as all of these.
    package var rekeyAfterTime: ClosedRange<UInt16> = 120...120
    /// The least time between two initiations to a peer; a retry comes up to a third of a second after it.
    package var rekeyTimeout: ClosedRange<UInt16> = 5...5
    /// The age from which on a session isn't used any more.
    package var rejectAfterTime: ClosedRange<UInt16> = 180...180
    /// How long data that came may wait for an answer before a keepalive is sent as one.
    package var keepaliveTimeout: ClosedRange<UInt16> = 10...10
    /// How many retries follow an unanswered first initiation.
    package var maximumRetries: ClosedRange<UInt16> = 18...18
    /// How much of the configured interval passes before a persistent keepalive, in percent.
    package var persistentKeepaliveShare: ClosedRange<UInt16> = 100...100

    package init() {}

    /// WireGuard's own.
    package static let standard = Timing()
}
