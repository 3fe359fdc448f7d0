import Glibc

/// The system's clocks.
package enum Clock {
    /// Nanoseconds since the system started, sleep included (`CLOCK_BOOTTIME`); never goes back.
    package static func bootTime() -> UInt64 {
        let time = read(CLOCK_BOOTTIME)
        // Safe: 2^64 ns are more than 500 years.
        return UInt64(bitPattern: Int64(time.tv_sec)) &* 1_000_000_000 &+ UInt64(bitPattern: Int64(time.tv_nsec))
    }

    /// Unix time (`CLOCK_REALTIME`); may jump.
    package static func wallTime() -> (seconds: Int64, nanoseconds: UInt32) {
        let time = read(CLOCK_REALTIME)
        return (Int64(time.tv_sec), UInt32(truncatingIfNeeded: time.tv_nsec))
    }

    private static func read(_ clock: Int32) -> timespec {
        var time = timespec()
        // Fails only for an unknown clock.
        clock_gettime(clock, &time)
        return time
    }
}
