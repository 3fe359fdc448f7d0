import Glibc

/// The listening socket under `/var/run/wireguard` through which `wg` configures an interface. UAPI Part 1.
///
/// The file has mode 0600 in a directory of mode 0755. Removing the file is how one asks the daemon to exit:
/// ``removalDescriptor`` tells of it.
package final class UAPISocket {
    package static let defaultDirectory = "/var/run/wireguard"

    /// Where the socket file is.
    package let path: String
    /// Listening, non-blocking, closed on exec.
    package let descriptor: Int32
    /// Readable when something has happened to the file; ``consumeRemoval()`` says whether it went.
    package let removalDescriptor: Int32
    private let identity: FileIdentity
    private var isClosed = false

    /// Creates the socket of `interface`, in place of one that nobody listens on.
    package convenience init(
        interface: String, directory: String = UAPISocket.defaultDirectory
    ) throws(UAPISocketError) {
        let path = try Self.path(of: interface, in: directory)
        if mkdir(directory, 0o755) == 0 {
            chmod(directory, 0o755)
        } else if errno != EEXIST {
            throw .failed(call: "mkdir", path: directory, errno: errno)
        }
        let descriptor = socket(AF_UNIX, streamType, 0)
        guard descriptor >= 0 else { throw .failed(call: "socket", path: path, errno: errno) }
        do throws(UAPISocketError) {
            try Self.bind(descriptor, to: path, interface: interface)
            guard listen(descriptor, Self.backlog) == 0 else {
                let code = errno
                unlink(path)
                throw .failed(call: "listen", path: path, errno: code)
            }
            try self.init(path: path, listening: descriptor)
        } catch {
            Glibc.close(descriptor)
            throw error
        }
    }

    /// Takes over a socket that another process has bound to the path of `interface` and listens on, as `WG_UAPI_FD`
    /// hands over. On failure the descriptor stays open.
    package convenience init(
        adopting descriptor: Int32, interface: String, directory: String = UAPISocket.defaultDirectory
    ) throws(UAPISocketError) {
        let path = try Self.path(of: interface, in: directory)
        guard option(SO_DOMAIN, of: descriptor) == AF_UNIX, option(SO_ACCEPTCONN, of: descriptor) == 1,
            option(SO_TYPE, of: descriptor) == Int32(SOCK_STREAM.rawValue)
        else { throw .notListening(descriptor: descriptor) }
        guard makeNonBlocking(descriptor) else { throw .failed(call: "fcntl", path: path, errno: errno) }
        try self.init(path: path, listening: descriptor)
    }

    private init(path: String, listening descriptor: Int32) throws(UAPISocketError) {
        guard let identity = FileIdentity(path) else { throw .failed(call: "stat", path: path, errno: errno) }
        let removal = inotify_init1(Int32(IN_NONBLOCK | IN_CLOEXEC))
        guard removal >= 0 else { throw .failed(call: "inotify_init1", path: path, errno: errno) }
        // The open socket keeps the file's inode alive, so unlinking the name shows as a change of attributes.
        let events = UInt32(IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF)
        guard inotify_add_watch(removal, path, events) >= 0 else {
            let code = errno
            Glibc.close(removal)
            throw .failed(call: "inotify_add_watch", path: path, errno: code)
        }
        self.path = path
        self.descriptor = descriptor
        self.identity = identity
        removalDescriptor = removal
    }

    deinit { close() }

    /// Whether the file is gone or has given way to another one. Clears ``removalDescriptor``.
    package func consumeRemoval() -> Bool {
        withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 8) { buffer in
            while read(removalDescriptor, buffer.baseAddress, buffer.count) > 0 {}
        }
        return !isOurs
    }

    /// Stops listening and removes the file, unless it isn't this socket's any more. Further calls do nothing.
    package func close() {
        guard !isClosed else { return }
        isClosed = true
        if isOurs { unlink(path) }
        Glibc.close(removalDescriptor)
        Glibc.close(descriptor)
    }

    /// Closes this process's descriptors but leaves the file to a process that has taken the socket over.
    package func abandon() {
        guard !isClosed else { return }
        isClosed = true
        Glibc.close(removalDescriptor)
        Glibc.close(descriptor)
    }

    /// As long as the socket is open no other file can get its inode number.
    private var isOurs: Bool { FileIdentity(path) == identity }
}

// MARK: - Opening

