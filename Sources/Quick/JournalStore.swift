import FoundationEssentials
import Glibc
import LinuxNet

/// The directory of journals and locks: `IF.json` and `IF.lock`, for root alone.
struct JournalStore {
    let directory: String

    /// Nil when there is none.
    ///
    /// - Throws: ``QuickError`` when there is one that can't be read.
    func load(_ interface: String) throws(QuickError) -> Journal? {
        let path = path(interface)
        guard let data = FileManager.default.contents(atPath: path) else {
            guard access(path, F_OK) != 0 else { throw QuickError("\(path) can't be read: run as root") }
            return nil
        }
        guard let journal = try? JSONDecoder().decode(Journal.self, from: data), journal.version == 1 else {
            throw QuickError(
                "\(path) is not a journal of this version of Nightjar; move it away, and look for what it tells of")
        }
        return journal
    }

    /// Those of all interfaces of this network namespace but `interface`.
    func others(than interface: String) -> [Journal] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        let namespace = Journal.currentNamespace
        return names.compactMap { name in
            guard name.hasSuffix(".json"), name != "\(interface).json" else { return nil }
            let journal = try? load(String(name.dropLast(5)))
            return journal.flatMap { $0.namespace == namespace ? $0 : nil }
        }
    }

    /// Puts the journal in place of the former one, as a whole or not at all.
    func save(_ journal: Journal) throws(SystemError) {
        let path = path(journal.interface)
        let attempt = "write \(path)"
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(journal) else { throw SystemError(EINVAL, attempt) }
        try WholeFile.replace(path, with: Array(data), mode: 0o600, isDurable: false)
    }

    func remove(_ interface: String) throws(SystemError) {
        let path = path(interface)
        guard unlink(path) == 0 || errno == ENOENT else { throw SystemError(errno, "remove \(path)") }
    }

    /// Makes the directory unless it is there.
    func make() throws(SystemError) {
        let parent = directory.lastIndex(of: "/").map { String(directory[..<$0]) } ?? "/"
        for (path, mode) in [(parent, mode_t(0o755)), (directory, 0o700)] {
            guard mkdir(path, mode) == 0 || errno == EEXIST else {
                let code = errno
                removeIfEmpty()
                throw SystemError(code, "create \(path)")
            }
        }
    }

    /// Removes the directory if nothing is in it.
    func removeIfEmpty() {
        guard rmdir(directory) == 0 || errno == ENOENT else { return }
        if let slash = directory.lastIndex(of: "/") { rmdir(String(directory[..<slash])) }
    }

    private func path(_ interface: String) -> String { "\(directory)/\(interface).json" }
}

/// Keeps two programs from bringing the same interface up or down at the same time, as long as it lives.
final class InterfaceLock {
    private let store: JournalStore
    private let path: String
    private let descriptor: Int32

    init(_ interface: String, in store: JournalStore) throws {
        let path = "\(store.directory)/\(interface).lock"
        while true {
            try store.make()
            let number = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
            // Another program has just removed the empty directory.
            if number < 0, errno == ENOENT { continue }
            guard number >= 0 else {
                let code = errno
                store.removeIfEmpty()
                throw SystemError(code, "create \(path)")
            }
            guard flock(number, LOCK_EX | LOCK_NB) == 0 else {
                let code = errno
                close(number)
                guard code == EWOULDBLOCK else { throw SystemError(code, "lock \(path)") }
                throw QuickError(
                    "\(interface) is being brought up, down or reloaded by another process; try again when it is done")
            }
            // The file may have been removed by its former owner in between.
            if Self.isSame(number, path) {
                // What somebody who was killed has begun to write.
                unlink("\(store.directory)/\(interface).json.new")
                self.store = store
                self.path = path
                descriptor = number
                return
            }
            close(number)
        }
    }

    deinit {
        unlink(path)
        close(descriptor)
        store.removeIfEmpty()
    }

    private static func isSame(_ descriptor: Int32, _ path: String) -> Bool {
        var held = stat()
        var named = stat()
        return fstat(descriptor, &held) == 0 && stat(path, &named) == 0 && held.st_ino == named.st_ino
            && held.st_dev == named.st_dev
    }
}

extension JournalStore {
    /// Runs `body` while no other program chooses a table, a mark or a priority. What it has chosen has to be in its
    /// journal when it returns. The caller holds an interface's lock, so the directory stays.
    func whileChoosing<Result>(_ body: () throws -> Result) throws -> Result {
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemError(errno, "open \(directory)") }
        defer { close(descriptor) }
        while flock(descriptor, LOCK_EX) != 0 {
            guard errno == EINTR else { throw SystemError(errno, "lock \(directory)") }
        }
        return try body()
    }
}
