import Glibc
import LinuxNet

/// Why a question over the bus has no answer.
enum DBusError: Error, Equatable, CustomStringConvertible {
    /// There is no bus, or it doesn't let this program in.
    case unreachable(String)
    /// The other side sends what isn't a message.
    case malformed
    case timedOut
    /// The other side refuses: a name such as `org.freedesktop.DBus.Error.ServiceUnknown`, and its words.
    case refused(name: String, message: String)

    var description: String {
        switch self {
        case .unreachable(let reason): "the system bus can't be reached: \(reason)"
        case .malformed: "what came over the system bus can't be understood"
        case .timedOut: "no answer came over the system bus in time"
        case .refused(let name, let message): message.isEmpty ? name : message
        }
    }
}

/// A connection to a message bus, for calls one after another (D-Bus Specification, "Message Bus").
struct DBusConnection: ~Copyable {
    private let descriptor: OwnedDescriptor
    private var serial: UInt32 = 0
    private var received: [UInt8] = []
    private let patience: Int

    private init(_ descriptor: consuming OwnedDescriptor, patience: Int) {
        self.descriptor = descriptor
        self.patience = patience
    }

    /// - Parameters:
    ///   - address: as in `DBUS_SYSTEM_BUS_ADDRESS`; the first server in it that can be reached is taken.
    ///   - patience: milliseconds that an answer may take.
    static func open(_ address: String, patience: Int) throws(DBusError) -> DBusConnection {
        var connection = DBusConnection(try connect(toAnyOf: address), patience: patience)
        try connection.authenticate()
        _ = try connection.call("Hello", of: bus, at: "/org/freedesktop/DBus", on: bus)
        return connection
    }

    static let bus = "org.freedesktop.DBus"

    /// Calls a method and waits for its answer.
    mutating func call(
        _ member: String, of interface: String, at path: String, on destination: String, _ values: [DBusValue] = []
    ) throws(DBusError) -> [DBusValue] {
        let deadline = deadline()
        serial += 1
        let message = DBusMessage(
            call: member, of: interface, at: path, on: destination, serial: serial, values)
        try send(message.encoded, deadline)
        while true {
            let answer = try nextMessage(deadline)
            guard answer.replySerial == serial else { continue }
            switch answer.kind {
            case .methodReturn:
                guard let values = try? answer.values() else { throw .malformed }
                return values
            case .error:
                let message = (try? answer.values())?.first?.text ?? ""
                throw .refused(name: answer.errorName ?? "", message: message)
            case .methodCall, .signal:
                continue
            }
        }
    }
}

// MARK: - Beginning

extension DBusConnection {
    /// The names of Unix sockets in a list of server addresses, those in the abstract space with a zero byte in front
    /// (D-Bus Specification, "Server Addresses").
    static func socketNames(in address: String) -> [[UInt8]] {
        address.split(separator: ";").compactMap { server in
            guard server.hasPrefix("unix:") else { return nil }
            for pair in server.dropFirst("unix:".count).split(separator: ",") {
                let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                guard parts.count == 2, let value = unescaped(parts[1]), !value.isEmpty else { continue }
                if parts[0] == "path" { return value }
                if parts[0] == "abstract" { return [0] + value }
            }
            return nil
        }
    }

    private static func unescaped(_ text: Substring) -> [UInt8]? {
        var result: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                result.append(byte)
                continue
            }
            guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
                return nil
            }
            result.append(value)
            rest = rest.dropFirst(2)
        }
        return result.contains(0) ? nil : result
    }

    private static func connect(toAnyOf address: String) throws(DBusError) -> OwnedDescriptor {
        var reason = "'\(address)' names no Unix socket"
        for name in socketNames(in: address) {
            do throws(SystemError) {
                return try connect(to: name)
            } catch {
                reason = error.description
            }
        }
        throw .unreachable(reason)
    }

    private static func connect(to name: [UInt8]) throws(SystemError) -> OwnedDescriptor {
        let attempt = "connect to \(String(decoding: name.drop { $0 == 0 }, as: UTF8.self))"
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        guard name.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw SystemError(ENAMETOOLONG, attempt)
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
        let isAbstract = name.first == 0
        let size =
            MemoryLayout<sockaddr_un>.size
            - (isAbstract ? MemoryLayout.size(ofValue: address.sun_path) - name.count : 0)
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let number = socket(AF_UNIX, type, 0)
        guard number >= 0 else { throw SystemError(errno, attempt) }
        let descriptor = OwnedDescriptor(owning: number)
        let code = withUnsafePointer(to: &address) { pointer in
            // Safe: a sockaddr_un is passed as the sockaddr that it begins with, with its real size.
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(number, $0, socklen_t(size))
            }
        }
        guard code == 0 else { throw SystemError(errno, attempt) }
        return descriptor
    }

    /// The kernel tells the bus who this is; the line only says that this is what counts.
    private mutating func authenticate() throws(DBusError) {
        let deadline = deadline()
        let user = String(geteuid()).utf8.map { String($0, radix: 16) }.joined()
        try send([0] + Array("AUTH EXTERNAL \(user)\r\n".utf8), deadline)
        var end: Int?
        while end == nil {
            guard received.count < 512 else { throw .malformed }
            try receive(deadline)
            end = received.firstIndex(of: UInt8(ascii: "\n"))
        }
        let line = String(decoding: received[..<(end ?? 0)], as: UTF8.self)
        guard line.hasPrefix("OK ") else { throw .unreachable("it doesn't let this user in") }
        received = []
        try send(Array("BEGIN\r\n".utf8), deadline)
    }
}

// MARK: - Bytes

extension DBusConnection {
    private func deadline() -> UInt64 {
        // Safe: some seconds more than the time since the machine started.
        Clock.bootTime() + UInt64(patience) * 1_000_000
    }

    private mutating func nextMessage(_ deadline: UInt64) throws(DBusError) -> DBusMessage {
        do {
            while received.count < DBusMessage.preamble { try receive(deadline) }
            let length = try DBusMessage.length(received.prefix(DBusMessage.preamble))
            while received.count < length { try receive(deadline) }
            let message = try DBusMessage(decoding: received.prefix(length))
            received.removeFirst(length)
            return message
        } catch let error as DBusError {
            throw error
        } catch {
            throw .malformed
        }
    }

    private mutating func receive(_ deadline: UInt64) throws(DBusError) {
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = recv(descriptor.number, &chunk, chunk.count, 0)
            if count > 0 { return received += chunk[..<count] }
            if count == 0 { throw .unreachable("it ended the connection") }
            if errno == EINTR { continue }
            guard errno == EAGAIN else { throw .unreachable(SystemError.text(for: errno)) }
            try wait(for: POLLIN, deadline)
        }
    }

    private func send(_ bytes: [UInt8], _ deadline: UInt64) throws(DBusError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Glibc.send(descriptor.number, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if errno == EAGAIN {
                try wait(for: POLLOUT, deadline)
            } else if errno != EINTR {
                throw .unreachable(SystemError.text(for: errno))
            }
        }
    }

    private func wait(for event: Int32, _ deadline: UInt64) throws(DBusError) {
        let now = Clock.bootTime()
        guard now < deadline else { throw .timedOut }
        var entry = pollfd(fd: descriptor.number, events: Int16(event), revents: 0)
        // Rounded up, so that it isn't called again before its time.
        _ = poll(&entry, 1, Int32(truncatingIfNeeded: (deadline - now) / 1_000_000 + 1))
    }
}
