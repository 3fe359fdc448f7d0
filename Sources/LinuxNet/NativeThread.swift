import CLinux
import Glibc
import Synchronization

/// A thread of the operating system for a blocking loop, with a name, a small stack and all signals blocked.
package final class NativeThread: Sendable {
    private let handle: pthread_t
    private let joined = Atomic(false)

    /// Starts `body` on a new thread.
    ///
    /// - Parameters:
    ///   - name: shown by `top -H` and debuggers; cut to 15 bytes.
    ///   - stackSize: bytes.
    package init(
        name: String, stackSize: Int = 512 << 10, _ body: @escaping @Sendable () -> Void
    ) throws(SystemError) {
        let attempt = "start the thread \(name)"
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        guard pthread_attr_setstacksize(&attributes, stackSize) == 0 else { throw SystemError(EINVAL, attempt) }

        var all = sigset_t()
        var previous = sigset_t()
        sigfillset(&all)
        // A new thread starts with the mask of the one that starts it.
        pthread_sigmask(SIG_SETMASK, &all, &previous)
        defer { pthread_sigmask(SIG_SETMASK, &previous, nil) }

        let start = Unmanaged.passRetained(Start(name: name, body: body))
        var handle = pthread_t()
        let code = pthread_create(
            &handle, &attributes,
            { argument in
                // Safe: the argument is the object retained above, and this is its only taker.
                let start = Unmanaged<Start>.fromOpaque(argument.unsafelyUnwrapped).takeRetainedValue()
                start.run()
                return nil
            }, start.toOpaque())
        guard code == 0 else {
            start.release()
            throw SystemError(code, attempt)
        }
        self.handle = handle
    }

    deinit {
        if !joined.load(ordering: .acquiring) { pthread_detach(handle) }
    }

    /// Waits until the thread has ended. Returns at once for a second caller.
    package func join() {
        guard !joined.exchange(true, ordering: .acquiringAndReleasing) else { return }
        pthread_join(handle, nil)
    }

    private final class Start {
        let name: String
        let body: @Sendable () -> Void

        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }

        func run() {
            var bytes = name.utf8.prefix(15).map { CChar(bitPattern: $0) }
            bytes.append(0)
            clinux_set_thread_name(bytes)
            body()
        }
    }
}
