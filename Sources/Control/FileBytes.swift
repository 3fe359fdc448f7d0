import Glibc
package import LinuxNet

/// Files, pipes and terminals that are read whole.
package enum FileBytes {
    /// The bytes of a file, which may hold keys: overwrite them after use.
    ///
    /// - Throws: ``SystemError``, `EFBIG` when there are more than `limit` bytes.
    package static func read(_ path: String, limit: Int = 64 << 20) throws(SystemError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemError(errno, "read \(path)", advice: advice(errno)) }
        defer { close(descriptor) }
        return try read(descriptor, named: path, limit: limit)
    }

    /// What can be read from a descriptor until its end.
    static func read(_ descriptor: Int32, named path: String, limit: Int) throws(SystemError) -> [UInt8] {
        var bytes: [UInt8] = []
        var size = stat()
        let expected = fstat(descriptor, &size) == 0 ? Int(size.st_size) : 0
        bytes.reserveCapacity(max(4096, min(expected, limit) + 1))
        let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)
        defer {
            chunk.wipe()
            chunk.deallocate()
        }
        while true {
            let count = Glibc.read(descriptor, chunk.baseAddress, chunk.count)
            if count == 0 { return bytes }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                let code = errno
                bytes.wipe()
                throw SystemError(code, "read \(path)", advice: advice(code))
            }
            guard count <= limit - bytes.count else {
                bytes.wipe()
                throw SystemError(EFBIG, "read \(path)", advice: "at most \(limit) bytes are taken")
            }
            bytes.makeRoom(for: count)
            bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: chunk[..<count]))
        }
    }

    private static func advice(_ code: Int32) -> String? {
        code == EACCES || code == EPERM ? "run as root, or as the file's owner" : nil
    }
}

extension [UInt8] {
    /// Makes sure that so many more bytes fit, without leaving a copy of those that are there behind.
    fileprivate mutating func makeRoom(for more: Int) {
        guard capacity - count < more else { return }
        var larger: [UInt8] = []
        larger.reserveCapacity(Swift.max(2 * capacity, count + more))
        larger += self
        wipe()
        self = larger
    }
}
