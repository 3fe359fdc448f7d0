import CLinux
import Glibc

/// Waits until a TUN device has a packet to read, on behalf of one thread.
///
/// Another thread that is about to write to the device and to read what the kernel answers can pause the watch: then
/// the answer doesn't wake the waiting thread, which costs more than sending the answer does.
package final class TunWatch: Sendable {
    package enum Outcome: Equatable, Sendable {
        /// There may be something to read, if only an error.
        case readable
        /// The doorbell rang; it is up to the caller to silence it.
        case rung
    }

    private static let deviceTag: UInt64 = 0
    private static let doorbellTag: UInt64 = 1

    private let device: TunDevice
    private let doorbell: Doorbell
    private let queue: OwnedDescriptor

    /// Begins to watch `device`, with `doorbell` to end a wait from elsewhere.
    package init(_ device: TunDevice, doorbell: Doorbell) throws(SystemError) {
        let number = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard number >= 0 else { throw .last("create an event queue") }
        self.device = device
        self.doorbell = doorbell
        queue = OwnedDescriptor(owning: number)
        for (descriptor, tag) in [
            (device.fileDescriptor, Self.deviceTag), (doorbell.fileDescriptor, Self.doorbellTag),
        ] {
            guard control(EPOLL_CTL_ADD, descriptor, EPOLLIN.rawValue, tag) else { throw .last("watch a descriptor") }
        }
    }

    /// Sleeps until the device has something to read or the doorbell rings.
    package func wait() -> Outcome {
        withUnsafeTemporaryAllocation(of: epoll_event.self, capacity: 2) { events in
            // A failure, which needs a signal or a shortage of memory, reads as readable.
            let count = epoll_wait(queue.number, events.baseAddress, 2, -1)
            return events.prefix(Int(max(count, 0))).contains { $0.data.u64 == Self.doorbellTag } ? .rung : .readable
        }
    }

    /// Nothing but the doorbell wakes the waiting thread from now on.
    package func pause() {
        _ = control(EPOLL_CTL_MOD, device.fileDescriptor, 0, Self.deviceTag)
    }

    /// The device wakes the waiting thread again, also with what came meanwhile and is still there.
    package func resume() {
        _ = control(EPOLL_CTL_MOD, device.fileDescriptor, EPOLLIN.rawValue, Self.deviceTag)
    }

    private func control(_ operation: Int32, _ descriptor: Int32, _ events: UInt32, _ tag: UInt64) -> Bool {
        var event = epoll_event()
        event.events = events
        event.data.u64 = tag
        return epoll_ctl(queue.number, operation, descriptor, &event) == 0
    }
}
