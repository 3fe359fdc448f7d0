import Control
import Glibc
import LinuxNet

/// A tunnel's edit of resolv.conf: where the file is and where the one before is kept.
///
/// The former file itself is moved aside, under a name beside resolv.conf: a second name for it is made first, then the
/// new file takes its place, so that there is no moment without one, and taking it back is one renaming, which restores
/// content, link, mode and owner alike. It lies beside, and not in /run, because the edit outlives a crash of the machine
/// too, and because somebody who looks for the former file looks there.
package struct ResolvConfEdit: Codable, Hashable, Sendable {
    /// `/etc/resolv.conf`.
    let path: String
    /// `/etc/resolv.conf.nightjar-wg0`.
    let backup: String
    /// Whether the file is mounted over another one, as containers and `ip netns exec` do it. It is written into then:
    /// it can't be replaced.
    let isMountPoint: Bool

    /// What became of an edit.
    package enum Outcome: Equatable, Sendable {
        /// There was no edit, or it had been taken back.
        case nothing
        case restored
        /// Another tunnel's edit is on top of this one, and will be followed by what was before both.
        case leftToAnotherTunnel
        /// Somebody changed the file meanwhile, as the sentence says.
        case changedMeanwhile(String)
    }

    /// The edit for a tunnel of this file. Nothing is changed yet.
    ///
    /// - Parameter spareDirectory: where the former file is kept when the directory of `path` can't be written to, as in
    ///   containers with a fixed image. Made when it is needed.
    init(path: String, interface: String, spareDirectory: String) throws(SystemError) {
        self.path = path
        isMountPoint = MountPoints.contains(path)
        var directory = FileAccess.directory(of: path)
        if access(directory, W_OK) != 0 {
            directory = spareDirectory
            try Self.makeDirectory(directory)
        }
        backup = Self.backupStem(path, in: directory, isMountPoint: isMountPoint) + interface
    }

    /// Puts the former file aside and the tunnel's in its place. When it throws, all is as before.
    func apply(_ setting: DNSSetting) throws(SystemError) {
        let lock = DirectoryLock(FileAccess.directory(of: path))
        defer { lock.release() }
        // What a run that ended badly has left would else be taken for the former file.
        _ = try takeBack(setting.interface)
        let state = try FileAccess.state(path)
        guard state != .other else {
            throw SystemError(EINVAL, "replace \(path)", advice: "it isn't a regular file")
        }
        let former = try FileAccess.read(path)
        try keep(state, former)
        do throws(SystemError) {
            let text = former.replaced(by: setting, backup: backup)
            if isMountPoint {
                try FileAccess.overwrite(path, with: text)
            } else {
                try FileAccess.replace(path, with: text, like: path)
            }
        } catch {
            try? FileAccess.remove(backup)
            throw error
        }
    }

    /// Puts the former file back, as far as that is still right. Does nothing the second time.
    func restore(_ interface: String) throws(SystemError) -> Outcome {
        let lock = DirectoryLock(FileAccess.directory(of: path))
        defer { lock.release() }
        return try takeBack(interface)
    }

    /// The servers and search domains of a tunnel, as its lines have them now; nil when it has none there.
    func current(_ interface: String) -> ResolvConf? {
        let places = [path] + chainedBackups
        return places.lazy.compactMap { try? FileAccess.read($0) }.first { $0.block?.interface == interface }
    }
}

// MARK: - Taking back

extension ResolvConfEdit {
    private func takeBack(_ interface: String) throws(SystemError) -> Outcome {
        for unfinished in [path, backup] { unlink(FileAccess.temporary(for: unfinished)) }
        guard try FileAccess.state(backup) != .none else { return .nothing }
        guard try FileAccess.state(path) != .none else {
            try putBack()
            return .restored
        }
        let current = try FileAccess.read(path)
        guard let block = current.block else { return try discard(current) }
        guard block.interface == interface else { return try leaveChain(interface) }
        if block.isPristine {
            try putBack()
            return .restored
        }
        return try putBack(with: block.others)
    }

    /// The former file takes its place again.
    private func putBack() throws(SystemError) {
        let state = try FileAccess.state(backup)
        if state == .link(target: Self.noFile) {
            if isMountPoint {
                try FileAccess.overwrite(path, with: ResolvConf([]))
            } else {
                try FileAccess.remove(path)
            }
            return try FileAccess.remove(backup)
        }
        if isMountPoint {
            try FileAccess.overwrite(path, with: try FileAccess.read(backup))
            return try FileAccess.remove(backup)
        }
        do throws(SystemError) {
            try FileAccess.move(backup, over: path)
            // Two names of one file: renaming does nothing then.
            try FileAccess.remove(backup)
        } catch {
            guard error.code == EXDEV, state == .regular else { throw error }
            try FileAccess.replace(path, with: try FileAccess.read(backup), like: backup)
            try FileAccess.remove(backup)
        }
    }

    /// The former file takes its place again, with the lines that somebody has added meanwhile.
    private func putBack(with others: [ArraySlice<UInt8>]) throws(SystemError) -> Outcome {
        let hasServers = !ResolvConf(Array(others.joined(separator: [UInt8(ascii: "\n")]))).nameservers.isEmpty
        guard try FileAccess.state(backup) == .regular else {
            // A link's file belongs to another program: nothing can be added there.
            guard hasServers else {
                try putBack()
                return .changedMeanwhile("\(path) was changed meanwhile; the former one is back, without the changes")
            }
            let rest = ResolvConf([]).adding(others)
            try isMountPoint
                ? FileAccess.overwrite(path, with: rest) : FileAccess.replace(path, with: rest, like: path)
            let target = try? FileAccess.linkTarget(backup)
            try FileAccess.remove(backup)
            return .changedMeanwhile(
                "\(path) was changed meanwhile and keeps the changes"
                    + (target.map { $0 == Self.noFile ? "" : "; it was a link to \($0) before" } ?? ""))
        }
        let merged = try FileAccess.read(backup).adding(others)
        if isMountPoint {
            try FileAccess.overwrite(path, with: merged)
        } else {
            try FileAccess.replace(path, with: merged, like: backup)
        }
        try FileAccess.remove(backup)
        return .changedMeanwhile("\(path) was changed meanwhile: the former one is back, with what was added to it")
    }

