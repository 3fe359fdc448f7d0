import ArgumentParser
import Control
import Glibc
import Quick
import Setup
import Tunnel

/// Which server a command is about.
struct ServerOption: ParsableArguments {
    @Option(
        name: .shortAndLong,
        help: "The server's interface, or its file; not needed where there is only one.")
    var interface: String?

    func edit() throws -> ConfigurationEdit {
        try ConfigurationEdit(try argument(), surroundings())
    }

    func read() throws -> (location: ConfigurationFile.Location, text: ConfigurationText) {
        try ConfigurationEdit.read(try argument(), surroundings())
    }

    private func argument() throws -> String {
        if let interface { return interface }
        if geteuid() != 0 { throw QuickError("this needs root, or a file of yours by --interface ./NAME.conf") }
        return try ConfigurationDirectory(surroundings()).only()
    }
}

/// The name of a peer on the command line.
struct PeerArgument: ParsableArguments {
    @Argument(help: "The peer's name or public key.", completion: .peer)
    var name: String

    @OptionGroup var server: ServerOption
}

struct Peers: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List the peers of a server's file, with their names, also those that are switched off.")

    @OptionGroup var server: ServerOption

    @Flag(help: "Print a JSON array, for programs.")
    var json = false

    func run() throws {
        attempt {
            let (location, text) = try server.read()
            // Only the daemon knows what is used of a quota.
            let hasQuotas = text.peers.contains { text.annotation(of: $0).quota != nil }
            let report = hasQuotas ? InterfaceReport.take(location.interface, surroundings()) : nil
            let list = PeerList(text, interface: location.interface, report: report, now: Int64(time(nil)))
            try StandardConsole().write(Array((json ? list.json : list.table).utf8))
        }
    }
}

/// A subcommand that changes one peer.
protocol PeerSubcommand: ParsableCommand {
    var peer: PeerArgument { get }
    var change: PeerEdit { get }
    /// What is said in the end, as "is switched on".
    var result: String { get }
}

extension PeerSubcommand {
    func run() throws {
        attempt {
            let edit = try peer.server.edit()
            let outcome = try change.run(peer.name, edit)
            guard let reach = outcome.reach else {
                return complain("\(quoted(outcome.name)) \(result) already.")
            }
            complain("\(quoted(outcome.name)) \(result). \(sentence(reach, edit.interface))")
        }
    }
}

struct Enable: PeerSubcommand {
    static let configuration = CommandConfiguration(abstract: "Switch a peer on again.")
    @OptionGroup var peer: PeerArgument
    var change: PeerEdit { .enable }
    var result: String { "is switched on" }
}

struct Disable: PeerSubcommand {
    static let configuration = CommandConfiguration(
        abstract: "Switch a peer off: its lines become comments, and it is cut off at once.")
    @OptionGroup var peer: PeerArgument
    var change: PeerEdit { .disable }
    var result: String { "is switched off" }
}

struct Remove: PeerSubcommand {
    static let configuration = CommandConfiguration(abstract: "Remove a peer from a server, for good.")
    @OptionGroup var peer: PeerArgument
    var change: PeerEdit { .remove }
    var result: String { "is removed" }
}

struct Rename: PeerSubcommand {
    static let configuration = CommandConfiguration(abstract: "Give a peer another name.")
    @OptionGroup var peer: PeerArgument
    @Argument(help: "The new name.")
    var newName: String
    var change: PeerEdit { .rename(newName) }
    var result: String { "is the peer's name" }
}

struct ShowConfig: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show-config",
        abstract: "Print the file of a peer that was made with --keep-key, in a terminal also as a QR code.")

    @OptionGroup var peer: PeerArgument
    @OptionGroup var output: ClientFileOutput

    func run() throws {
        attempt {
            try output.check()
            let (location, text) = try peer.server.read()
            let file = try KeptClientFile.text(peer.name, text, path: location.path)
            let code = try output.code(file)
            try output.write(file, code)
            try output.show(file, code)
        }
    }
}

/// Where a change has arrived, for people.
func sentence(_ reach: ConfigurationEdit.Reach, _ interface: String) -> String {
    switch reach {
    case .file: "\(interface) isn't up, so this counts from the next 'nightjar up'."
    case .interface: "\(interface) is up and knows it already."
    case .interfaceWithoutLimits:
        "\(interface) is up, but what serves it knows no limits, so the peer has none there; Nightjar's own engine knows them."
    case .interfaceWithoutRoutes:
        "\(interface) knows it already, but for routes, since another program has brought it up: add or remove those, or bring it "
            + "down and up again."
    }
}

func surroundings() -> Surroundings {
    Surroundings(console: Console(program: "nightjar"), environment: environmentVariables())
}

/// Runs `body`; what it throws ends the program with a sentence.
func attempt(_ body: () throws -> Void) {
    do {
        try body()
    } catch {
        fail("\(error)")
    }
}

/// Writes a line for people to standard error.
func complain(_ line: String) {
    StandardConsole().complain(line)
}
