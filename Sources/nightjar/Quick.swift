import ArgumentParser
import Control
import Glibc
import Quick

/// A subcommand that brings interfaces up or down.
protocol QuickSubcommand: ParsableCommand {
    static var task: QuickTask { get }
    var target: QuickTarget { get }
    var prefersKernel: Bool { get }
    /// Variables of the environment that its options stand for.
    var variables: [String: String] { get }
}

/// What all of them work on.
struct QuickTarget: ParsableArguments {
    @Argument(
        help: "An interface, for /etc/wireguard/INTERFACE.conf, or the path of a file INTERFACE.conf.",
        completion: .quick)
    var interface: String
}

extension QuickSubcommand {
    var prefersKernel: Bool { false }
    var variables: [String: String] { [:] }

    func run() throws {
        guard geteuid() == 0 else {
            fail("this needs root: sudo nightjar \(Self.task.rawValue) \(target.interface)")
        }
        let surroundings = Surroundings(
            console: Console(program: "nightjar"), environment: environmentVariables().merging(variables) { $1 })
        Glibc.exit(Self.task.run(target.interface, surroundings, prefersKernel: prefersKernel))
    }
}

struct Up: QuickSubcommand {
    static let configuration = CommandConfiguration(
        abstract: "Bring an interface up as its file says, with addresses, routes and DNS.",
        discussion: """
            Does what 'wg-quick up' does, with the same files. When a step fails, or the program is interrupted, all is as \
            before; after a crash 'nightjar down' takes back what was done.

            Environment: NIGHTJAR_PREFER_KERNEL=1 (as --kernel), WG_QUICK_USERSPACE_IMPLEMENTATION (another program to \
            serve the interface), WG_ENDPOINT_RESOLUTION_RETRIES (a number or infinity, 15 by default), \
            LOG_LEVEL=silent|error|info|debug (info by default), NIGHTJAR_LOG_FORMAT (as --log-format).

            What the daemon tells goes to the journal when systemd started it, here when LOG_LEVEL is set, else to the \
            system's log.
            """)
    static let task = QuickTask.up

    @Flag(name: .customLong("kernel"), help: "Let the kernel's WireGuard serve the interface.")
    var prefersKernel = false

    @OptionGroup var state: StateOption
    @OptionGroup var logging: LogOptions
    @OptionGroup var metrics: MetricsListenOption

    @OptionGroup var target: QuickTarget

    var variables: [String: String] {
        [state.variables, logging.variables, metrics.variables].reduce(into: [:]) { $0.merge($1) { $1 } }
    }
}

struct Down: QuickSubcommand {
    static let configuration = CommandConfiguration(
        abstract: "Take an interface down, and all that came with it, also after a crash.")
    static let task = QuickTask.down

    @OptionGroup var target: QuickTarget
}

struct Save: QuickSubcommand {
    static let configuration = CommandConfiguration(
        abstract: "Write an interface's present configuration into its file.")
    static let task = QuickTask.save

    @OptionGroup var target: QuickTarget
}

struct Strip: QuickSubcommand {
    static let configuration = CommandConfiguration(
        abstract: "Print what of a file is for 'wg setconf' and 'wg syncconf'. It holds the private key.")
    static let task = QuickTask.strip

    @OptionGroup var target: QuickTarget
}

struct Reload: QuickSubcommand {
    static let configuration = CommandConfiguration(
        abstract: "Apply a changed file to an interface that is up, without dropping peers that didn't change.",
        discussion: """
            Peers, addresses, MTU, routes, DNS and kill switch become as the file says, all of them or none. The file's \
            commands (PreUp, PostUp, PreDown, PostDown) don't run.
            """)
    static let task = QuickTask.reload

    @OptionGroup var target: QuickTarget
}

/// Runs the job of `wg-quick` with these arguments and ends the program.
func runWgQuick(_ arguments: [String], path: String, tool: ToolFamily) -> Never {
    exit(WgQuickCommand(path: path, tool: tool, environment: environmentVariables()).run(arguments, path: path))
}
