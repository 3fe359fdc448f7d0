import Wire

/// A TAI64N label: the time of an initiation, comparable byte by byte. Protocol §1 and §14.
package struct TAI64N: Comparable, Sendable {
    package static let size = 12

    private var seconds: UInt64
    private var nanoseconds: UInt32

    /// The nanoseconds are rounded down to a multiple of 2^24 so that they tell little about the clock.
    package init(_ time: WallTime) {
        // Safe: it wraps only for clocks 10^11 years off, whose labels mean nothing anyway.
        seconds = 0x4000_0000_0000_000a &+ UInt64(bitPattern: time.seconds)
        nanoseconds = time.nanoseconds & ~0xff_ffff
    }

    /// Reads 12 bytes.
    package init(loading source: UnsafeRawPointer) {
        seconds = UInt64(source.bigEndian32(at: 0)) << 32 | UInt64(source.bigEndian32(at: 4))
        nanoseconds = source.bigEndian32(at: 8)
    }

    /// Writes 12 bytes.
    package func store(to target: UnsafeMutableRawPointer) {
        target.storeBigEndian(seconds, at: 0)
        target.storeBigEndian(nanoseconds, at: 8)
    }

    /// The next label that a receiver tells from this one.
    package var successor: Self {
        var next = self
        let step: UInt32 = 1 << 24
        if next.nanoseconds >= 1_000_000_000 - step {
            next.seconds &+= 1  // Safe: as above.
            next.nanoseconds = 0
        } else {
            next.nanoseconds += step
        }
        return next
    }

    package static func < (left: Self, right: Self) -> Bool {
        (left.seconds, left.nanoseconds) < (right.seconds, right.nanoseconds)
    }
}
