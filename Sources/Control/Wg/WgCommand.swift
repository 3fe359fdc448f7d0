import Glibc
import LinuxNet

/// The commands of `wg`: the same arguments, output and exit codes. Part 3.
package struct WgCommand {
    /// The subcommands, with a line for each.
    package enum Subcommand: String, CaseIterable, Sendable {
        case show, showconf, set, setconf, addconf, syncconf, genkey, genpsk, pubkey

        package var summary: String {
            switch self {
            case .show: "Show interfaces, their peers and what passed."
            case .showconf: "Print an interface's configuration, for use with setconf."
            case .set: "Change an interface and its peers."
            case .setconf: "Make an interface exactly as a file says."
            case .addconf: "Add what a file says to an interface."
            case .syncconf: "Make an interface as a file says without touching what is right already."
            case .genkey: "Make a private key."
            case .genpsk: "Make a preshared key."
            case .pubkey: "Read a private key and print its public key."
            }
        }
    }

    /// How the program was called, for usage lines.
    let program: String
    /// The version of Nightjar.
    let version: String
    let environment: [String: String]
    let console: any CommandConsole
    /// Whose tool this is.
    let tool: ToolFamily
    let places: DevicePlaces
    /// Unix time; nil asks the clock.
    let time: Int64?

    /// - Parameter places: where interfaces are looked for, those of the tool unless told.
    package init(
        program: String, version: String, environment: [String: String], console: any CommandConsole,
        tool: ToolFamily, places: DevicePlaces? = nil, time: Int64? = nil
    ) {
        self.program = program
        self.version = version
        self.environment = environment
        self.console = console
        self.tool = tool
        self.places = places ?? tool.devicePlaces
        self.time = time
    }

    /// Runs `wg` with these arguments. Returns the exit code.
    package func run(_ arguments: [String]) -> Int32 {
        do {
            try perform(arguments)
            return 0
        } catch let failure as Failure {
            for line in failure.lines { console.complain(line) }
        } catch {
            console.complain("\(error)")
        }
        return 1
    }

    private func perform(_ arguments: [String]) throws {
        guard let name = arguments.first else { return try show([]) }
        if arguments.count == 1 {
            switch name {
            case "-h", "--help", "help": return try print("\(usage)\n")
            case "-v", "--version", "version": return try print("\(compatibleVersion) - \(version)\n")
            default: break
            }
        }
        guard let subcommand = Subcommand(rawValue: name) else {
            throw Failure("Invalid subcommand: \(quoted(name))", usage)
        }
        let words = Array(arguments.dropFirst())
        switch subcommand {
        case .show: try show(words)
        case .showconf: try showConfiguration(words)
        case .set: try set(words)
        case .setconf, .addconf, .syncconf: try useFile(subcommand, words)
        case .genkey, .genpsk: try generate(subcommand, words)
        case .pubkey: try printPublicKey(words)
        }
    }

    /// Scripts look for the beginning of this line.
    private var compatibleVersion: String {
        tool == .amneziaWG ? "amneziawg-tools v3.1.20260812" : "wireguard-tools v1.0.20260223"
    }

    func usage(of subcommand: Subcommand) -> String {
        let arguments = subcommand.arguments.isEmpty ? "" : " \(subcommand.arguments)"
        return "Usage: \(program) \(subcommand.rawValue)\(arguments)"
    }

    private var usage: String {
        let lines = Subcommand.allCases.map { "  \($0.rawValue): \($0.summary)" }
        return """
            Usage: \(program) <cmd> [<args>]

            Available subcommands:
            \(lines.joined(separator: "\n"))
            You may pass `--help' to any of these subcommands to view usage.
            """
    }
}

extension WgCommand {
    /// Ends a command with exit code 1.
    struct Failure: Error {
        /// For the standard error output.
        let lines: [String]

        init(_ lines: String...) {
            self.lines = lines
        }
    }

    func print(_ text: String) throws {
        try console.write(Array(text.utf8))
    }

    func open(_ interface: String) throws -> any DeviceAccess {
        try WireGuardDevices.open(interface, in: places)
    }

    /// Why an interface couldn't be reached or changed.
    static func reason(_ error: any Error) -> String {
        guard let error = error as? SystemError else { return "\(error)" }
        let text = SystemError.text(for: error.code)
        return error.advice.map { "\(text) (\($0))" } ?? text
    }

    /// Whether the output has colours.
    var isColoured: Bool {
        switch environment["WG_COLOR_MODE"] {
        case "always": true
        case "never": false
        default: console.isTerminal
        }
    }

    /// Whether the status for people has the keys.
    var showsKeys: Bool { environment["WG_HIDE_KEYS"] == "never" }
}
