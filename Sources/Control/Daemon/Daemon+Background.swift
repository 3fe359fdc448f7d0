package import Glibc
import LinuxNet

extension Daemon {
    /// The descriptor numbers that the background process finds its things under.
    private enum Inherited {
        static let tun: Int32 = 3
        static let socket: Int32 = 4
        static let ready: Int32 = 5
    }

    /// `POSIX_SPAWN_SETSID`, which Swift doesn't see: the process leaves the terminal.
    private static let setSession: Int16 = 0x80

    /// Names the descriptor through which a background process says that it is ready.
    private static let readyVariable = "NIGHTJAR_READY_FD"

    /// Starts this program anew as a background process which takes over the interface and the socket, and waits until it
    /// is ready. Afterwards this process may exit.
    ///
    /// - Parameter environment: of the new process, but for what says how to take over.
    /// - Returns: the new process's identifier. It is a child of this one.
    @discardableResult
    package func handOver(environment: [String: String]) throws(DaemonError) -> pid_t {
        var pipeEnds: [Int32] = [0, 0]
        // No other thread starts a process that could inherit the pipe before it is marked.
        guard pipe(&pipeEnds) == 0, fcntl(pipeEnds[0], F_SETFD, FD_CLOEXEC) == 0,
            fcntl(pipeEnds[1], F_SETFD, FD_CLOEXEC) == 0
        else { throw .background(step: "pipe", code: errno) }
        defer { close(pipeEnds[0]) }
        let process: pid_t
        do throws(DaemonError) {
            process = try spawn(ready: pipeEnds[1], environment: environment)
        } catch {
            close(pipeEnds[1])
            throw error
        }
        close(pipeEnds[1])
        let answer = Self.readAll(pipeEnds[0])
        guard answer.first == 0 else {
            throw .backgroundDied(message: String(decoding: answer, as: UTF8.self))
        }
        keepSocketFile()
        return process
    }

    /// In a background process: tells the one that started it that all is ready, or why it isn't.
    package static func reportReadiness(_ failure: String?, environment: [String: String]) {
        guard let descriptor = environment[readyVariable].flatMap({ Int32($0) }) else { return }
        let message = failure.map { Array($0.utf8) } ?? [0]
        _ = message.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        close(descriptor)
    }

    private func spawn(ready: Int32, environment: [String: String]) throws(DaemonError) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        let log = log.inBackground(environment)
        if !log.destination.usesStandardError {
            posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0)
            posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0)
        }
        // High copies first, so that no number is overwritten before it is used.
        let sources = [
            (descriptors.tun, Inherited.tun), (descriptors.socket, Inherited.socket), (ready, Inherited.ready),
        ]
        var copies: [Int32] = []
        defer { for copy in copies { close(copy) } }
        for (source, target) in sources {
            let copy = fcntl(source, F_DUPFD_CLOEXEC, 10)
            guard copy >= 0 else { throw .background(step: "duplicate a descriptor", code: errno) }
            copies.append(copy)
            posix_spawn_file_actions_adddup2(&actions, copy, target)
        }
        // What else the caller has open, a lock perhaps, and its directory aren't the daemon's to hold.
        InheritedDescriptors.closeOnExec()
        _ = chdir("/")
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // The caller may hold signals back, which the daemon is to get.
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Self.setSession | Int16(POSIX_SPAWN_SETSIGMASK))

        var variables = environment.merging(log.variables) { $1 }
        variables["WG_TUN_FD"] = String(Inherited.tun)
        variables["WG_UAPI_FD"] = String(Inherited.socket)
        variables["WG_PROCESS_FOREGROUND"] = "1"
        variables["WG_TUN_NAME_FILE"] = nil
        variables[Request.socketDirectoryVariable] = socketDirectory
        variables[Request.stateDirectoryVariable] = stateDirectory
        variables[Self.readyVariable] = String(Inherited.ready)
        let argumentList = CStringList(["nightjar", "run", "--foreground", interface])
        let variableList = CStringList(variables.map { "\($0.key)=\($0.value)" })
        var process = pid_t()
        let code = posix_spawn(
            &process, "/proc/self/exe", &actions, &attributes, argumentList.pointers, variableList.pointers)
        guard code == 0 else { throw .background(step: "start the process", code: code) }
        return process
    }

    private static func readAll(_ descriptor: Int32) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1024)
        while true {
            let count = read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0, bytes.count < 8192 else { return bytes }
            bytes += chunk[..<count]
        }
    }
}

/// A null-terminated array of C strings, as `execve` takes it.
private final class CStringList {
    let pointers: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    private let count: Int

    init(_ strings: [String]) {
        count = strings.count
        pointers = .allocate(capacity: count + 1)
        for (index, string) in strings.enumerated() {
            (pointers + index).initialize(to: strdup(string))
        }
        (pointers + count).initialize(to: nil)
    }

    deinit {
        for index in 0..<count { free(pointers[index]) }
        pointers.deallocate()
    }
}
