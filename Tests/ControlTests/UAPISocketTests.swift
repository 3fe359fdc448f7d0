import Control
import Glibc
import Testing

@Suite("UAPI socket")
struct UAPISocketTests {
    let directory = TemporaryDirectory()
    var path: String { "\(directory.path)/wg0.sock" }

    @Test("only the owner may use the file")
    func modes() throws {
        let inner = directory.path + "/wireguard"
        defer { rmdir(inner) }
        let socket = try UAPISocket(interface: "wg0", directory: inner)
        defer { socket.close() }
        #expect(socket.path == inner + "/wg0.sock")
        #expect(fileMode(inner) == S_IFDIR | 0o755)
        #expect(fileMode(socket.path) == S_IFSOCK | 0o600)
    }

    @Test("closing removes the file, once")
    func close() throws {
        let socket = try UAPISocket(interface: "wg0", directory: directory.path)
        #expect(fileMode(path) != nil)
        socket.close()
        #expect(fileMode(path) == nil)
        let other = try UAPISocket(interface: "wg0", directory: directory.path)
        socket.close()
        #expect(fileMode(path) != nil)
        other.close()
    }

    @Test("a file that isn't this socket's any more stays")
    func replaced() throws {
        let socket = try UAPISocket(interface: "wg0", directory: directory.path)
        #expect(!socket.consumeRemoval())
        unlink(path)
        let other = try UAPISocket(interface: "wg0", directory: directory.path)
        #expect(socket.consumeRemoval())
        socket.close()
        #expect(fileMode(path) != nil)
        #expect(!other.consumeRemoval())
        other.close()
    }

    @Test("a socket that nobody listens on is replaced")
    func stale() throws {
        Glibc.close(boundSocket(at: path))
        let socket = try UAPISocket(interface: "wg0", directory: directory.path)
        defer { socket.close() }
        let client = connectedSocket(to: path)
        #expect(client >= 0)
        Glibc.close(client)
    }

    @Test("a socket that is served is refused, also with a full backlog, and stays")
    func live() throws {
        let listener = boundSocket(at: path)
        defer { Glibc.close(listener) }
        #expect(listen(listener, 0) == 0)
        let expected = UAPISocketError.alreadyServed(interface: "wg0", path: path)
        #expect(throws: expected) { try UAPISocket(interface: "wg0", directory: directory.path) }
        // The first attempt's connection fills the backlog; it waits there although its client is gone.
        #expect(throws: expected) { try UAPISocket(interface: "wg0", directory: directory.path) }
        #expect(fileMode(path) != nil)
        #expect(expected.description.contains("interface wg0 is already served by another process"))
    }

    @Test("a file that isn't a socket is left alone")
    func notASocket() throws {
        Glibc.close(open(path, O_CREAT | O_WRONLY, 0o600))
        #expect(throws: UAPISocketError.notASocket(path: path)) {
            try UAPISocket(interface: "wg0", directory: directory.path)
        }
        #expect(fileMode(path).map { $0 & S_IFMT } == S_IFREG)
    }

    @Test("bad names and directories", arguments: ["", ".", "..", "a/b", "a b", "a\nb", "0123456789abcdef"])
    func badNames(name: String) {
        #expect(throws: UAPISocketError.badName(name)) {
            try UAPISocket(interface: name, directory: directory.path)
        }
    }

    @Test("directories that can't be used")
    func badDirectories() {
        let long = "/tmp/" + String(repeating: "x", count: 100)
        #expect(throws: UAPISocketError.pathTooLong("\(long)/wg0.sock", limit: 107)) {
            try UAPISocket(interface: "wg0", directory: long)
        }
        let missing = directory.path + "/a/b"
        #expect(throws: UAPISocketError.failed(call: "mkdir", path: missing, errno: ENOENT)) {
            try UAPISocket(interface: "wg0", directory: missing)
        }
    }

    @Test("a listening socket is adopted, anything else isn't")
    func adopting() throws {
        let listener = boundSocket(at: path)
        #expect(throws: UAPISocketError.notListening(descriptor: listener)) {
            try UAPISocket(adopting: listener, interface: "wg0", directory: directory.path)
        }
        #expect(listen(listener, 5) == 0)
        #expect(throws: UAPISocketError.failed(call: "stat", path: "\(directory.path)/wg1.sock", errno: ENOENT)) {
            try UAPISocket(adopting: listener, interface: "wg1", directory: directory.path)
        }
        let socket = try UAPISocket(adopting: listener, interface: "wg0", directory: directory.path)
        #expect(fcntl(socket.descriptor, F_GETFL) & O_NONBLOCK != 0)
        #expect(fcntl(socket.descriptor, F_GETFD) & FD_CLOEXEC != 0)
        socket.close()
        #expect(fileMode(path) == nil)
        #expect(throws: UAPISocketError.notListening(descriptor: -1)) {
            try UAPISocket(adopting: -1, interface: "wg0", directory: directory.path)
        }
    }

    @Test("only a removal is reported, not a change of mode")
    func removal() throws {
        let socket = try UAPISocket(interface: "wg0", directory: directory.path)
        defer { socket.close() }
        chmod(path, 0o660)
        #expect(isReadable(socket.removalDescriptor))
        #expect(!socket.consumeRemoval())
        #expect(!isReadable(socket.removalDescriptor))
        unlink(path)
        #expect(isReadable(socket.removalDescriptor))
        #expect(socket.consumeRemoval())
    }

    private func isReadable(_ descriptor: Int32) -> Bool {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&entry, 1, 0) == 1
    }
}
