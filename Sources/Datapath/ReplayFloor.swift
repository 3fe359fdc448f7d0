import Glibc
import LinuxNet
import Logging

/// A file of eight bytes that tells the next program how new the newest handshake was that this one took, so that none that was
/// recorded before is taken again after a crash. Obfuscation §1.8. Belongs to the control thread.
///
/// It is written in place, without waiting for a disk: it has to outlive the program, not the machine.
final class ReplayFloor {
    /// Milliseconds that a time in the file may lie ahead of the clock; one further ahead comes from a clock that was wrong.
    private static let most: Int64 = 3_600_000

    private let path: String?
    private let logger: Logger
    private var descriptor: Int32 = -1
    private var saved = Int64.min

    init(path: String?, logger: Logger) {
        self.path = path
        self.logger = logger
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    /// Opens the file, which is made if there is none, and returns from when on handshakes are taken, in milliseconds of Unix time: after
    /// the newest one that was, or after now if nobody knows.
    func begin() -> Int64 {
        let wall = Clock.wallTime()
        let now = wall.seconds &* 1000 &+ Int64(wall.nanoseconds / 1_000_000)
        guard let path else { return now }
        let directory = path.prefix(upTo: path.lastIndex(of: "/") ?? path.startIndex)
        if !directory.isEmpty { mkdir(String(directory), 0o700) }
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            logger.debug(
                "Can't keep the time of the newest handshake in \(path): \(SystemError.text(for: errno)); after a restart, only handshakes from then on are taken"
            )
            return now
        }
        var stored: Int64 = 0
        let count = withUnsafeMutableBytes(of: &stored) { pread(descriptor, $0.baseAddress, $0.count, 0) }
        stored = Int64(littleEndian: stored)
        guard count == MemoryLayout<Int64>.size, stored > 0, stored < now &+ Self.most else { return now }
        saved = stored
        return stored
    }

    /// Writes down the time of the newest handshake that was taken, if it isn't there yet.
    func save(_ newest: Int64) {
        guard descriptor >= 0, newest > saved else { return }
        saved = newest
        var value = newest.littleEndian
        _ = withUnsafeBytes(of: &value) { pwrite(descriptor, $0.baseAddress, $0.count, 0) }
    }
}
