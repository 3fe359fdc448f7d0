import ArgumentParser
import Control
import Glibc

/// Runs the job of `wg` with these arguments and ends the program.
func runWg(_ arguments: [String], program: String, tool: ToolFamily) -> Never {
    let command = WgCommand(
        program: program, version: Nightjar.version, environment: environmentVariables(), console: StandardConsole(),
        tool: tool)
    exit(command.run(arguments))
}

/// A subcommand that `wg` has as well. It reads its arguments itself, as `wg` does.
protocol WgSubcommand: ParsableCommand {
    static var subcommand: WgCommand.Subcommand { get }
    var words: WgWords { get }
}

/// All that follows the subcommand's name.
struct WgWords: ParsableArguments {
    @Argument(
        parsing: .captureForPassthrough, help: "As for wg; 'nightjar COMMAND --help' shows them.", completion: .wg)
    var arguments: [String] = []
}

extension WgSubcommand {
    static var configuration: CommandConfiguration {
        // The manual page takes what the command expects from the first paragraph.
        let arguments = subcommand.arguments.isEmpty ? "" : "Arguments: \(subcommand.arguments)\n\n"
        return CommandConfiguration(
            commandName: subcommand.rawValue, abstract: subcommand.summary,
            discussion: arguments + subcommand.explanation)
    }

    func run() throws {
        runWg([Self.subcommand.rawValue] + words.arguments, program: "nightjar", tool: .nightjar)
    }
}

struct Show: WgSubcommand {
    static let subcommand = WgCommand.Subcommand.show
    @OptionGroup var words: WgWords
}

struct ShowConfiguration: WgSubcommand {
    static let subcommand = WgCommand.Subcommand.showconf
    @OptionGroup var words: WgWords
}

struct SetOptions: WgSubcommand {
    static let subcommand = WgCommand.Subcommand.set
    @OptionGroup var words: WgWords
}

struct SetConfiguration: WgSubcommand {
    static let subcommand = WgCommand.Subcommand.setconf
    @OptionGroup var words: WgWords
}

struct AddConfiguration: WgSubcommand {
    static let subcommand = WgCommand.Subcommand.addconf
    @OptionGroup var words: WgWords
}

struct SynchroniseConfiguration: WgSubcommand {
    static let subcommand = WgCommand.Subcommand.syncconf
    @OptionGroup var words: WgWords
}

struct GenerateKey: WgSubcommand {
    static let subcommand = WgCommand.Subcommand.genkey
    @OptionGroup var words: WgWords
}

struct GeneratePresharedKey: WgSubcommand {
    static let subcommand = WgCommand.Subcommand.genpsk
    @OptionGroup var words: WgWords
}

struct PrintPublicKey: WgSubcommand {
    static let subcommand = WgCommand.Subcommand.pubkey
    @OptionGroup var words: WgWords
}
