import Dispatch
import Foundation
import Glibc
import Synchronization

#if THREAD_SANITIZER
    import struct Tunnel.Mutex
#endif

/// Removes what tests make: at their end, when the run is interrupted, and what an earlier run that was killed left.
enum Leftovers {
    static let socketDirectory = "/var/run/wireguard"

    private struct Live {
        var namespaces: Set<String> = []
        var children: [pid_t: Child] = [:]
        /// Whether the run was interrupted, so that nothing new may be made.
        var isOver = false
    }

    private static let live = Mutex(Live())

    /// Makes sure that an interrupted run cleans up, and cleans up after runs that couldn't. Once for each process.
    static func prepare() {
        _ = prepared
    }

    /// Starts a process that an interruption ends.
    static func start(_ make: () throws -> Child) throws -> Child {
        try live.withLock { live in
            guard !live.isOver else { throw Failure("the run was interrupted") }
            let child = try make()
            live.children[child.processID] = child
            return child
        }
    }

    static func forget(_ child: Child) {
        live.withLock { _ = $0.children.removeValue(forKey: child.processID) }
    }

    /// Makes a namespace. One at a time, since the first one made on a machine mounts the directory of all.
    static func makeNamespace(_ name: String) throws {
        try live.withLock { live in
            guard !live.isOver else { throw Failure("the run was interrupted") }
            live.namespaces.insert(name)
            guard runBlocking(["ip", "netns", "add", name]) == 0 else {
                throw Failure("`ip netns add \(name)` failed; is this container allowed to make network namespaces?")
            }
        }
    }

    /// Ends `children` and whatever else runs in `namespaces`, and removes these and `directory`.
    static func remove(children: [Child], namespaces: [String], directory: String) async {
        children.forEach { $0.signal(SIGTERM) }
        for child in children {
            await child.stop()
            forget(child)
        }
        for name in namespaces {
            removeNamespace(name)
            live.withLock { _ = $0.namespaces.remove(name) }
        }
        try? FileManager.default.removeItem(atPath: directory)
    }

    /// Holds the signal sources, which are cancelled when nobody does.
    // Safe: made once and never used again.
    private nonisolated(unsafe) static let prepared: [any DispatchSourceSignal] = {
        try? FileManager.default.createDirectory(atPath: Names.directory, withIntermediateDirectories: true)
        removeDeadRuns()
        atexit { Leftovers.removeAll() }
        return [SIGINT, SIGTERM, SIGHUP].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global(qos: .userInitiated))
            source.setEventHandler {
                Leftovers.removeAll()
                signal(number, SIG_DFL)
                kill(getpid(), number)
            }
            source.activate()
            return source
        }
    }()

    private static func removeAll() {
        let (namespaces, children) = live.withLock { live in
            live.isOver = true
            return (live.namespaces, live.children)
        }
        children.values.forEach { $0.crash() }
        namespaces.forEach(removeNamespace)
        removeSockets(prefix: Names.interfacePrefix)
        try? FileManager.default.removeItem(atPath: Names.directory)
    }

    private static func removeDeadRuns() {
        func isDead(_ text: Substring) -> Bool {
            guard let identifier = pid_t(text) else { return false }
            return kill(identifier, 0) != 0 && errno == ESRCH
        }
        for name in names(in: "/run/netns") where name.hasPrefix(Names.namespaceStem) {
            let owner = name.dropFirst(Names.namespaceStem.count).prefix { $0 != "-" }
            if isDead(owner) { removeNamespace(name) }
        }
        for name in names(in: "/tmp") where "/tmp/\(name)".hasPrefix(Names.directoryPrefix) {
            let owner = "/tmp/\(name)".dropFirst(Names.directoryPrefix.count)
            guard isDead(owner), let identifier = Int(owner) else { continue }
            removeSockets(prefix: Names.interfacePrefix(of: identifier))
            try? FileManager.default.removeItem(atPath: "/tmp/\(name)")
        }
    }

    /// Ends all processes in the namespace, first those that can end well, then removes it.
    private static func removeNamespace(_ name: String) {
        for number in [SIGTERM, SIGTERM, SIGKILL] {
            let processes = processes(in: name)
            if processes.isEmpty { break }
            processes.forEach { kill($0, number) }
            usleep(100_000)
        }
        _ = runBlocking(["ip", "netns", "del", name])
    }

    private static func processes(in namespace: String) -> [pid_t] {
        let files = "\(Names.directory)/pids-\(namespace)"
        defer { [".out", ".err"].forEach { unlink(files + $0) } }
        guard let child = try? Child(["ip", "netns", "pids", namespace], files: files) else { return [] }
        _ = child.endBlocking(within: .seconds(5))
        return child.output.split(separator: "\n").compactMap { pid_t($0) }
    }

    private static func removeSockets(prefix: String) {
        for name in names(in: socketDirectory) where name.hasPrefix(prefix) {
            unlink("\(socketDirectory)/\(name)")
        }
    }

    private static func names(in directory: String) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
    }

    private static func runBlocking(_ words: [String]) -> Int32? {
        let files = "\(Names.directory)/blocking-\(UInt64.random(in: 0 ... .max))"
        defer { [".out", ".err"].forEach { unlink(files + $0) } }
        return try? Child(words, files: files).endBlocking(within: .seconds(10))
    }
}
