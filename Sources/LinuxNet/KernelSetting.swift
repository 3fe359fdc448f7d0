import Glibc

/// The kernel's settings under /proc/sys, in the network namespace of the calling thread. As `sysctl`.
package enum KernelSetting {
    /// The value without the line's end.
    ///
    /// - Parameter path: as `net/ipv4/conf/all/src_valid_mark`.
    /// - Throws: ``SystemError``, `ENOENT` when this kernel or namespace has no such setting.
    package static func read(_ path: String) throws(SystemError) -> String {
        let attempt = "read /proc/sys/\(path)"
        let number = open("/proc/sys/\(path)", O_RDONLY | O_CLOEXEC)
        guard number >= 0 else { throw .last(attempt) }
        let descriptor = OwnedDescriptor(owning: number)
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = Glibc.read(descriptor.number, &bytes, bytes.count)
        guard count >= 0 else { throw .last(attempt) }
        return String(decoding: bytes.prefix(count).prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    }

    /// - Parameter path: as `net/ipv4/conf/all/src_valid_mark`.
    package static func write(_ value: String, to path: String) throws(SystemError) {
        let attempt = "write \(value) to /proc/sys/\(path)"
        let number = open("/proc/sys/\(path)", O_WRONLY | O_CLOEXEC)
        guard number >= 0 else { throw .last(attempt, advice: advice(for: errno)) }
        let descriptor = OwnedDescriptor(owning: number)
        let bytes = Array(value.utf8)
        guard Glibc.write(descriptor.number, bytes, bytes.count) == bytes.count else { throw .last(attempt) }
    }

    private static func advice(for code: Int32) -> String? {
        code == EROFS ? "a container without its own /proc/sys needs this set from outside" : nil
    }
}
