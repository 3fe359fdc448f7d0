import Glibc
import LinuxNet
import Synchronization
import Testing

@Suite struct LoopTests {
    @Test func deadlinesAreKept() throws {
        let loop = try EventLoop()
        let start = Clock.bootTime()
        #expect(try loop.turn(until: start + 30_000_000))
        let elapsed = Clock.bootTime() - start
        #expect(elapsed >= 30_000_000 && elapsed < 2_000_000_000)
        #expect(try loop.turn(until: start))
        #expect(try loop.turn(until: 0))
    }

    @Test func aMovedOrRemovedDeadlineDoesNotFire() throws {
        let loop = try EventLoop()
        let bell = try Doorbell()
        try loop.add(bell.fileDescriptor) { _ in bell.silence() }
        bell.ring()
        #expect(try !loop.turn(until: Clock.bootTime() + 20_000_000))
        usleep(30_000)
        bell.ring()
        #expect(try !loop.turn(until: nil))
        bell.ring()
        #expect(try !loop.turn(until: .max))
    }

    @Test func rungFromAnotherThread() throws {
        let loop = try EventLoop()
        let bell = try Doorbell()
        var rings = 0
        var expirations = 0
        try loop.add(bell.fileDescriptor) { [unowned loop] interest in
            #expect(interest == .readable)
            bell.silence()
            rings += 1
            loop.stop()
        }
        let thread = try NativeThread(name: "ringer") {
            usleep(20_000)
            bell.ring()
            bell.ring()
        }
        let start = Clock.bootTime()
        try loop.run(deadline: { expirations == 0 ? start + 1_000_000 : nil }, expired: { expirations += 1 })
        thread.join()
        #expect(rings >= 1)
        #expect(expirations == 1)
    }

    @Test func aStopBeforeTheFirstTurnCounts() throws {
        let loop = try EventLoop()
        for _ in 0..<2 {
            var deadlines = 0
            loop.stop()
            try loop.run(
                deadline: {
                    deadlines += 1
                    loop.stop()
                    return 1
                }, expired: {})
            #expect(deadlines == 0)
        }
    }

    @Test func aRemovedDescriptorIsNotCalled() throws {
        let loop = try EventLoop()
        let bells = [try Doorbell(), try Doorbell()]
        var calls = 0
        for bell in bells {
            try loop.add(bell.fileDescriptor) { [unowned loop] _ in
                calls += 1
                for bell in bells { loop.remove(bell.fileDescriptor) }
            }
            bell.ring()
        }
        #expect(try !loop.turn())
        #expect(calls == 1)
        #expect(try loop.turn(until: Clock.bootTime() + 1_000_000))
        #expect(calls == 1)
    }

    @Test func interestsChange() throws {
        let loop = try EventLoop()
        let bell = try Doorbell()
        var seen: [EventLoop.Interest] = []
        try loop.add(bell.fileDescriptor) { seen.append($0) }
        try loop.modify(bell.fileDescriptor, for: .writable)
        _ = try loop.turn()
        #expect(seen == [.writable])
        loop.remove(bell.fileDescriptor)
        #expect(throws: SystemError.self) { try loop.modify(bell.fileDescriptor, for: .readable) }
        #expect(throws: SystemError.self) { try loop.add(-1) { _ in } }
    }

    @Test func threadsHaveNamesAndNoSignals() throws {
        let result = Box()
        let thread = try NativeThread(name: "a name longer than fits") {
            let name = threadName()
            var mask = sigset_t()
            pthread_sigmask(SIG_BLOCK, nil, &mask)
            let blocked = sigismember(&mask, SIGTERM) == 1 && sigismember(&mask, SIGINT) == 1
            result.value.withLock { $0 = (name, blocked) }
        }
        thread.join()
        thread.join()
        let (name, blocked) = result.value.withLock { $0 }
        #expect(name == "a name longer t")
        #expect(blocked)
    }

    @Test func signalsArriveAsEvents() throws {
        let result = Box()
        let thread = try NativeThread(name: "signals") {
            guard let signals = try? Signals([SIGUSR1, SIGUSR2]) else { return }
            let quiet = signals.next() == nil
            pthread_kill(pthread_self(), SIGUSR2)
            let number = signals.next()
            result.value.withLock { $0 = ("\(number ?? 0)", quiet && signals.next() == nil) }
        }
        thread.join()
        let (number, quiet) = result.value.withLock { $0 }
        #expect(number == "\(SIGUSR2)")
        #expect(quiet)
    }

    @Test func clocksGoOn() {
        let first = Clock.bootTime()
        let wall = Clock.wallTime()
        #expect(Clock.bootTime() >= first)
        #expect(wall.seconds > 1_600_000_000)
        #expect(wall.nanoseconds < 1_000_000_000)
    }

    private final class Box: Sendable {
        let value = Mutex<(String, Bool)>(("", false))
    }
}

/// The calling thread's name as the kernel has it.
private func threadName() -> String {
    let descriptor = open("/proc/thread-self/comm", O_RDONLY | O_CLOEXEC)
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 64)
    let count = read(descriptor, &bytes, bytes.count)
    return String(decoding: bytes.prefix(max(0, count - 1)), as: UTF8.self)
}
