import Glibc
import LinuxNet

/// Files that appear as a whole or not at all.
enum WholeFile {
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
        unlink(temporary)
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode)
        guard descriptor >= 0 else { throw SystemError(errno, attempt) }
        var code: Int32 = 0
        // A change of the owner takes some bits of the mode away.
        if let owner, fchown(descriptor, owner.user, owner.group) != 0 { code = errno }
        if code == 0, fchmod(descriptor, mode) != 0 { code = errno }
        var rest = bytes[...]
        while code == 0, !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if errno != EINTR {
                code = errno
            }
        }
        if code == 0, isDurable, fsync(descriptor) != 0 { code = errno }
        close(descriptor)
        if code == 0, rename(temporary, path) != 0 { code = errno }
        guard code == 0 else {
            unlink(temporary)
            throw SystemError(code, attempt)
        }
        guard isDurable else { return }
        let directory = open(
            path.lastIndex(of: "/").map { String(path[...$0]) } ?? ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if directory >= 0 {
            fsync(directory)
            close(directory)
        }
    }
}
