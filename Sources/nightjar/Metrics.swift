import ArgumentParser
import Control
import Glibc
import Metrics
import Quick
import Status

struct PrintMetrics: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "metrics",
        abstract: "Print what monitoring wants to know of interfaces, as Prometheus reads it.",
        discussion: """
            For a file that node_exporter's textfile collector reads, or to see what there is. A daemon that was started with \
            --metrics-listen, or whose file has '# MetricsListen = 9586' in [Interface], answers Prometheus itself.
            """)

    @Option(help: ArgumentHelp("The exporter by whose names bytes and handshakes are told.", valueName: "exporter"))
    var names = PeerMetricNames.mindflavor

    @Argument(help: "Interfaces; all of them unless given.", completion: .interface)
    var interfaces: [String] = []

    func run() throws {
        let surroundings = surroundings()
        var isComplete = true
        attempt {
            var wanted: [String] = []
            let all = try interfaces.isEmpty ? WireGuardDevices.names(in: surroundings.devicePlaces) : interfaces
            for name in all where !wanted.contains(name) { wanted.append(name) }
            var snapshots: [InterfaceSnapshot] = []
            for name in wanted {
                do {
                    snapshots.append(try InterfaceSnapshot.take(name, surroundings))
                } catch {
                    complain("nightjar: \(name): \(error)")
                    isComplete = false
                }
            }
            let text = Exposition.text(of: snapshots, names: names, version: Nightjar.versionNumber)
            try StandardConsole().write(text)
        }
        if !isComplete { Glibc.exit(1) }
    }
}

extension PeerMetricNames: ExpressibleByArgument {}

/// Where a daemon is to answer questions for metrics.
struct MetricsListenOption: ParsableArguments {
    @Option(
        name: .customLong("metrics-listen"),
        help: ArgumentHelp(
            "Answer Prometheus at /metrics, and supervisors at /livez and /readyz; on this machine alone unless an address is given.",
            valueName: "[address:]port"))
    var address: String?

    func validate() throws {
        if let address, MetricsAddress(address) == nil {
            throw ValidationError("--metrics-listen \(quoted(address)): this needs \(MetricsAddress.expectation).")
        }
    }

    /// The variables of the environment that say the same.
    var variables: [String: String] { address.map { [MetricsAddress.variable: $0] } ?? [:] }
}
