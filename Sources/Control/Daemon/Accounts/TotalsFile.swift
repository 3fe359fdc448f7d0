import Glibc
import LinuxNet

/// The file that keeps an interface's totals from one daemon to the next. It is replaced as a whole, so that it is there after a crash at
/// any moment, and held, so that two daemons don't overwrite what the other has counted. Belongs to the control thread.
final class TotalsFile {
    let path: String
    /// What the file had in it; nothing when there was none.
    let totals: Totals
    /// Why what was there counts for nothing; nil when it does.
    let complaint: String?
    private var descriptor: Int32

    /// Bytes: some hundred thousand peers.
    private static let longest = 64 << 20
    /// Tries, 20 ms apart: the daemon before may be about to end.
    private static let patience = 50

    /// Opens the file of an interface, which is made if there is none, as its directory is.
    ///
    /// - Throws: also when another daemon has it.
    init(directory: String, interface: String) throws(SystemError) {
        path = "\(directory)/\(interface).totals"
        let attempt = "keep totals in \(path)"
        mkdir(directory, 0o700)
        descriptor = try Self.hold(path, attempt)
        var bytes: [UInt8]
        do throws(SystemError) {
            bytes = try FileBytes.read(descriptor, named: path, limit: Self.longest)
        } catch {
            close(descriptor)
            throw error
        }
        let read = bytes.isEmpty ? Totals() : Totals(bytes)
        totals = read ?? Totals()
        complaint = read == nil ? "\(path) isn't what Nightjar has written, so counting begins anew" : nil
    }

    deinit {
        close(descriptor)
    }

    /// Puts new totals in the file's place.
    ///
    /// - Parameter isLast: whether it is to be on the disk when this returns.
    func save(_ totals: Totals, isLast: Bool = false) throws(SystemError) {
        let attempt = "write \(path)"
        let temporary = "\(path).new"
        unlink(temporary)
        let new = open(temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard new >= 0 else { throw SystemError(errno, attempt) }
        var code: Int32 = 0
        var rest = totals.text[...]
        while code == 0, !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(new, $0.baseAddress, $0.count) }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if errno != EINTR {
                code = errno
            }
        }
        if code == 0, isLast, fsync(new) != 0 { code = errno }
        // Held before it has the name, so that nobody comes in between.
        if code == 0, flock(new, LOCK_EX | LOCK_NB) != 0 { code = errno }
        if code == 0, rename(temporary, path) != 0 { code = errno }
        guard code == 0 else {
            unlink(temporary)
            close(new)
            throw SystemError(code, attempt)
        }
        close(descriptor)
        descriptor = new
    }

    private static func hold(_ path: String, _ attempt: String) throws(SystemError) -> Int32 {
        for _ in 0..<patience {
            let number = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o600)
            guard number >= 0 else { throw SystemError(errno, attempt) }
            var held = stat()
            var named = stat()
            if flock(number, LOCK_EX | LOCK_NB) == 0 {
                // Whoever held it may have put another one in its place.
                if fstat(number, &held) == 0, stat(path, &named) == 0, held.st_ino == named.st_ino,
                    held.st_dev == named.st_dev
                {
                    return number
                }
                close(number)
                continue
            }
            let code = errno
            close(number)
            guard code == EWOULDBLOCK || code == EINTR else { throw SystemError(code, attempt) }
            usleep(20_000)
        }
        throw SystemError(
            EBUSY, attempt,
            advice:
                "the daemon of another interface of this name keeps its own there; give one of them another --state-dir"
        )
    }
}
