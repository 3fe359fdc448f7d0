import Glibc
package import LinuxNet

/// Where a command reads and writes.
package protocol CommandConsole: AnyObject {
    /// All of the standard input, of at most `limit` bytes.
    func read(limit: Int) throws(SystemError) -> [UInt8]
    /// Writes to the standard output.
    func write(_ bytes: [UInt8]) throws(SystemError)
    /// Writes a line to the standard error output.
    func complain(_ line: String)
    /// Whether the standard output is a terminal.
    var isTerminal: Bool { get }
    /// Whether the standard output is a file that everybody may read or change.
    var isWorldAccessible: Bool { get }
}

/// The process's own descriptors 0, 1 and 2.
package final class StandardConsole: CommandConsole {
    package init() {}

    package func read(limit: Int) throws(SystemError) -> [UInt8] {
        try FileBytes.read(STDIN_FILENO, named: "the standard input", limit: limit)
    }

    package func write(_ bytes: [UInt8]) throws(SystemError) {
        guard let code = Self.write(bytes, to: STDOUT_FILENO) else { return }
        throw SystemError(code, "write to the standard output")
    }

    package func complain(_ line: String) {
        _ = Self.write(Array("\(line)\n".utf8), to: STDERR_FILENO)
    }

    package var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

    package var isWorldAccessible: Bool {
        var status = stat()
        return fstat(STDOUT_FILENO, &status) == 0 && status.st_mode & S_IFMT == S_IFREG && status.st_mode & 0o007 != 0
    }

    /// Returns the errno of a failure.
    private static func write(_ bytes: [UInt8], to descriptor: Int32) -> Int32? {
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count >= 0 {
                written += count
            } else if errno != EINTR {
                return errno
            }
        }
        return nil
    }
}
