import Glibc
import LinuxNet

/// Keeps the times before which no dated handshake is taken from one run of the program to the next.
struct ReplayFloorFile {
    /// Milliseconds of Unix time.
    struct Floors: Equatable {
        var clients: Int64
        var endpoint: Int64
    }

    let path: String

    /// Nil when there is no such file yet.
    func read() throws(SystemError) -> Floors? {
        let attempt = "read \(path)"
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw SystemError(errno, attempt)
        }
        let file = OwnedDescriptor(owning: descriptor)
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = Glibc.read(file.number, &bytes, bytes.count)
        guard count >= 0 else { throw SystemError(errno, attempt) }
        let words = String(decoding: bytes[..<count], as: UTF8.self).split { $0.isWhitespace }
        guard words.count == 4, words[0] == "clients", words[2] == "endpoint", let clients = Int64(words[1]),
            let endpoint = Int64(words[3]), clients >= 0, endpoint >= 0
        else { throw SystemError(EINVAL, attempt, advice: "it isn't what a relay writes: delete it") }
        return Floors(clients: clients, endpoint: endpoint)
    }

    /// Replaces the file as a whole.
    func write(_ floors: Floors) throws(SystemError) {
        let attempt = "write \(path)"
        let new = path + ".new"
        let descriptor = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SystemError(errno, attempt) }
        let file = OwnedDescriptor(owning: descriptor)
        let text = Array("clients \(floors.clients)\nendpoint \(floors.endpoint)\n".utf8)
        guard Glibc.write(file.number, text, text.count) == text.count, rename(new, path) == 0 else {
            let code = errno
            unlink(new)
            throw SystemError(code, attempt)
        }
    }
}
