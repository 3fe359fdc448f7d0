import ArgumentParser
import Glibc

/// The command line. Called through a link named `wireguard-go` it is `nightjar run`, through `wg` and
/// `wg-quick` those tools.
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
            New.self, Peers.self, Enable.self, Disable.self, Remove.self, Rename.self, ShowConfig.self,
            Run.self, Drops.self,
            Up.self, Down.self, Reload.self, Save.self, Strip.self,
            Show.self, ShowConfiguration.self, SetOptions.self, SetConfiguration.self, AddConfiguration.self,
            SynchroniseConfiguration.self, GenerateKey.self, GeneratePresharedKey.self, PrintPublicKey.self,
        ],
        defaultSubcommand: Run.self)

    static let version = "nightjar 0.1.0"

    static func main() {
        let name = CommandLine.arguments.first.map { $0.split(separator: "/").last ?? "" }
        switch name {
        case "wireguard-go": WireGuardGo.main()
        case "wg-quick": runWgQuick(Array(CommandLine.arguments.dropFirst()), path: CommandLine.arguments[0])
        case "wg": runWg(Array(CommandLine.arguments.dropFirst()), program: CommandLine.arguments[0])
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
        try command.run()
    }
}
