import Glibc
import LinuxNet
import Quick
import Testing

@Suite("Reports to the service manager")
struct ServiceNotificationTests {
    @Test("without a manager nothing is reported", arguments: [[:], ["NOTIFY_SOCKET": ""]])
    func absent(environment: [String: String]) {
        #expect(ServiceNotification(environment: environment) == nil)
    }

    @Test(
        "the report arrives at a path and at an abstract name",
        arguments: ["/tmp/nightjar-notify-", "@nightjar-notify-"])
    func delivered(prefix: String) throws {
        let manager = try ManagerSocket(name: "\(prefix)\(getpid())-\(UInt32.random(in: 0...UInt32.max))")
        let notification = try #require(ServiceNotification(environment: ["NOTIFY_SOCKET": manager.name]))
        try notification.ready()
        #expect(manager.receive() == "READY=1")
        try notification.ready(mainProcess: 4711, status: "DNS: 10.8.0.1\nREADY=0\r\n")
        #expect(manager.receive() == "MAINPID=4711\nSTATUS=DNS: 10.8.0.1 READY=0\nREADY=1")
    }

    @Test("a path of 107 bytes fits, one more is refused")
    func longest() throws {
        let directory = "/tmp/nightjar-notify-\(getpid())-\(UInt32.random(in: 0...UInt32.max))/"
        try #require(mkdir(directory, 0o700) == 0)
        defer { rmdir(directory) }
        let longest = directory + String(repeating: "n", count: 107 - directory.utf8.count)
        let manager = try ManagerSocket(name: longest)
        try #require(ServiceNotification(environment: ["NOTIFY_SOCKET": longest])).ready()
        #expect(manager.receive() == "READY=1")
        #expect(failure(of: longest + "n")?.code == ENAMETOOLONG)
        #expect(failure(of: "@" + String(repeating: "n", count: 108))?.code == ENAMETOOLONG)
    }

    @Test("a manager that is gone, or of an unknown kind, is a failure that names it")
    func refused() throws {
        let gone = try #require(failure(of: "/nonexistent/notify"))
        #expect(gone.code == ENOENT)
        #expect("\(gone)".contains("/nonexistent/notify"))
        #expect(failure(of: "vsock:2:1234")?.code == EAFNOSUPPORT)
    }

    private func failure(of name: String) -> SystemError? {
        do throws(SystemError) {
            try ServiceNotification(environment: ["NOTIFY_SOCKET": name])?.ready()
            return nil
        } catch {
            return error
        }
    }
}

/// What systemd would have at the other end.
private final class ManagerSocket {
    let name: String
    private let descriptor: Int32

    init(name: String) throws {
        self.name = name
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        try #require(descriptor >= 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var bytes = Array(name.utf8)
        if bytes[0] == UInt8(ascii: "@") { bytes[0] = 0 }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count)
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
        }
        try #require(status == 0)
    }

    deinit {
        close(descriptor)
        if name.hasPrefix("/") { unlink(name) }
    }

    /// The message that waits, if one does.
    func receive() -> String? {
        var buffer = [UInt8](repeating: 0, count: 1024)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        return count < 0 ? nil : String(decoding: buffer[..<count], as: UTF8.self)
    }
}
