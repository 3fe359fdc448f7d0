import Glibc
package import LinuxNet

/// Holds back the signals that ask the program to end, from when it begins to change the system until it is done or has
/// taken everything back.
package final class Interruption {
    private let signals: Signals
    private static let numbers = [SIGINT, SIGTERM, SIGHUP, SIGCHLD]
    /// The first one that arrived.
    private(set) var signal: Int32?

    package init() throws(SystemError) {
        // Ignored by whoever started this program, it would keep the ends of its own children from it.
        Glibc.signal(SIGCHLD, SIG_DFL)
        Glibc.signal(SIGPIPE, SIG_IGN)
        signals = try Signals(Self.numbers)
    }

    deinit {
        var set = sigset_t()
        sigemptyset(&set)
        for number in Self.numbers { sigaddset(&set, number) }
        pthread_sigmask(SIG_UNBLOCK, &set, nil)
    }

    /// Throws when the program was asked to end.
    func check() throws(QuickError) {
        while let next = signals.next() { note(next) }
        if let signal { throw QuickError("interrupted by \(Self.name(of: signal))", status: 128 + signal) }
    }

    /// Waits for a signal; returns it unless it only tells that a child has ended.
    func waitForSignal() -> Int32? {
        var wait = pollfd(fd: signals.fileDescriptor, events: Int16(POLLIN), revents: 0)
        _ = poll(&wait, 1, -1)
        guard let next = signals.next(), next != SIGCHLD else { return nil }
        note(next)
        return next
    }

    private func note(_ next: Int32) {
        if next != SIGCHLD, signal == nil { signal = next }
    }

    private static func name(of signal: Int32) -> String {
        switch signal {
        case SIGINT: "SIGINT"
        case SIGTERM: "SIGTERM"
        case SIGHUP: "SIGHUP"
        default: "signal \(signal)"
        }
    }
}
