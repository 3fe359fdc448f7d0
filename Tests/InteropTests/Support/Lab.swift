import Foundation
import Synchronization
import Testing

/// Network namespaces, commands and daemons of one test. Everything it makes is gone when its `with` ends, and also when
/// the run is interrupted.
final class Lab {
    /// Directory for files of this test.
    let directory: String
    private let number: Int
    private let logs = LogBook()
    private var namespaces: [String] = []
    private var children: [Child] = []
    private var files = 0

    private static let counter = Atomic<Int>(0)

    /// Runs `body` with a new lab, then removes all that was made in it. What `body` throws is recorded as an issue
    /// while the daemons' logs are still there.
    static func with(load: Load = .usual, _ body: (Lab) async throws -> Void) async throws {
        await load.gate?.enter()
        let lab: Lab
        do {
            lab = try Lab()
        } catch {
            await load.gate?.leave()
            throw error
        }
        await LogBook.$current.withValue(lab.logs) {
            do {
                try await body(lab)
            } catch is ExpectationFailedError {
                // `#require` has recorded it.
            } catch {
                Issue.record(error)
            }
        }
        let (children, namespaces, directory) = (lab.children, lab.namespaces, lab.directory)
        // A task of its own isn't cancelled together with the test.
        await Task { await Leftovers.remove(children: children, namespaces: namespaces, directory: directory) }.value
        await load.gate?.leave()
    }

    private init() throws {
        Leftovers.prepare()
        number = Self.counter.add(1, ordering: .relaxed).newValue
        directory = "\(Names.directory)/\(number)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        _ = try Engine.nightjar.executable()
    }

    /// A new namespace with its loopback up.
    func namespace(_ label: String) async throws -> Namespace {
        let name = "\(Names.namespacePrefix)\(number)-\(label)"
        try Leftovers.makeNamespace(name)
        namespaces.append(name)
        let namespace = Namespace(name: name, lab: self)
        try await namespace.ip("link set lo up")
        return namespace
    }

    /// Starts a process that is ended with the lab.
    func start(
        _ words: [String], environment: [String: String] = [:], input: String = "", log title: String? = nil
    ) throws -> Child {
        let files = path("run")
        let child = try Leftovers.start {
            try Child(words, environment: environment, input: input, files: files)
        }
        children.append(child)
        if let title { logs.add(title, child) }
        return child
    }

    /// Runs a command to its end, of at most `timeout`; throws when its exit status isn't 0, unless `mayFail`.
    @discardableResult
    func run(
        _ words: [String], environment: [String: String] = [:], input: String = "",
        timeout: Duration = .seconds(15), mayFail: Bool = false
    ) async throws -> CommandResult {
        let child = try start(words, environment: environment, input: input)
        let status = try await child.end(within: timeout)
        children.removeAll { $0 === child }
        Leftovers.forget(child)
        let result = child.result
        guard status == 0 || mayFail else {
            throw Failure("`\(child.command)` ended with \(status): \(result.output)\(result.errors)")
        }
        return result
    }

    /// A path in the lab's directory that wasn't given before.
    func path(_ label: String) -> String {
        files += 1
        return "\(directory)/\(files)-\(label)"
    }

    /// Writes a file only its owner can read, and returns its path.
    func write(_ text: String, name: String = "file") throws -> String {
        let path = name.hasPrefix("/") ? name : path(name)
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Failure("can't write \(path): \(String(cString: strerror(errno)))") }
        let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        try file.write(contentsOf: Data(text.utf8))
        try file.close()
        return path
    }
}

/// Names that tell whose they are: they hold this process's identifier.
enum Names {
    static let processID = Int(ProcessInfo.processInfo.processIdentifier)
    static let directory = "\(directoryPrefix)\(processID)"
    static let namespacePrefix = "\(namespaceStem)\(processID)-"
    static let interfacePrefix = interfacePrefix(of: processID)

    static let directoryPrefix = "/tmp/nightjar-interop-"
    static let namespaceStem = "njtest-"
    private static let counter = Atomic<Int>(0)

    /// A new name for an interface; socket paths make it unique over all namespaces. At most 15 characters.
    static func interface() -> String {
        interfacePrefix + String(counter.add(1, ordering: .relaxed).newValue, radix: 36)
    }

    static func interfacePrefix(of processID: Int) -> String {
        "nj\(String(processID, radix: 36))_"
    }
}
