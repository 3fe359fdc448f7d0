import Control
import Glibc
import LinuxNet

/// A file that is read, thought about, and replaced as a whole, by one program at a time.
final class LockedFile {
    let bytes: [UInt8]
    private let path: String
    private var descriptor: Int32
    private let status: stat

    /// Waits for others that have it.
    init(_ path: String) throws {
        while true {
            let number = open(path, O_RDONLY | O_CLOEXEC)
            guard number >= 0 else {
                throw SystemError(errno, "read \(path)", advice: errno == EACCES ? "run as root" : nil)
            }
            while flock(number, LOCK_EX) != 0 {
                guard errno == EINTR else {
                    let code = errno
                    close(number)
                    throw SystemError(code, "lock \(path)")
                }
            }
            var held = stat()
            var named = stat()
            // Whoever had the lock may have put another file in its place.
            if fstat(number, &held) == 0, stat(path, &named) == 0, held.st_ino == named.st_ino,
                held.st_dev == named.st_dev
            {
                descriptor = number
                status = held
                break
            }
            close(number)
        }
        self.path = path
        do {
            bytes = try FileBytes.read(path)
        } catch {
            close(descriptor)
            throw error
        }
    }

    deinit {
        close(descriptor)
    }

    /// - Throws: when somebody has changed the file, which then stays as it is.
    func replace(with bytes: [UInt8]) throws {
        var named = stat()
        guard stat(path, &named) == 0, named.st_ino == status.st_ino, named.st_dev == status.st_dev,
            try FileBytes.read(path) == self.bytes
        else {
            throw QuickError("\(path) has been changed by another program meanwhile; nothing is changed. Try again")
        }
        try write(bytes)
    }

    /// Puts back what was read.
    func restore() throws {
        try write(bytes)
    }

    private func write(_ bytes: [UInt8]) throws(SystemError) {
        try WholeFile.replace(
            path, with: bytes, mode: status.st_mode & 0o7777, owner: (status.st_uid, status.st_gid), isDurable: true)
    }
}
