import ArgumentParser
import Control
import Glibc

/// The command line. Called through a link named `wireguard-go` or `amneziawg-go` it is `nightjar run`, through `wg`,
/// `wg-quick`, `awg` and `awg-quick` those tools.
@main
struct Nightjar: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "nightjar",
        abstract: "A WireGuard for Linux in user space.",
        discussion: """
            'nightjar up wg0' brings up the interface of /etc/wireguard/wg0.conf. 'nightjar wg0' is short for \
            'nightjar run wg0', which creates an interface to be configured with 'nightjar set' or 'wg set'.
            """,
        version: version,
        subcommands: [
            New.self, Peers.self, Enable.self, Disable.self, Remove.self, Rename.self, Limit.self, Renew.self,
            ShowConfig.self, ShowStatus.self, PingPeer.self, DoctorCommand.self, Explain.self,
            Run.self, Drops.self, PrintMetrics.self, Relay.self, Inspect.self,
            Up.self, Down.self, Reload.self, Save.self, Strip.self,
            Show.self, ShowConfiguration.self, SetOptions.self, SetConfiguration.self, AddConfiguration.self,
            SynchroniseConfiguration.self, GenerateKey.self, GeneratePresharedKey.self, PrintPublicKey.self,
        ],
        defaultSubcommand: Run.self)

    static let version = "nightjar \(versionNumber)"
    static let versionNumber = "0.1.0"

    static func main() {
        let path = CommandLine.arguments.first ?? ""
        let name = path.split(separator: "/").last ?? ""
        let arguments = Array(CommandLine.arguments.dropFirst())
        let tool = ToolFamily(programName: String(name))
        switch name {
        case "wireguard-go": WireGuardGo.main()
        case "amneziawg-go": AmneziaWGGo.main()
        case "wg-quick", "awg-quick": runWgQuick(arguments, path: path, tool: tool)
        case "wg", "awg": runWg(arguments, program: path, tool: tool)
        default: main(nil)
        }
    }
}

/// `nightjar run` under the name that `wg-quick` looks for.
struct WireGuardGo: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wireguard-go", abstract: "Nightjar under the name of wireguard-go.", version: Nightjar.version)

    @OptionGroup var command: Run

    mutating func run() throws {
        try command.run(as: .wireGuard)
    }
}

/// The same under the name that `awg-quick` looks for, with AmneziaWG's place for the configuration socket.
struct AmneziaWGGo: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "amneziawg-go", abstract: "Nightjar under the name of amneziawg-go.", version: Nightjar.version)

    @OptionGroup var command: Run

    mutating func run() throws {
        try command.run(as: .amneziaWG)
    }
}
