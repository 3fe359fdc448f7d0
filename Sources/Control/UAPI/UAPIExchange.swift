import Glibc
import LinuxNet

/// One operation on a connection of its own: a request goes out, an answer comes in. UAPI Part 1.
///
/// A program that doesn't take or give a byte for half a minute is given up.
struct UAPIExchange: ~Copyable {
    private let descriptor: OwnedDescriptor
    private let attempt: String

    /// Connects to the socket at `path`.
    ///
    /// - Parameter attempt: what errors say was tried.
    init(_ path: String, _ attempt: String) throws(SystemError) {
        descriptor = try Self.connect(path, attempt)
        self.attempt = attempt
    }

    private static func connect(_ path: String, _ attempt: String) throws(SystemError) -> OwnedDescriptor {
        guard path.utf8.count < MemoryLayout.size(ofValue: sockaddr_un().sun_path) else {
            throw SystemError(ENAMETOOLONG, attempt)
        }
        let number = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard number >= 0 else { throw SystemError(errno, attempt) }
        let descriptor = OwnedDescriptor(owning: number)
        var patience = timeval(tv_sec: 30, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(number, SOL_SOCKET, option, &patience, socklen_t(MemoryLayout<timeval>.size))
        }
        guard callWithPath(Glibc.connect, number, path) == 0 else { throw failure(errno, attempt) }
        return descriptor
    }

    /// Sends all of `request`, or less when the other side has stopped reading because it has answered already.
    func send(_ request: [UInt8]) throws(SystemError) {
        var sent = 0
        while sent < request.count {
            let count = request[sent...].withUnsafeBytes {
                Glibc.send(descriptor.number, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count > 0 {
                sent += count
            } else if errno == EPIPE || errno == ECONNRESET {
                return
            } else if errno != EINTR {
                throw Self.failure(errno, attempt)
            }
        }
    }

    /// Hands what arrives to `body` until that returns something.
    func receive<Answer>(
        _ body: (UnsafeRawBufferPointer) throws(SystemError) -> Answer?
    ) throws(SystemError) -> Answer {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)
        defer {
            buffer.wipe()
            buffer.deallocate()
        }
        while true {
            let count = recv(descriptor.number, buffer.baseAddress, buffer.count, 0)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw count == 0 ? noAnswer : Self.failure(errno, attempt) }
            if let answer = try body(UnsafeRawBufferPointer(rebasing: buffer[..<count])) { return answer }
        }
    }

    /// The connection ended before the answer did.
    private var noAnswer: SystemError {
        SystemError(EPROTO, attempt, advice: "the program that serves it closed the connection without an answer")
    }

    private static func failure(_ code: Int32, _ attempt: String) -> SystemError {
        switch code {
        case EAGAIN: SystemError(ETIMEDOUT, attempt, advice: "the program that serves it doesn't answer")
        case EACCES, EPERM: SystemError(code, attempt, advice: "only the user who runs it may: run as root")
        default: SystemError(code, attempt)
        }
    }
}
