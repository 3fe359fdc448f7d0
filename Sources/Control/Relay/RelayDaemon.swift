import Glibc
import LinuxNet
import Logging
import Relay
import Wire

/// The program's work as a relay, from start to end.
package struct RelayDaemon {
    /// Where it learns what to do.
    package enum Source: Sendable {
        case file(String)
        case arguments(RelayArguments)
    }

    private let source: Source
    private let logger: Logger
    private let first: [RelaySettings]

    /// Reads what it is to do, and touches nothing.
    package init(_ source: Source, log: LogSettings) throws {
        self.source = source
        logger = LineLogHandler.logger(interface: "relay", log)
        first = try Self.settings(source, logger)
    }

    /// Relays until SIGINT or SIGTERM. SIGHUP reads the file again; SIGUSR1 logs what was done so far.
    ///
    /// - Parameter ready: called once every relay listens.
    package func serve(ready: () throws -> Void) throws {
        Daemon.forbidCoreDumps()
        signal(SIGPIPE, SIG_IGN)
        Self.raiseFileLimit()
        // First of all, so that every thread inherits the mask.
        let signals = try Signals([SIGINT, SIGTERM, SIGHUP, SIGUSR1])
        let loop = try EventLoop()
        let relays = RelaySet(book: SystemAddressBook(), log: RelayLogger(logger: logger))
        try loop.add(signals.fileDescriptor) { [unowned loop] _ in
            while let number = signals.next() {
                switch number {
                case SIGHUP: reload(relays)
                case SIGUSR1: relays.report()
                default: loop.stop()
                }
            }
        }
        try relays.apply(first)
        defer { relays.stop() }
        try ready()
        try loop.run(deadline: { nil }, expired: {})
    }

    private func reload(_ relays: RelaySet) {
        do {
            try relays.apply(Self.settings(source, logger))
        } catch {
            logger.error("Nothing is changed: \(error)")
        }
    }

    private static func settings(_ source: Source, _ logger: Logger) throws -> [RelaySettings] {
        switch source {
        case .arguments(let arguments): return [try arguments.settings()]
        case .file(let path):
            var text = try FileBytes.read(path, limit: 1 << 20)
            defer { text.wipe() }
            let file = try RelayFile(parsing: text, name: path)
            for warning in file.warnings { logger.warning("\(warning)") }
            if isReadableByAll(path) { logger.warning("\(path) can be read by everybody: chmod 600 \(path)") }
            return file.relays
        }
    }

    private static func isReadableByAll(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG && status.st_mode & S_IROTH != 0
    }

    /// Each flow has a socket.
    private static func raiseFileLimit() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}

/// Asks the system's resolver.
private struct SystemAddressBook: AddressBook {
    func addresses(of endpoint: RelayEndpoint) throws(AddressBookError) -> [Endpoint] {
        do throws(EndpointNameError) {
            return try EndpointName(host: endpoint.host, port: endpoint.port).lookUpAll()
        } catch {
            throw AddressBookError("\(error)")
        }
    }
}

/// What relays tell, as lines of the log.
private struct RelayLogger: RelayLog {
    let logger: Logger

    func note(_ event: RelayEvent, of relay: ListenAddress) {
        let level: Logger.Level =
            switch event.importance {
            case .error: .error
            case .warning: .warning
            case .information: .info
            case .detail: .debug
            }
        logger.log(level: level, "\(relay): \(event)")
    }
}
