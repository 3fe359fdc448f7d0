package import Datapath
import Glibc
package import LinuxNet
import Logging
import NoisePrimitives
import Tunnel

/// The program's main job: one interface with its configuration socket, from start to end.
package struct Daemon {
    private let tun: TunDevice
    private let socket: UAPISocket
    package let socketDirectory: String
    let stateDirectory: String?
    let log: LogSettings
    private let logger: Logger

    /// What `nightjar run` is asked for, by its arguments and by the environment variables that wireguard-go knows.
    package struct Request: Sendable {
        /// An interface name, or a pattern such as `wg%d`.
        package var interface: String
        /// `WG_TUN_FD`: a TUN device that is open already.
        package var tunDescriptor: Int32?
        /// `WG_UAPI_FD`: a configuration socket that listens already.
        package var socketDescriptor: Int32?
        /// Where the configuration socket is: `NIGHTJAR_SOCKET_DIRECTORY`, by which a background process is told.
        package var socketDirectory: String
        /// Where totals are kept from one daemon to the next, an absolute path: `NIGHTJAR_STATE_DIRECTORY`. Nil: the usual place, for
        /// what has to be kept.
        package var stateDirectory: String?
        /// `WG_TUN_NAME_FILE`: where to write the interface's real name.
        package var nameFile: String?
        package var log: LogSettings
        /// `NIGHTJAR_METRICS_LISTEN`: where to answer questions for metrics; nil: nowhere.
        package var metricsListen: MetricsAddress?
        package var offloads = TunDevice.Offloads()
        package var engine = Engine.Options()

        /// - Parameter unsetLogLevel: how much is logged when `LOG_LEVEL` doesn't say.
        package init(
            interface: String, environment: [String: String], unsetLogLevel: LogLevel = .info
        ) throws(DaemonError) {
            self.interface = interface
            tunDescriptor = try Self.descriptor("WG_TUN_FD", in: environment)
            socketDescriptor = try Self.descriptor("WG_UAPI_FD", in: environment)
            socketDirectory = environment[Self.socketDirectoryVariable] ?? UAPISocket.defaultDirectory
            stateDirectory = environment[Self.stateDirectoryVariable].flatMap { $0.isEmpty ? nil : absolute($0) }
            nameFile = environment["WG_TUN_NAME_FILE"]
            log = try LogSettings(environment: environment, unset: unsetLogLevel)
            if let text = environment[MetricsAddress.variable], !text.isEmpty {
                guard let address = MetricsAddress(text) else { throw .badMetricsAddress(text) }
                metricsListen = address
            }
            for feature in (environment["NIGHTJAR_DISABLE"] ?? "").split(separator: ",") {
                try disable(feature)
            }
        }

        static let socketDirectoryVariable = "NIGHTJAR_SOCKET_DIRECTORY"
        package static let stateDirectoryVariable = "NIGHTJAR_STATE_DIRECTORY"

        private mutating func disable(_ feature: Substring) throws(DaemonError) {
            switch feature {
            case "tun-offload": offloads = .none
            case "tun-tcp": offloads.tcp = false
            case "tun-udp": offloads.udp = false
            case "udp-gso": engine.sockets.segmentation = false
            case "udp-gro": engine.sockets.coalescing = false
            default: throw .unknownFeature(String(feature))
            }
        }

        private static func descriptor(
            _ name: String, in environment: [String: String]
        ) throws(DaemonError) -> Int32? {
            guard let text = environment[name], !text.isEmpty else { return nil }
            guard let number = Int32(text), number >= 0 else { throw .badDescriptor(variable: name, value: text) }
            return number
        }
    }

    /// Creates the interface and its configuration socket. Nothing is left of them when it throws.
    package init(_ request: Request) throws {
        if let descriptor = request.tunDescriptor {
            tun = try TunDevice(adopting: descriptor, offloads: request.offloads)
        } else {
            // A daemon that serves the name already is told about before its interface is touched.
            try UAPISocket.checkFree(interface: request.interface, directory: request.socketDirectory)
            tun = try TunDevice.create(name: request.interface, offloads: request.offloads)
        }
        if let descriptor = request.socketDescriptor {
            socket = try UAPISocket(adopting: descriptor, interface: tun.name, directory: request.socketDirectory)
        } else {
            socket = try UAPISocket(interface: tun.name, directory: request.socketDirectory)
        }
        socketDirectory = request.socketDirectory
        stateDirectory = request.stateDirectory
        log = request.log
        logger = LineLogHandler.logger(interface: tun.name, log)
        if let nameFile = request.nameFile { try Self.write(name: tun.name, to: nameFile) }
    }

    /// The interface's real name.
    package var interface: String { tun.name }

    /// The descriptors of TUN device and configuration socket, to be handed to a background process.
    var descriptors: (tun: Int32, socket: Int32) { (tun.fileDescriptor, socket.descriptor) }

    /// Keeps the socket file when this process hands the socket over.
    func keepSocketFile() { socket.abandon() }

    /// Serves until a signal, the end of the interface or of the socket file.
    ///
    /// - Parameter ready: called once everything runs. What it throws ends the daemon.
    package func serve(engineOptions: Engine.Options = Engine.Options(), ready: () throws -> Void) throws {
        Self.forbidCoreDumps()
        signal(SIGPIPE, SIG_IGN)
        // First of all, so that every thread inherits the mask.
        let signals = try Signals([SIGINT, SIGTERM])
        let loop = try EventLoop()
        var options = engineOptions
        options.replayFloorPath =
            options.replayFloorPath ?? "\(stateDirectory ?? Accounting.usualDirectory)/\(tun.name).newest"
        let engine = try Engine(
            device: tun, loop: loop, logger: logger, random: SystemRandomSource(), options: options)
        let accounting = try Accounting(
            engine: engine, loop: loop, logger: logger, interface: tun.name, directory: stateDirectory)
        let names = try EndpointNames(engine: accounting, loop: loop, logger: logger)
        engine.onEvent = { [weak accounting, weak names] event in
            accounting?.note(event)
            names?.note(event, now: Clock.bootTime())
        }
        let server = UAPIServer(
            socket: socket, loop: loop, target: names,
            complain: { [logger] in logger.error("A request on the configuration socket is refused: \($0)") },
            onRemoval: { [logger] in
                logger.info("The configuration socket was removed")
                loop.stop()
            })
        engine.onDeviceGone = { loop.stop() }
        try loop.add(signals.fileDescriptor) { [logger] _ in
            logger.info("Told to stop")
            loop.stop()
        }
        try engine.start()
        server.start()
        defer {
            server.stop()
            names.stop()
            engine.shutDown()
            accounting.stop()
            logger.debug("Stopped")
        }
        logger.debug("Ready")
        try ready()
        try engine.run()
    }

    private static func write(name: String, to path: String) throws(DaemonError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o400)
        guard descriptor >= 0 else { throw .nameFile(path: path, code: errno) }
        defer { close(descriptor) }
        let line = name + "\n"
        guard Glibc.write(descriptor, line, line.utf8.count) == line.utf8.count else {
            throw .nameFile(path: path, code: errno)
        }
    }

    /// A core file would hold the keys.
    static func forbidCoreDumps() {
        var limit = rlimit(rlim_cur: 0, rlim_max: 0)
        setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limit)
    }
}

