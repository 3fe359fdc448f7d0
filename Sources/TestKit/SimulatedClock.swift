package import Tunnel

/// Both clocks of a simulation. Time moves only when the simulation moves it.
package struct SimulatedClock {
    /// The time that never goes back.
    package private(set) var instant: Instant
    /// What the wall clock is ahead of ``instant``, in nanoseconds.
    private var wallOffset: Int64

    /// Begins an hour after the machine started, on 14 November 2023 at 22:13:20 UTC.
    package init() {
        instant = Instant(nanoseconds: 3600 * 1_000_000_000)
        wallOffset = (1_700_000_000 - 3600) * 1_000_000_000
    }

    /// The time of day.
    package var wall: WallTime {
        let nanoseconds = Int64(instant.nanoseconds) + wallOffset
        return WallTime(
            seconds: nanoseconds / 1_000_000_000, nanoseconds: UInt32(nanoseconds % 1_000_000_000))
    }

    package var now: Moment { Moment(instant: instant, wall: wall) }

    /// Moves both clocks on to `instant`; an earlier one leaves them as they are.
    package mutating func advance(to instant: Instant) {
        self.instant = max(self.instant, instant)
    }

    /// Sets the wall clock forward, or back when `seconds` is negative.
    package mutating func shiftWall(bySeconds seconds: Int64) {
        wallOffset += seconds * 1_000_000_000
    }
}
