/// A moment on a clock that never goes back and goes on while the machine sleeps (`CLOCK_BOOTTIME`), in nanoseconds.
///
/// The protocol reads no clock; every entry point takes the time it happens at.
package struct Instant: Comparable, Hashable, Sendable {
    package var nanoseconds: UInt64

    package init(nanoseconds: UInt64) {
        self.nanoseconds = nanoseconds
    }

    package static func < (left: Self, right: Self) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    package static func + (instant: Self, span: Span) -> Self {
        // Safe: the clock begins when the machine starts, and 2^64 nanoseconds are 584 years.
        Self(nanoseconds: instant.nanoseconds &+ span.nanoseconds)
    }

    /// How long after `earlier` this is; zero when it is before it.
    package func since(_ earlier: Self) -> Span {
        Span(nanoseconds: nanoseconds > earlier.nanoseconds ? nanoseconds - earlier.nanoseconds : 0)
    }

    /// A length of time in nanoseconds.
    package struct Span: Comparable, Hashable, Sendable {
        package var nanoseconds: UInt64

        package init(nanoseconds: UInt64) {
            self.nanoseconds = nanoseconds
        }

        package static func seconds(_ count: UInt64) -> Self { Self(nanoseconds: count * 1_000_000_000) }
        package static func milliseconds(_ count: UInt64) -> Self { Self(nanoseconds: count * 1_000_000) }

        package static func < (left: Self, right: Self) -> Bool { left.nanoseconds < right.nanoseconds }
        package static func + (left: Self, right: Self) -> Self {
            Self(nanoseconds: left.nanoseconds + right.nanoseconds)
        }
    }
}

/// Unix time, for handshake timestamps and for the time of the last handshake. It may jump.
package struct WallTime: Equatable, Sendable {
    package var seconds: Int64
    /// 0…999 999 999.
    package var nanoseconds: UInt32

    package init(seconds: Int64, nanoseconds: UInt32) {
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }
}

/// Both clocks, read together.
package struct Moment: Sendable {
    package var instant: Instant
    package var wall: WallTime

    package init(instant: Instant, wall: WallTime) {
        self.instant = instant
        self.wall = wall
    }
}
