import Glibc
package import LinuxNet

/// A program of the system: found, started, and waited for.
package struct Program: Sendable {
    /// What a finished program left behind.
    package struct Result: Sendable {
        /// The exit code, or 128 + the number of the signal that ended it.
        package let status: Int32
        /// What it wrote, when that was kept.
        package let output: String
        package let errors: String
    }

    /// What becomes of a program's standard input, output and error.
    package enum Streams: Sendable {
        /// It has the caller's.
        case inherited
        /// It reads this text; what it writes is kept, at most ``keptBytes`` of each stream.
        case text(String)
    }

    package static let keptBytes = 1 << 20

    package let path: String

    /// The executable file `name` in a directory of `PATH`, or at the path that it is; nil when there is none.
    package init?(_ name: String, environment: [String: String]) {
        guard !name.isEmpty else { return nil }
        if name.contains("/") {
            guard Self.isExecutable(name) else { return nil }
            path = name
            return
        }
        let directories = (environment["PATH"] ?? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .split(separator: ":", omittingEmptySubsequences: true)
        guard let found = directories.lazy.map({ "\($0)/\(name)" }).first(where: Self.isExecutable) else { return nil }
        path = found
    }

    /// Runs it to its end. With signals on `interruption`, those that arrive meanwhile are passed on to it, and
    /// remembered there.
    ///
    /// - Parameter environment: all of its variables.
    package func run(
        _ arguments: [String], environment: [String: String], streams: Streams = .text(""),
        interruption: Interruption? = nil
    ) throws(SystemError) -> Result {
        let attempt = "run \(path)"
        guard case .text(let input) = streams else {
            let process = try spawn(arguments, environment, redirections: [], attempt)
            return Result(status: try wait(for: process, interruption, attempt), output: "", errors: "")
        }
        var stdin = try Pipe(attempt)
        var stdout = try Pipe(attempt)
        var stderr = try Pipe(attempt)
        let process = try spawn(
            arguments, environment,
            redirections: [(stdin.reader, 0), (stdout.writer, 1), (stderr.writer, 2)], attempt)
        // Only the program may hold these ends, or their others would never tell of its end.
        stdin.closeReader()
        stdout.closeWriter()
        stderr.closeWriter()
        let kept = Self.exchange(input, feed: &stdin, output: stdout.reader, errors: stderr.reader)
        let status = try wait(for: process, interruption, attempt)
        // A program that wants no more has its reasons; one that didn't get all has done half its work at most.
        guard kept.feedFailure == 0 || kept.feedFailure == EPIPE else { throw SystemError(kept.feedFailure, attempt) }
        return Result(status: status, output: kept.output, errors: kept.errors)
    }

    private static func isExecutable(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG && access(path, X_OK) == 0
    }
}

// MARK: - Processes and pipes

extension Program {
    private func spawn(
        _ arguments: [String], _ environment: [String: String], redirections: [(source: Int32, target: Int32)],
        _ attempt: String
    ) throws(SystemError) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for (source, target) in redirections { posix_spawn_file_actions_adddup2(&actions, source, target) }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // What this program blocks or ignores while it changes the system isn't for others to inherit.
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

        var words = ([path] + arguments).map { strdup($0) } + [nil]
        var variables = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { (words + variables).forEach { free($0) } }
        InheritedDescriptors.closeOnExec()
        var process = pid_t()
        let code = posix_spawn(&process, path, &actions, &attributes, &words, &variables)
        guard code == 0 else { throw SystemError(code, attempt) }
        return process
    }

    private func wait(
        for process: pid_t, _ interruption: Interruption?, _ attempt: String
    ) throws(SystemError) -> Int32 {
        var word: Int32 = 0
        while true {
            if let interruption {
                let result = waitpid(process, &word, WNOHANG)
                if result == process { break }
                guard result == 0 else { throw SystemError(errno, attempt) }
                if let signal = interruption.waitForSignal() { kill(process, signal) }
            } else {
                if waitpid(process, &word, 0) == process { break }
                guard errno == EINTR else { throw SystemError(errno, attempt) }
            }
        }
        let signal = word & 0x7f
        return signal == 0 ? (word >> 8) & 0xff : 128 + signal
    }

    /// Feeds `input` and keeps what comes back until both streams end, whichever side is ready first. `feedFailure` is
    /// the `errno` value of a failure to feed all of it, or 0.
    private static func exchange(
        _ input: String, feed: inout Pipe, output: Int32, errors: Int32
    ) -> (output: String, errors: String, feedFailure: Int32) {
        var rest = Array(input.utf8)[...]
        var feedFailure: Int32 = 0
        _ = fcntl(feed.writer, F_SETFL, O_NONBLOCK)
        var kept: [Int32: [UInt8]] = [output: [], errors: []]
        var open: Set<Int32> = [output, errors]
        var chunk = [UInt8](repeating: 0, count: 16_384)
        while !open.isEmpty {
            if rest.isEmpty { feed.closeWriter() }
            var waits = open.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
            if feed.writer >= 0 { waits.append(pollfd(fd: feed.writer, events: Int16(POLLOUT), revents: 0)) }
            guard poll(&waits, nfds_t(waits.count), -1) > 0 else { continue }
            for wait in waits where wait.revents != 0 {
                if wait.fd == feed.writer {
                    let count = rest.withUnsafeBytes { write(wait.fd, $0.baseAddress, $0.count) }
                    if count > 0 {
                        rest = rest.dropFirst(count)
                    } else if errno != EAGAIN, errno != EINTR {
                        feedFailure = errno
                        feed.closeWriter()
                    }
                    continue
                }
                let count = read(wait.fd, &chunk, chunk.count)
                if count < 0, errno == EINTR { continue }
                if count <= 0 {
                    open.remove(wait.fd)
                } else if kept[wait.fd, default: []].count < keptBytes {
                    kept[wait.fd, default: []] += chunk[..<count]
                }
            }
        }
        return (
            String(decoding: kept[output, default: []], as: UTF8.self),
            String(decoding: kept[errors, default: []], as: UTF8.self), feedFailure
        )
    }
}

/// Both ends of a pipe, closed on exec; -1 for an end that is closed here.
private struct Pipe: ~Copyable {
    private(set) var reader: Int32
    private(set) var writer: Int32

    init(_ attempt: String) throws(SystemError) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw SystemError(errno, attempt) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        (reader, writer) = (ends[0], ends[1])
    }

    deinit {
        if reader >= 0 { close(reader) }
        if writer >= 0 { close(writer) }
    }

    mutating func closeReader() {
        if reader >= 0 { close(reader) }
        reader = -1
    }

    mutating func closeWriter() {
        if writer >= 0 { close(writer) }
        writer = -1
    }
}
