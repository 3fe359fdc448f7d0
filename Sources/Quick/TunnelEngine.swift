import Control
import Glibc
import LinuxNet

/// Who serves an interface.
enum TunnelEngine: Codable, Hashable {
    /// Nightjar's own daemon; its process once that is known.
    case nightjar(ProcessIdentity?)
    /// The kernel's WireGuard.
    case kernel
    /// Another userspace implementation, by its path.
    case program(String)

    /// The one that a configuration is to have. Quick §up 2, where the variable counts only without kernel support;
    /// here it always does, and the kernel's WireGuard is taken when it is asked for.
    init(_ surroundings: Surroundings, prefersKernel: Bool) throws(QuickError) {
        let environment = surroundings.environment
        if prefersKernel || environment["NIGHTJAR_PREFER_KERNEL"] == "1" {
            self = .kernel
        } else if let name = environment["WG_QUICK_USERSPACE_IMPLEMENTATION"], !name.isEmpty {
            guard let program = surroundings.program(name) else {
                throw QuickError(
                    "\(name), which WG_QUICK_USERSPACE_IMPLEMENTATION names, is no program in PATH; "
                        + "unset the variable for Nightjar's own")
            }
            self = .program(program.path)
        } else {
            self = .nightjar(nil)
        }
    }

    var answersForMetrics: Bool {
        if case .nightjar = self { true } else { false }
    }

    /// Throws when it can't work here, before anything is changed.
    func check() throws {
        guard case .nightjar = self else { return }
        let path = "/dev/net/tun"
        let descriptor = open(path, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw SystemError(
                errno, "open \(path)",
                advice: "load the tun module with: modprobe tun; a container needs the device passed in")
        }
        close(descriptor)
    }

    /// Creates the interface. Returns the engine as it is now known.
    ///
    /// - Parameter metricsListen: where Nightjar's daemon answers questions for metrics, unless the caller's variables say it.
    func start(
        _ interface: String, metricsListen: MetricsAddress?, _ surroundings: Surroundings, _ netlink: inout Netlink
    ) throws -> TunnelEngine {
        switch self {
        case .nightjar:
            surroundings.console.echo("nightjar run \(interface)")
            var environment = surroundings.daemonEnvironment
            if environment[MetricsAddress.variable] == nil, let metricsListen {
                environment[MetricsAddress.variable] = "\(metricsListen)"
            }
            var request = try Daemon.Request(interface: interface, environment: environment)
            request.socketDirectory = surroundings.tool.socketDirectory
            let daemon = try Daemon(request)
            return .nightjar(ProcessIdentity(try daemon.handOver(environment: environment)))
        case .kernel:
            surroundings.console.echo("ip link add dev \(interface) type wireguard")
            do throws(SystemError) {
                try netlink.createLink(named: interface, kind: "wireguard")
            } catch {
                guard error.code == EOPNOTSUPP else { throw error }
                throw QuickError(
                    "\(interface): this kernel has no WireGuard; load it with: modprobe wireguard, "
                        + "or let Nightjar's own engine serve the interface")
            }
        case .program(let path):
            surroundings.console.echo("\(path) \(interface)")
            guard let program = Program(path, environment: [:]) else {
                throw QuickError("\(path) is no program any more", status: 127)
            }
            let result = try program.run(
                [interface], environment: surroundings.daemonEnvironment, streams: .inherited)
            guard result.status == 0 else {
                throw QuickError(
                    "\(interface): \(path) ended with exit code \(result.status)", status: result.status)
            }
        }
        return self
    }
}

/// A process that can be told from a later one with the same identifier.
struct ProcessIdentity: Codable, Hashable {
    let identifier: Int32
    /// When it was started, in clock ticks since the machine was.
    let start: UInt64

    init?(_ identifier: Int32) {
        guard let start = Self.status(identifier)?.start else { return nil }
        self.identifier = identifier
        self.start = start
    }

    /// Whether it still runs. One that has ended as a child of this process is reaped.
    var isRunning: Bool {
        _ = waitpid(identifier, nil, WNOHANG)
        guard let status = Self.status(identifier) else { return false }
        return status.start == start && status.state != UInt8(ascii: "Z")
    }

    func send(_ signal: Int32) {
        if isRunning { kill(identifier, signal) }
    }

    /// Fields 3 and 22 of /proc/PID/stat, counted after the name, which may hold anything.
    private static func status(_ identifier: Int32) -> (state: UInt8, start: UInt64)? {
        guard let bytes = try? FileBytes.read("/proc/\(identifier)/stat", limit: 4096),
            let end = bytes.lastIndex(of: UInt8(ascii: ")"))
        else { return nil }
        let fields = bytes[(end + 1)...].split(separator: UInt8(ascii: " "))
        guard fields.count > 19, let state = fields[0].first,
            let start = UInt64(String(decoding: fields[19], as: UTF8.self))
        else { return nil }
        return (state, start)
    }
}

// MARK: - Stopping

extension TunnelEngine {
    /// How long a daemon may take to notice that its interface is gone: milliseconds.
    private static let patience = 3000

    /// Removes the interface, waits until its daemon has gone, and removes what a crashed one has left.
    ///
    /// - Parameter index: of the interface that was made; another one of the same name is somebody else's.
    func stop(_ interface: String, index: UInt32?, _ console: Console, _ netlink: inout Netlink) throws {
        if let link = try netlink.link(named: interface), index == nil || link.index == index {
            console.echo("ip link delete dev \(interface)")
            do throws(SystemError) {
                try netlink.deleteLink(index: link.index)
            } catch {
                guard error.code == ENODEV else { throw error }
            }
        }
        switch self {
        case .kernel:
            return
        case .program:
            _ = Self.wait { !ConfigurationSocketFile.isServed(interface) }
        case .nightjar(nil):
            _ = Self.wait { !ConfigurationSocketFile.isServed(interface) }
        case .nightjar(let process?):
            if !Self.wait(until: { !process.isRunning }) {
                process.send(SIGTERM)
                if !Self.wait(until: { !process.isRunning }) { process.send(SIGKILL) }
            }
        }
        ConfigurationSocketFile.removeStale(interface)
    }

    private static func wait(until condition: () -> Bool) -> Bool {
        for _ in 0..<patience / 2 {
            if condition() { return true }
            usleep(2000)
        }
        return condition()
    }
}

/// The file of an interface's configuration socket, from the outside, wherever it is.
enum ConfigurationSocketFile {
    private static let directories = ToolFamily.nightjar.devicePlaces.socketDirectories

    static func isServed(_ interface: String) -> Bool {
        directories.contains { isServed(interface, in: $0) }
    }

    private static func isServed(_ interface: String, in directory: String) -> Bool {
        do throws(UAPISocketError) {
            try UAPISocket.checkFree(interface: interface, directory: directory)
            return false
        } catch {
            return true
        }
    }

    /// Removes the file if it is a socket on which nobody listens.
    static func removeStale(_ interface: String) {
        for directory in directories {
            let path = "\(directory)/\(interface).sock"
            var status = stat()
            guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK, !isServed(interface, in: directory)
            else { continue }
            unlink(path)
        }
    }
}
