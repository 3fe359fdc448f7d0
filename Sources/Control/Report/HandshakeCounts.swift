/// How often handshakes with a peer came to what.
package struct HandshakeCounts: Equatable, Sendable {
    package var initiationsSent: UInt64 = 0
    package var initiationsAccepted: UInt64 = 0
    /// Those that this side began, and that were answered.
    package var completedAsInitiator: UInt64 = 0
    /// Those that the peer began, and whose session it has used.
    package var completedAsResponder: UInt64 = 0
    /// How often nothing answered for so long that no more initiations were sent.
    package var timesGivenUp: UInt64 = 0

    package init() {}

    package static func + (left: Self, right: Self) -> Self {
        var sum = left
        sum.initiationsSent &+= right.initiationsSent
        sum.initiationsAccepted &+= right.initiationsAccepted
        sum.completedAsInitiator &+= right.completedAsInitiator
        sum.completedAsResponder &+= right.completedAsResponder
        sum.timesGivenUp &+= right.timesGivenUp
        return sum
    }
}
