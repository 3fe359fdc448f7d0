import Glibc
package import LinuxNet

/// The service manager that started this program and waits for its reports, as sd_notify(3) describes them.
///
/// systemd names a datagram socket in `NOTIFY_SOCKET` for a service of `Type=notify`.
package struct ServiceNotification: Sendable {
    /// A path, or a name in the abstract namespace after an `@`.
    private let socketName: String

    /// Nil when nobody waits for reports: `NOTIFY_SOCKET` is missing or empty.
    package init?(environment: [String: String]) {
        guard let name = environment["NOTIFY_SOCKET"], !name.isEmpty else { return nil }
        socketName = name
    }

    /// Reports that the service is ready and, where it is another process than this one, which process is the service
    /// from now on: its end is the service's.
    ///
    /// - Parameter status: a sentence for people, which `systemctl status` shows.
    /// - Throws: when the message could not be delivered. The manager will then end the service as one that never got
    ///   ready, so it is no use to go on.
    package func ready(mainProcess: Int32? = nil, status: String? = nil) throws(SystemError) {
        var lines: [String] = []
        if let mainProcess { lines.append("MAINPID=\(mainProcess)") }
        // A line break would begin another assignment.
        if let status { lines.append("STATUS=" + status.split(whereSeparator: \.isNewline).joined(separator: " ")) }
        lines.append("READY=1")
        try send(lines.joined(separator: "\n"))
    }

    private func send(_ message: String) throws(SystemError) {
        let attempt = "tell the service manager at \(socketName) that the interface is up"
        var (address, length) = try socketAddress(attempt)
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw SystemError(errno, attempt) }
        let socket = OwnedDescriptor(owning: descriptor)
        let bytes = Array(message.utf8)
        while true {
            let sent = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    sendto(socket.number, bytes, bytes.count, Int32(MSG_NOSIGNAL), $0, length)
                }
            }
            if sent >= 0 { return }
            let code = errno
            guard code == EINTR else { throw SystemError(code, attempt) }
        }
    }

    /// The address and its length in bytes. In the abstract namespace the length counts, as the name may hold zeros.
    private func socketAddress(_ attempt: String) throws(SystemError) -> (sockaddr_un, socklen_t) {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var name = Array(socketName.utf8)
        guard name.first == UInt8(ascii: "@") || name.first == UInt8(ascii: "/") else {
            throw SystemError(EAFNOSUPPORT, attempt)
        }
        // A path ends with a zero, which must fit as well.
        let isAbstract = name[0] == UInt8(ascii: "@")
        guard name.count + (isAbstract ? 0 : 1) <= MemoryLayout.size(ofValue: address.sun_path) else {
            throw SystemError(ENAMETOOLONG, attempt)
        }
        if isAbstract { name[0] = 0 } else { name.append(0) }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
        let pathOffset = MemoryLayout<sockaddr_un>.offset(of: \.sun_path) ?? MemoryLayout<sa_family_t>.size
        return (address, socklen_t(pathOffset + name.count))
    }
}
