import Glibc

/// A connection to a daemon's configuration socket, for what `wg` never says.
final class ConfigurationSocket {
    private let descriptor: Int32

    init(_ interface: String) throws {
        let path = "\(Leftovers.socketDirectory)/\(interface).sock"
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var limit = timeval(tv_sec: 5, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        // Safe: the structure begins as zeros and the path is shorter than its field.
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let code = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, size) }
        }
        guard code == 0 else {
            let reason = String(cString: strerror(errno))
            close(descriptor)
            throw Failure("can't connect to \(path): \(reason)")
        }
    }

    deinit {
        close(descriptor)
    }

    /// Sends `text`, and returns the lines up to the next empty one; nil when the daemon closes the connection.
    func ask(_ text: String) throws -> [String]? {
        send(text)
        return try answer()
    }

    /// Sends `text` and waits for nothing. A daemon that closes the connection meanwhile shows in the answer.
    func send(_ text: String) {
        let bytes = Array(text.utf8)
        _ = Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }

    /// The lines of the next answer; nil when the daemon closes the connection.
    func answer() throws -> [String]? {
        var text: [UInt8] = []
        while !text.suffix(2).elementsEqual([0x0A, 0x0A]) {
            var byte: UInt8 = 0
            let count = recv(descriptor, &byte, 1, 0)
            guard count >= 0 || errno == ECONNRESET else {
                throw Failure("no answer: \(String(cString: strerror(errno)))")
            }
            guard count == 1 else { return nil }
            text.append(byte)
        }
        return String(decoding: text, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    /// Sends a `set` of these lines and returns the number after `errno=`.
    func set(_ lines: [String]) throws -> Int? {
        let answer = try ask((["set=1"] + lines).map { $0 + "\n" }.joined() + "\n")
        guard let line = answer?.first, answer?.count == 1, line.hasPrefix("errno=") else { return nil }
        return Int(line.dropFirst("errno=".count))
    }

    /// The lines of a `get`, without the `errno=0` at the end.
    func get() throws -> [String] {
        guard let answer = try ask("get=1\n\n"), answer.last == "errno=0" else { throw Failure("no answer to get=1") }
        return answer.dropLast()
    }
}
