import Glibc

/// A system call of set-up or control that failed: what was attempted, why it failed, and what to do about it.
package struct SystemError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The `errno` value.
    package let code: Int32
    /// What was attempted, as it follows "cannot": "open /dev/net/tun".
    package let attempt: String
    /// What the kernel itself says about it beside the code, for some netlink requests.
    package let detail: String?
    /// What a person can do about it, where that is known.
    package let advice: String?

    /// Takes the usual advice for `code` unless `advice` says better, or the kernel's own words say more.
    package init(_ code: Int32, _ attempt: String, detail: String? = nil, advice: String? = nil) {
        self.code = code
        self.attempt = attempt
        self.detail = detail
        self.advice = advice ?? (detail == nil ? Self.usualAdvice(for: code) : nil)
    }

    /// One line: "cannot open /dev/net/tun: No such file or directory (load the tun module …)".
    package var description: String {
        let words = [Self.text(for: code), detail].compactMap { $0 }.joined(separator: ": ")
        let reason = "cannot \(attempt): \(words)"
        return advice.map { "\(reason) (\($0))" } ?? reason
    }

    /// The system's text for an `errno` value.
    package static func text(for code: Int32) -> String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
            guard let start = buffer.baseAddress, strerror_r(code, start, buffer.count) == 0 else {
                return "error \(code)"
            }
            return String(cString: start)
        }
    }

    /// The error that `errno` holds now.
    static func last(_ attempt: String, advice: String? = nil) -> SystemError {
        SystemError(errno, attempt, advice: advice)
    }

    private static func usualAdvice(for code: Int32) -> String? {
        switch code {
        case EPERM, EACCES: "this needs CAP_NET_ADMIN: run as root"
        case EADDRINUSE: "another program uses this UDP port: choose another listen port, or 0 for any"
        case EMFILE, ENFILE: "too many open files: raise the limit with ulimit -n"
        case ENODEV, ENXIO: "the interface is gone"
        default: nil
        }
    }
}
