import ArgumentParser
import Control
import Glibc
import Metrics

struct Run: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Create a WireGuard interface and serve it until it is deleted.",
        discussion: """
            Goes to the background once the interface and its configuration socket \
            /var/run/wireguard/INTERFACE.sock are ready. Ends on SIGINT and SIGTERM, when the interface is deleted, \
            and when the socket file is removed.

            Environment: LOG_LEVEL=silent|error|info|debug (info by default; error under the name \
            wireguard-go), NIGHTJAR_LOG_FORMAT=text|json (as --log-format), WG_PROCESS_FOREGROUND=1 (as \
            --foreground), WG_TUN_FD and WG_UAPI_FD (descriptors that are open already), WG_TUN_NAME_FILE (gets the \
            interface's name), NIGHTJAR_METRICS_LISTEN (as --metrics-listen). NIGHTJAR_DISABLE turns off what a kernel \
            or driver does badly, a comma-separated list of tun-offload, tun-tcp, tun-udp, udp-gso and udp-gro.
            """)

    @Flag(name: [.short, .long], help: "Stay in the foreground.")
    var foreground = false

    @OptionGroup var state: StateOption
    @OptionGroup var logging: LogOptions
    @OptionGroup var metrics: MetricsListenOption

    @Argument(help: "The interface's name, at most 15 characters; the kernel numbers one that ends in %d.")
    var interface: String

    func run() throws {
        try run(as: .nightjar)
    }

    func run(as tool: ToolFamily) throws {
        let options = [state.variables, logging.variables, metrics.variables]
        let environment = options.reduce(into: environmentVariables()) { $0.merge($1) { $1 } }
        let isBackgroundProcess = environment["WG_PROCESS_FOREGROUND"] == "1"
        do {
            var request = try Daemon.Request(
                interface: interface, environment: environment, unsetLogLevel: tool == .nightjar ? .info : .error)
            if tool == .amneziaWG { request.socketDirectory = tool.socketDirectory }
            let daemon = try Daemon(request)
            if foreground || isBackgroundProcess {
                var server: MetricsServer?
                try daemon.serve(engineOptions: request.engine) {
                    if let address = request.metricsListen {
                        server = try MetricsServer(address, metricsPages(of: daemon))
                    }
                    Daemon.reportReadiness(nil, environment: environment)
                }
                server?.stop()
            } else {
                try daemon.handOver(environment: environment)
            }
        } catch {
            Daemon.reportReadiness("\(error)", environment: environment)
            fail("\(interface): \(error)")
        }
    }
}

private func metricsPages(of daemon: borrowing Daemon) -> MetricsPages {
    MetricsPages(
        ConfigurationSocketSource(interface: daemon.interface, socketDirectory: daemon.socketDirectory),
        version: Nightjar.versionNumber)
}

/// Where a daemon keeps what it has counted.
struct StateOption: ParsableArguments {
    @Option(
        name: .customLong("state-dir"),
        help: "A directory in which what was transferred is kept, so that it is counted on from there after a restart.",
        completion: .directory)
    var directory: String?

    /// The variables of the environment that say the same.
    var variables: [String: String] { directory.map { [Daemon.Request.stateDirectoryVariable: $0] } ?? [:] }
}

/// Ends the program with a message for a person and exit code 1.
func fail(_ message: String) -> Never {
    let line = "nightjar: \(message)\n"
    _ = write(STDERR_FILENO, line, line.utf8.count)
    exit(1)
}

func environmentVariables() -> [String: String] {
    var variables: [String: String] = [:]
    var entry = environ
    while let text = entry.pointee {
        let pair = String(cString: text).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        if pair.count == 2 { variables[String(pair[0])] = String(pair[1]) }
        entry += 1
    }
    return variables
}
