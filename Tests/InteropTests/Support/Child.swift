import Foundation
import Glibc
import Synchronization

#if THREAD_SANITIZER
    import struct Tunnel.Mutex
#endif

/// What a finished command left behind.
struct CommandResult: Sendable {
    /// The exit status, or 128 + the number of the signal that ended it.
    let status: Int32
    let output: String
    let errors: String
}

/// A child process in a group of its own. Its standard output and standard error go to files, so that a daemon which
/// outlives its starter can't hold a reader up.
final class Child: Sendable {
    let processID: pid_t
    let command: String
    let outputPath: String
    let errorPath: String
    private let reaped = Mutex<Int32?>(nil)

    /// Starts `words`, with `files` as the beginning of the paths of its output files.
    init(_ words: [String], environment: [String: String] = [:], input: String = "", files: String) throws {
        _ = Self.inheritedDescriptorsClosed
        command = words.joined(separator: " ")
        outputPath = files + ".out"
        errorPath = files + ".err"
        let inputPath = files + ".in"
        if !input.isEmpty { try Data(input.utf8).write(to: URL(filePath: inputPath)) }

        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, input.isEmpty ? "/dev/null" : inputPath, O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, outputPath, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0o600)
        posix_spawn_file_actions_addopen(&actions, 2, errorPath, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0o600)

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        let flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
        posix_spawnattr_setflags(&attributes, Int16(flags))

        let path = try Tool.path(words[0])
        let values = Tool.environment.merging(environment) { $1 }.map { "\($0)=\($1)" }
        var arguments = words.map { strdup($0) } + [nil]
        var variables = values.map { strdup($0) } + [nil]
        defer { (arguments + variables).forEach { free($0) } }
        var identifier: pid_t = 0
        let code = posix_spawn(&identifier, path, &actions, &attributes, &arguments, &variables)
        guard code == 0 else { throw Failure("can't start \(path): \(String(cString: strerror(code)))") }
        processID = identifier
    }

    /// The exit status once it has ended (128 + number for a signal), else nil.
    func status() -> Int32? {
        reaped.withLock { status in
            if status != nil { return status }
            var word: Int32 = 0
            guard waitpid(processID, &word, WNOHANG) == processID else { return nil }
            let signal = word & 0x7f
            status = signal == 0 ? (word >> 8) & 0xff : 128 + signal
            return status
        }
    }

    /// Waits for its end; when that takes longer than `timeout` it is killed and this throws.
    func end(within timeout: Duration) async throws -> Int32 {
        let deadline = ContinuousClock.now + timeout
        var pause = Duration.milliseconds(1)
        while true {
            if let status = status() { return status }
            guard ContinuousClock.now < deadline, !Task.isCancelled else {
                kill(-processID, SIGKILL)
                throw Failure("`\(command)` took longer than \(timeout)\n\(output)\(errors)")
            }
            try await Task.sleep(for: pause)
            pause = min(pause * 2, .milliseconds(20))
        }
    }

    /// Waits as ``end(within:)`` does, without a suspension.
    func endBlocking(within timeout: Duration) -> Int32? {
        let deadline = ContinuousClock.now + timeout
        while ContinuousClock.now < deadline {
            if let status = status() { return status }
            usleep(1000)
        }
        return nil
    }

    /// Sends `number` to the process alone; without effect when it has ended.
    func signal(_ number: Int32) {
        if status() == nil { kill(processID, number) }
    }

    /// Asks it to end and kills it after `grace`.
    func stop(grace: Duration = .seconds(2)) async {
        guard status() == nil else { return }
        kill(processID, SIGTERM)
        if (try? await end(within: grace)) == nil { reapKilled() }
    }

    /// Kills it as a crash would.
    func crash() {
        guard status() == nil else { return }
        kill(-processID, SIGKILL)
        reapKilled()
    }

    var output: String { Self.text(outputPath) }
    var errors: String { Self.text(errorPath) }
    var result: CommandResult { CommandResult(status: status() ?? -1, output: output, errors: errors) }

    /// Keeps what this process was started with from its children; what it opens itself is closed in them anyway.
    private static let inheritedDescriptorsClosed: Void = {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
        for descriptor in names.compactMap({ Int32($0) }) where descriptor > 2 {
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        }
    }()

    private func reapKilled() {
        _ = endBlocking(within: .seconds(2))
    }

    private static func text(_ path: String) -> String {
        String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
    }
}
