import CLinux
import Glibc

/// Makes a descriptor readable when a time has come. One thread only.
package final class Reminder {
    package enum Clock: Sendable {
        /// Time that passes, also while the machine sleeps; never goes back.
        case boot
        /// Unix time, which may jump. It comes then, too, for the caller to look again.
        case wall
    }

    private let descriptor: OwnedDescriptor
    private let clock: Clock

    package init(_ clock: Clock) throws(SystemError) {
        let number = timerfd_create(
            clock == .boot ? CLOCK_BOOTTIME : CLOCK_REALTIME, Int32(TFD_CLOEXEC | TFD_NONBLOCK))
        guard number >= 0 else { throw .last("create a timer") }
        descriptor = OwnedDescriptor(owning: number)
        self.clock = clock
    }

    /// Readable from when the time has come until ``silence()``.
    package var fileDescriptor: Int32 { descriptor.number }

    /// Sets the time, in whole seconds of its clock, in place of any that was set before; nil: never.
    package func set(_ seconds: Int64?) {
        var setting = itimerspec()
        // All zeros would disarm the timer.
        if let seconds { setting.it_value.tv_sec = Int(max(seconds, 1)) }
        let flags = clock == .wall ? TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET : TFD_TIMER_ABSTIME
        // Fails only for what the caller can't give: another descriptor, or a time before 1970.
        timerfd_settime(descriptor.number, Int32(flags), &setting, nil)
    }

    /// Call it before looking what it was for.
    package func silence() {
        var count: UInt64 = 0
        // This fails after the clock was set, but ends the readiness as well.
        _ = withUnsafeMutableBytes(of: &count) { SystemCall.read(descriptor.number, $0) }
    }
}
