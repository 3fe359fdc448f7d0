import CLinux
import Glibc

/// Wakes a thread that waits in ``TunWatch/wait()`` or in an ``EventLoop``. Any thread may ring.
package final class Doorbell: Sendable {
    private let descriptor: OwnedDescriptor

    package init() throws(SystemError) {
        let number = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
        guard number >= 0 else { throw .last("create an event descriptor") }
        descriptor = OwnedDescriptor(owning: number)
    }

    /// Readable from ``ring()`` to ``silence()``.
    package var fileDescriptor: Int32 { descriptor.number }

    /// Wakes the waiting thread now, or as soon as it waits.
    package func ring() {
        // Fails only when it has been rung 2^64 - 2 times.
        _ = eventfd_write(descriptor.number, 1)
    }

    /// Takes all rings so far together; call it before looking for what they were about.
    package func silence() {
        var rings: eventfd_t = 0
        _ = eventfd_read(descriptor.number, &rings)
    }
}