    /// The file isn't a tunnel's: either it is the former one, or another program has put its own there.
    private func discard(_ current: ResolvConf) throws(SystemError) -> Outcome {
        let isLink = try FileAccess.state(backup) == .link(target: Self.noFile)
        let former = isLink ? ResolvConf([]) : try FileAccess.read(backup)
        let isSame = FileAccess.identity(path) == FileAccess.identity(backup) || current == former
        if isMountPoint, !isSame, current.text.starts(with: former.text),
            current.text.dropFirst(former.text.count).allSatisfy({ $0 == UInt8(ascii: "\n") })
        {
            // A crash came before the empty lines were cut off.
            try putBack()
            return .restored
        }
        try FileAccess.remove(backup)
        return isSame
            ? .nothing
            : .changedMeanwhile("\(path) was replaced by another program meanwhile and stays as that has written it")
    }

    /// Another tunnel came later: it gets what was before this one.
    private func leaveChain(_ interface: String) throws(SystemError) -> Outcome {
        for later in chainedBackups where later != backup {
            guard let block = try FileAccess.read(later).block, block.interface == interface else { continue }
            if block.isPristine || block.others.allSatisfy(\.isEmpty) {
                try FileAccess.move(backup, over: later)
                return .leftToAnotherTunnel
            }
            let merged = try FileAccess.read(backup).adding(block.others)
            try FileAccess.replace(later, with: merged, like: backup)
            try FileAccess.remove(backup)
            return .changedMeanwhile("\(path) was changed meanwhile; the changes come back with the former file")
        }
        try FileAccess.remove(backup)
        return .changedMeanwhile("\(path) was replaced by another program meanwhile and stays as that has written it")
    }
}

// MARK: - Backups

extension ResolvConfEdit {
    /// The edits of this file that are in place or were left, with the interfaces that they are for.
    static func all(path: String, spareDirectory: String) -> [(interface: String, edit: ResolvConfEdit)] {
        let isMountPoint = MountPoints.contains(path)
        var edits: [(interface: String, edit: ResolvConfEdit)] = []
        let usual = FileAccess.directory(of: path)
        for directory in usual == spareDirectory ? [usual] : [usual, spareDirectory] {
            let stem = backupStem(path, in: directory, isMountPoint: isMountPoint)
            for name in FileAccess.names(in: directory) where "\(directory)/\(name)".hasPrefix(stem) {
                let backup = "\(directory)/\(name)"
                let interface = String(backup.dropFirst(stem.count))
                guard !interface.isEmpty, !interface.contains("@"), !interface.hasSuffix("~") else { continue }
                edits.append((interface, ResolvConfEdit(path: path, backup: backup, isMountPoint: isMountPoint)))
            }
        }
        return edits
    }

    /// What is before every interface's name in the names of kept files. Several mounted files may share a directory, so
    /// theirs have the file's identity in them.
    private static func backupStem(_ path: String, in directory: String, isMountPoint: Bool) -> String {
        let stem = "\(directory == "/" ? "" : directory)/\(FileAccess.name(of: path)).nightjar-"
        guard isMountPoint, let identity = FileAccess.identity(path) else { return stem }
        return "\(stem)@\(String(identity.device, radix: 16))-\(String(identity.inode, radix: 16))@"
    }

    private init(path: String, backup: String, isMountPoint: Bool) {
        self.path = path
        self.backup = backup
        self.isMountPoint = isMountPoint
    }

    private var chainedBackups: [String] {
        Self.all(path: path, spareDirectory: FileAccess.directory(of: backup)).map(\.edit.backup)
    }

    /// The target of the link that stands for a file that wasn't there.
    private static var noFile: String { "no-file-was-here" }

    /// Gives the file, or a copy of it, the second name under which it is found again.
    private func keep(_ state: FileState, _ content: ResolvConf) throws(SystemError) {
        if state == .none { return try link(to: Self.noFile) }
        if !isMountPoint, Glibc.link(path, backup) == 0 { return FileAccess.syncDirectory(of: backup) }
        // Another mount, or a file system without second names.
        if case .link(let target) = state { return try link(to: target) }
        try FileAccess.replace(backup, with: content, like: path)
    }

    private func link(to target: String) throws(SystemError) {
        guard symlink(target, backup) == 0 else { throw SystemError(errno, "create \(backup)") }
        FileAccess.syncDirectory(of: backup)
    }

    private static func makeDirectory(_ path: String) throws(SystemError) {
        var parents = [path]
        while let last = parents.last, last != "/", last != "." { parents.append(FileAccess.directory(of: last)) }
        for directory in parents.reversed() {
            guard mkdir(directory, 0o755) == 0 || errno == EEXIST else {
                throw SystemError(errno, "create \(directory)")
            }
        }
    }
}

/// Keeps two tunnels that come up or go down at the same time from editing at once.
private struct DirectoryLock {
    private let descriptor: Int32

    /// Waits for at most five seconds, since somebody else may hold the lock for ever.
    init(_ path: String) {
        descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        var tries = 0
        while descriptor >= 0, flock(descriptor, LOCK_EX | LOCK_NB) != 0, tries < 250 {
            tries += 1
            usleep(20_000)
        }
    }

    func release() {
        if descriptor >= 0 { close(descriptor) }
    }
}
