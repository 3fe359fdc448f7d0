import CLinux
import Glibc

/// Signals that arrive as events instead of interrupting the program.
///
/// They stay blocked in the calling thread and in threads that it starts afterwards, so create this first of all.
package struct Signals: ~Copyable {
    private let descriptor: OwnedDescriptor

    package init(_ numbers: [Int32]) throws(SystemError) {
        var set = sigset_t()
        sigemptyset(&set)
        for number in numbers { sigaddset(&set, number) }
        let code = pthread_sigmask(SIG_BLOCK, &set, nil)
        guard code == 0 else { throw SystemError(code, "block signals") }
        let number = signalfd(-1, &set, Int32(SFD_CLOEXEC | SFD_NONBLOCK))
        guard number >= 0 else { throw .last("receive signals") }
        descriptor = OwnedDescriptor(owning: number)
    }

    /// Readable while a signal waits.
    package var fileDescriptor: Int32 { descriptor.number }

    /// Takes the next signal; nil when none waits.
    package func next() -> Int32? {
        var information = signalfd_siginfo()
        let result = withUnsafeMutableBytes(of: &information) { SystemCall.read(descriptor.number, $0) }
        return result == .bytes(MemoryLayout<signalfd_siginfo>.size) ? Int32(information.ssi_signo) : nil
    }
}