extension UAPISocket {
    /// Throws ``UAPISocketError/alreadyServed(interface:path:)`` if somebody listens on the socket of `interface`.
    package static func checkFree(
        interface: String, directory: String = defaultDirectory
    ) throws(UAPISocketError) {
        let path = try path(of: interface, in: directory)
        if try isServed(path) { throw .alreadyServed(interface: interface, path: path) }
    }

    /// Where the socket of `interface` is.
    static func path(of interface: String, in directory: String) throws(UAPISocketError) -> String {
        guard (1...15).contains(interface.utf8.count), interface != ".", interface != "..",
            interface.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7f && $0 != UInt8(ascii: "/") })
        else { throw .badName(interface) }
        let path = "\(directory)/\(interface).sock"
        guard path.utf8.count <= pathLimit else { throw .pathTooLong(path, limit: pathLimit) }
        return path
    }

    private static func bind(_ descriptor: Int32, to path: String, interface: String) throws(UAPISocketError) {
        // The file gets the mode that the unbound socket has, if the umask leaves it.
        guard fchmod(descriptor, 0o600) == 0 else { throw .failed(call: "fchmod", path: path, errno: errno) }
        if callWithPath(Glibc.bind, descriptor, path) == 0 { return }
        guard errno == EADDRINUSE else { throw .failed(call: "bind", path: path, errno: errno) }
        try removeStale(path, interface: interface)
        guard callWithPath(Glibc.bind, descriptor, path) == 0 else {
            throw .failed(call: "bind", path: path, errno: errno)
        }
    }

    /// Removes the socket file at `path` if nobody listens on it.
    private static func removeStale(_ path: String, interface: String) throws(UAPISocketError) {
        guard let file = FileIdentity(path) else { return }
        guard file.isSocket else { throw .notASocket(path: path) }
        if try isServed(path) { throw .alreadyServed(interface: interface, path: path) }
        guard unlink(path) == 0 || errno == ENOENT else { throw .failed(call: "unlink", path: path, errno: errno) }
    }

    /// Whether somebody listens on the socket file at `path`, which need not exist.
    private static func isServed(_ path: String) throws(UAPISocketError) -> Bool {
        let probe = socket(AF_UNIX, streamType, 0)
        guard probe >= 0 else { throw .failed(call: "socket", path: path, errno: errno) }
        defer { Glibc.close(probe) }
        // A listener whose backlog is full answers EAGAIN, since the probe doesn't wait.
        if callWithPath(Glibc.connect, probe, path) == 0 || errno == EAGAIN { return true }
        guard errno == ECONNREFUSED || errno == ENOENT else {
            throw .failed(call: "connect", path: path, errno: errno)
        }
        return false
    }

    /// Connections that wait to be accepted.
    private static var backlog: Int32 { 128 }
}

// MARK: - System calls

/// Makes a descriptor non-blocking and closed on exec; false leaves the reason in `errno`.
func makeNonBlocking(_ descriptor: Int32) -> Bool {
    let flags = fcntl(descriptor, F_GETFL)
    return flags >= 0 && fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) == 0
        && fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0
}

/// What tells one file from another at the same path.
private struct FileIdentity: Equatable {
    let device: dev_t
    let inode: ino_t
    let isSocket: Bool

    /// Nil, with the reason in `errno`, when there is no file at `path` or it can't be seen.
    init?(_ path: String) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return nil }
        device = status.st_dev
        inode = status.st_ino
        isSocket = status.st_mode & S_IFMT == S_IFSOCK
    }
}

private let streamType = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)

/// The bytes of a Unix socket's path, without the zero after it.
private let pathLimit = MemoryLayout.size(ofValue: sockaddr_un().sun_path) - 1

/// Calls `bind` or `connect` with the address of `path`, which must not be longer than ``pathLimit``.
func callWithPath(
    _ function: (Int32, UnsafePointer<sockaddr>?, socklen_t) -> Int32, _ descriptor: Int32, _ path: String
) -> Int32 {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    return withUnsafePointer(to: &address) { pointer in
        // Safe: a sockaddr_un is passed as the sockaddr that it begins with, along with its real size.
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            function(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
    }
}

/// A socket option of the level SOL_SOCKET; nil when there is no such socket.
private func option(_ name: Int32, of descriptor: Int32) -> Int32? {
    var value: Int32 = 0
    var size = socklen_t(MemoryLayout<Int32>.size)
    return getsockopt(descriptor, SOL_SOCKET, name, &value, &size) == 0 ? value : nil
}
