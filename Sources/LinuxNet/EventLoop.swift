import CLinux
import Glibc

/// Waits for descriptors, deadlines and doorbells, and calls a handler for each that is ready. One thread only.
package final class EventLoop {
    package struct Interest: OptionSet, Sendable {
        package let rawValue: UInt32

        package init(rawValue: UInt32) {
            self.rawValue = rawValue
        }

        package static let readable = Interest(rawValue: EPOLLIN.rawValue)
        package static let writable = Interest(rawValue: EPOLLOUT.rawValue)
        /// An error or the other side's end; always reported.
        package static let hangup = Interest(rawValue: EPOLLERR.rawValue | EPOLLHUP.rawValue)
    }

    package typealias Handler = (Interest) -> Void

    private let queue: OwnedDescriptor
    private let timer: OwnedDescriptor
    private var registrations: [Int32: Registration] = [:]
    private var generation: UInt32 = 0
    private var armedDeadline: UInt64?
    private var stopped = false

    package init() throws(SystemError) {
        let queue = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard queue >= 0 else { throw .last("create an event queue") }
        self.queue = OwnedDescriptor(owning: queue)
        // A time limit of epoll_wait(2) would stand still while the machine sleeps; this clock goes on.
        let timer = timerfd_create(CLOCK_BOOTTIME, Int32(TFD_CLOEXEC | TFD_NONBLOCK))
        guard timer >= 0 else { throw .last("create a timer") }
        self.timer = OwnedDescriptor(owning: timer)
        try control(EPOLL_CTL_ADD, timer, [.readable], 0)
    }

    /// Calls `handler` whenever `descriptor` is ready, until it is removed. The descriptor stays the caller's, the
    /// handler belongs to the loop: it should capture the loop without owning it.
    package func add(
        _ descriptor: Int32, for interest: Interest = .readable, handler: @escaping Handler
    ) throws(SystemError) {
        generation &+= 1
        try control(EPOLL_CTL_ADD, descriptor, interest, generation)
        registrations[descriptor] = Registration(generation: generation, handler: handler)
    }

    /// Changes what `descriptor` is watched for.
    package func modify(_ descriptor: Int32, for interest: Interest) throws(SystemError) {
        guard let registration = registrations[descriptor] else { throw SystemError(ENOENT, "watch a descriptor") }
        try control(EPOLL_CTL_MOD, descriptor, interest, registration.generation)
    }

    /// Stops watching; call it before closing the descriptor. Its handler isn't called again, not even in this turn.
    package func remove(_ descriptor: Int32) {
        guard registrations.removeValue(forKey: descriptor) != nil else { return }
        _ = epoll_ctl(queue.number, EPOLL_CTL_DEL, descriptor, nil)
    }

    /// Takes turns until ``stop()``, which may have been called before.
    ///
    /// - Parameters:
    ///   - deadline: asked before each wait: when to call `expired` at the latest (``Clock/bootTime()``); nil for never.
    ///   - expired: called after each wait in which the deadline came.
    package func run(deadline: () -> UInt64?, expired: () -> Void) throws(SystemError) {
        defer { stopped = false }
        while !stopped {
            if try turn(until: deadline()) { expired() }
        }
    }

    /// Makes ``run(deadline:expired:)`` return after the current turn, or the next call of it at once.
    package func stop() {
        stopped = true
    }

    /// Waits once, for a ready descriptor or the deadline, and calls the handlers; returns whether the deadline came.
    package func turn(until deadline: UInt64? = nil) throws(SystemError) -> Bool {
        try arm(deadline)
        var ready: [epoll_event] = []
        let code = withUnsafeTemporaryAllocation(of: epoll_event.self, capacity: 32) { events -> Int32 in
            let count = epoll_wait(queue.number, events.baseAddress, Int32(events.count), -1)
            guard count >= 0 else { return errno }
            ready.append(contentsOf: events.prefix(Int(count)))
            return 0
        }
        guard code == 0 || code == EINTR else { throw SystemError(code, "wait for events") }

        var expired = false
        for event in ready {
            let descriptor = Int32(truncatingIfNeeded: event.data.u64)
            if descriptor == timer.number {
                expired = consumeTimer() || expired
                continue
            }
            // Another handler of this turn may have removed it, and even reused its number.
            guard let registration = registrations[descriptor],
                registration.generation == UInt32(truncatingIfNeeded: event.data.u64 >> 32)
            else { continue }
            registration.handler(Interest(rawValue: event.events))
        }
        return expired
    }

    private struct Registration {
        let generation: UInt32
        let handler: Handler
    }

    private func control(
        _ operation: Int32, _ descriptor: Int32, _ interest: Interest, _ generation: UInt32
    ) throws(SystemError) {
        var event = epoll_event()
        event.events = interest.rawValue
        event.data.u64 = UInt64(UInt32(bitPattern: descriptor)) | UInt64(generation) << 32
        guard epoll_ctl(queue.number, operation, descriptor, &event) == 0 else { throw .last("watch a descriptor") }
    }

    private func arm(_ deadline: UInt64?) throws(SystemError) {
        guard deadline != armedDeadline else { return }
        var setting = itimerspec()
        if let deadline {
            // All zeros would disarm the timer.
            let time = max(deadline, 1)
            setting.it_value.tv_sec = Int(min(time / 1_000_000_000, UInt64(Int32.max)))
            setting.it_value.tv_nsec = Int(time % 1_000_000_000)
        }
        guard timerfd_settime(timer.number, Int32(TFD_TIMER_ABSTIME), &setting, nil) == 0 else {
            throw .last("set a timer")
        }
        armedDeadline = deadline
    }

    private func consumeTimer() -> Bool {
        armedDeadline = nil
        var expirations: UInt64 = 0
        return withUnsafeMutableBytes(of: &expirations) { SystemCall.read(timer.number, $0) } == .bytes(8)
    }
}
