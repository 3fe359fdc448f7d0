import Glibc
import Logging
import Synchronization

/// The system's log, which syslog(3) writes to as well: datagrams to a socket that systemd's journal or a daemon for logs reads.
///
/// It never waits: what finds the socket full is lost, since the tunnel is more important than a line about it.
final class SystemLog: Sendable {
    static let path = "/dev/log"
    /// For daemons. RFC 5424 §6.2.1.
    private static let facility: Int32 = 3

    private let descriptor = Mutex<Int32>(-1)
    private let path: String

    init(path: String = SystemLog.path) {
        self.path = path
    }

    deinit {
        descriptor.withLock { if $0 >= 0 { close($0) } }
    }

    /// Whether there is one on this machine.
    static var isThere: Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFSOCK
    }

    /// The number of a level. RFC 5424 §6.2.1.
    static func severity(of level: Logger.Level) -> Int32 {
        switch level {
        case .critical: 2
        case .error: 3
        case .warning: 4
        case .notice: 5
        case .info: 6
        case .debug, .trace: 7
        }
    }

    func write(_ text: String, severity: Int32) {
        let line = Array("<\(Self.facility << 3 | severity)>\(timestamp()) nightjar[\(getpid())]: \(text)".utf8)
        descriptor.withLock { descriptor in
            // Whoever reads may have been started anew since the last line.
            for _ in 0..<2 {
                if descriptor < 0 { descriptor = connect() }
                guard descriptor >= 0 else { return }
                if send(descriptor, line, line.count, Int32(MSG_NOSIGNAL)) >= 0 || errno == EAGAIN { return }
                close(descriptor)
                descriptor = -1
            }
        }
    }

    private func connect() -> Int32 {
        let type = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let descriptor = socket(AF_UNIX, type, 0)
        guard descriptor >= 0 else { return -1 }
        if callWithPath(Glibc.connect, descriptor, path) == 0 { return descriptor }
        close(descriptor)
        return -1
    }

    /// `Nov 22 16:28:02`, as programs that read such lines expect it. RFC 3164 §4.1.2.
    private func timestamp() -> String {
        var seconds = time(nil)
        var fields = tm()
        localtime_r(&seconds, &fields)
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let day = fields.tm_mday < 10 ? " \(fields.tm_mday)" : "\(fields.tm_mday)"
        return "\(months[Int(fields.tm_mon)]) \(day) \(clockTime(fields))"
    }
}
