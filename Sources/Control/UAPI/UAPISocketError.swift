import Glibc

/// Why a configuration socket can't be opened. Each description says what to do about it.
package enum UAPISocketError: Error, Equatable, CustomStringConvertible {
    /// Not an interface name: 1 to 15 bytes, without `/` or white space, and not `.` or `..`.
    case badName(String)
    /// The socket's path has more bytes than `limit`, the most that a Unix socket's address holds.
    case pathTooLong(String, limit: Int)
    case alreadyServed(interface: String, path: String)
    /// Something that isn't a socket has the socket's path.
    case notASocket(path: String)
    /// A descriptor that was handed over isn't a listening Unix stream socket.
    case notListening(descriptor: Int32)
    /// A system call on `path` failed.
    case failed(call: String, path: String, errno: Int32)

    package var description: String {
        switch self {
        case .badName(let name):
            """
            '\(name)' is no interface name: it needs 1 to 15 bytes, no '/' and no white space, \
            and may not be '.' or '..'
            """
        case .pathTooLong(let path, let limit):
            "the socket path \(path) is too long: at most \(limit) bytes are possible, so use a shorter directory"
        case .alreadyServed(let interface, let path):
            """
            interface \(interface) is already served by another process, which listens on \(path); \
            stop that process first, or remove the file to make it exit
            """
        case .notASocket(let path):
            "\(path) is in the way: it isn't a socket; remove it or move it elsewhere"
        case .notListening(let descriptor):
            "file descriptor \(descriptor) isn't a listening Unix stream socket; check WG_UAPI_FD"
        case .failed(let call, let path, let code):
            "\(path): \(call): \(String(cString: strerror(code)))"
        }
    }
}
