import Control
import Glibc
import LinuxNet

/// A file as it is in its directory; a symbolic link is itself, not what it leads to.
enum FileState: Equatable {
    case none
    /// Where the link leads, as it is written in it.
    case link(target: String)
    case regular
    case other
}

/// The few things that are done with resolv.conf and its copies. Each either happens or throws.
enum FileAccess {
    static func state(_ path: String) throws(SystemError) -> FileState {
        var status = stat()
        guard lstat(path, &status) == 0 else {
            if errno == ENOENT { return .none }
            throw SystemError(errno, "look at \(path)")
        }
        switch status.st_mode & S_IFMT {
        case S_IFREG: return .regular
        case S_IFLNK: return .link(target: try linkTarget(path))
        default: return .other
        }
    }

    /// What tells a file from all others, links not followed; nil when there is none.
    static func identity(_ path: String) -> FileIdentity? {
        var status = stat()
        return lstat(path, &status) == 0 ? FileIdentity(device: status.st_dev, inode: status.st_ino) : nil
    }

    static func linkTarget(_ path: String) throws(SystemError) -> String {
        var target = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink(path, &target, target.count)
        guard count >= 0 else { throw SystemError(errno, "read the link \(path)") }
        return String(decoding: target[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// The content, links followed; empty when there is none. At most ``ResolvConf/longest`` bytes.
    static func read(_ path: String) throws(SystemError) -> ResolvConf {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            if errno == ENOENT { return ResolvConf([]) }
            throw SystemError(errno, "read \(path)")
        }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw SystemError(errno, "read \(path)") }
            guard count > 0 else { return ResolvConf(bytes) }
            bytes += chunk[..<count]
            guard bytes.count <= ResolvConf.longest else {
                throw SystemError(EFBIG, "read \(path)", advice: "that is no resolver's configuration")
            }
        }
    }

    /// Makes a file of this content, mode and owner appear at `path` as a whole, in place of what is there, and on disk
    /// when this returns.
    static func replace(_ path: String, with content: ResolvConf, like model: String?) throws(SystemError) {
        let temporary = temporary(for: path)
        unlink(temporary)
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o644)
        guard descriptor >= 0 else { throw error(errno, "create \(temporary)") }
        var code: Int32 = 0
        var status = stat()
        if let model, lstat(model, &status) == 0, status.st_mode & S_IFMT == S_IFREG {
            if fchown(descriptor, status.st_uid, status.st_gid) != 0 { code = errno }
            if fchmod(descriptor, status.st_mode & 0o7777) != 0 { code = errno }
        } else if fchmod(descriptor, 0o644) != 0 {
            code = errno
        }
        if code == 0 { code = write(content.text, to: descriptor) }
        if code == 0, fsync(descriptor) != 0 { code = errno }
        close(descriptor)
        if code == 0, rename(temporary, path) != 0 { code = errno }
        guard code == 0 else {
            unlink(temporary)
            throw error(code, "replace \(path)")
        }
        syncDirectory(of: path)
    }

    /// Writes into the file that is there. At every moment it holds the content before or `content`, the latter perhaps
    /// followed by empty lines: what is shorter than the content before is filled up, and then cut off.
    static func overwrite(_ path: String, with content: ResolvConf) throws(SystemError) {
        let descriptor = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw error(errno, "write \(path)") }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw SystemError(EINVAL, "write \(path)", advice: "it isn't a regular file")
        }
        let missing = min(max(0, Int(status.st_size) - content.text.count), ResolvConf.longest)
        let code = write(content.text + [UInt8](repeating: UInt8(ascii: "\n"), count: missing), to: descriptor)
        guard code == 0, ftruncate(descriptor, off_t(content.text.count)) == 0, fsync(descriptor) == 0 else {
            throw error(code == 0 ? errno : code, "write \(path)")
        }
    }

    /// Moves a file over another one, on disk when this returns.
    static func move(_ source: String, over target: String) throws(SystemError) {
        guard rename(source, target) == 0 else { throw error(errno, "replace \(target)") }
        syncDirectory(of: target)
    }

    /// Removes a file, which need not be there.
    static func remove(_ path: String) throws(SystemError) {
        guard unlink(path) == 0 || errno == ENOENT else { throw SystemError(errno, "remove \(path)") }
        syncDirectory(of: path)
    }

    /// Where the next content of a file is gathered; a crash may leave it.
    static func temporary(for path: String) -> String { "\(path).nightjar~" }

    /// The error of a change that failed, with what a person can do about it.
    static func error(_ code: Int32, _ attempt: String) -> SystemError {
        let advice: String? =
            switch code {
            case EPERM: "run as root; a file may also be protected by 'chattr +i'"
            case EACCES: "run as root"
            default: nil
            }
        return SystemError(code, attempt, advice: advice)
    }

    static func syncDirectory(of path: String) {
        let descriptor = open(directory(of: path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        // Without effect on file systems that don't know it, which lose nothing then either.
        fsync(descriptor)
        close(descriptor)
    }

    static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    static func name(of path: String) -> String {
        String(path[(path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex)...])
    }

    /// Names in a directory; none when it can't be read.
    static func names(in path: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            names.append(name)
        }
        return names.sorted()
    }

    /// 0, or the `errno` value.
    private static func write(_ bytes: [UInt8], to descriptor: Int32) -> Int32 {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return count == 0 ? EIO : errno }
            rest = rest.dropFirst(count)
        }
        return 0
    }
}

struct FileIdentity: Hashable {
    let device: dev_t
    let inode: ino_t
}