/// A path that stays right when the process goes elsewhere.
private func absolute(_ path: String) -> String {
    guard !path.hasPrefix("/"), let directory = getcwd(nil, 0) else { return path }
    defer { free(directory) }
    return "\(String(cString: directory))/\(path)"
}

/// Why the daemon doesn't start, for causes that aren't a system call on the interface or the socket.
package enum DaemonError: Error, Equatable, CustomStringConvertible {
    case badDescriptor(variable: String, value: String)
    case unknownFeature(String)
    case badMetricsAddress(String)
    case unknownLogFormat(String)
    case nameFile(path: String, code: Int32)
    case background(step: String, code: Int32)
    case backgroundDied(message: String)

    package var description: String {
        switch self {
        case .badDescriptor(let variable, let value):
            "\(variable)=\(value) is no file descriptor: it needs a number, or to be unset"
        case .unknownFeature(let name):
            "NIGHTJAR_DISABLE: '\(name)' is none of tun-offload, tun-tcp, tun-udp, udp-gso, udp-gro"
        case .badMetricsAddress(let text):
            "metrics can't listen on \(quoted(text)): this needs \(MetricsAddress.expectation)"
        case .unknownLogFormat(let name):
            "NIGHTJAR_LOG_FORMAT: '\(name)' is none of text and json"
        case .nameFile(let path, let code):
            "cannot write the interface name to \(path): \(SystemError.text(for: code)); check WG_TUN_NAME_FILE"
        case .background(let step, let code):
            "cannot go to the background: \(step): \(SystemError.text(for: code)); --foreground does without"
        case .backgroundDied(let message):
            message.isEmpty
                ? "the background process ended before it was ready; --foreground with LOG_LEVEL=debug shows more"
                : message
        }
    }
}
