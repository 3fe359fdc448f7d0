import Glibc
package import LinuxNet

/// Files that appear as a whole or not at all.
package enum WholeFile {
    /// Writes a file of this content beside `path`, and puts it in its place.
    ///
    /// - Parameters:
    ///   - owner: whose it is to be; nil for the caller's.
    ///   - isDurable: whether it is on the disk when this returns, for what is to outlive a crash of the machine.
    static func replace(
        _ path: String, with bytes: [UInt8], mode: mode_t, owner: (user: uid_t, group: gid_t)? = nil, isDurable: Bool
    ) throws(SystemError) {
        let attempt = "write \(path)"
        let temporary = "\(path).new"
        try write(temporary, bytes, mode: mode, owner: owner, isDurable: isDurable, attempt)
        guard rename(temporary, path) == 0 else {
            let code = errno
            unlink(temporary)
            throw SystemError(code, attempt)
        }
        if isDurable { keepName(path) }
    }

    /// Makes a file that isn't there yet, for its owner alone. It is on the disk when this returns.
    ///
    /// - Throws: ``SystemError``, `EEXIST` when there is one, which then stays as it is.
    package static func create(_ path: String, with bytes: [UInt8]) throws(SystemError) {
        let attempt = "write \(path)"
        guard access(path, F_OK) != 0 else { throw SystemError(EEXIST, attempt) }
        let temporary = "\(path).new"
        try write(temporary, bytes, mode: 0o600, owner: nil, isDurable: true, attempt)
        defer { unlink(temporary) }
        // A second name never takes the place of a file, as renaming would.
        if link(temporary, path) != 0 {
            guard errno == EPERM || errno == EOPNOTSUPP else { throw SystemError(errno, attempt) }
            // File systems of memory cards have no second names.
            try write(path, bytes, mode: 0o600, owner: nil, isDurable: true, attempt, replaces: false)
        }
        keepName(path)
    }

    private static func write(
        _ path: String, _ bytes: [UInt8], mode: mode_t, owner: (user: uid_t, group: gid_t)?, isDurable: Bool,
        _ attempt: String, replaces: Bool = true
    ) throws(SystemError) {
        if replaces { unlink(path) }
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode)
        guard descriptor >= 0 else { throw SystemError(errno, attempt) }
        var code: Int32 = 0
        // A change of the owner takes some bits of the mode away.
        if let owner, fchown(descriptor, owner.user, owner.group) != 0 { code = errno }
        if code == 0, fchmod(descriptor, mode) != 0 { code = errno }
        var rest = bytes[...]
        while code == 0, !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if errno != EINTR {
                code = errno
            }
        }
        if code == 0, isDurable, fsync(descriptor) != 0 { code = errno }
        close(descriptor)
        guard code == 0 else {
            unlink(path)
            throw SystemError(code, attempt)
        }
    }

    /// Makes sure that the directory tells of the file also after a crash of the machine.
    private static func keepName(_ path: String) {
        let directory = open(
            path.lastIndex(of: "/").map { String(path[...$0]) } ?? ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { return }
        fsync(directory)
        close(directory)
    }
}
