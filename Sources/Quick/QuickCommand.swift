package import Control
import Glibc

/// The jobs of `wg-quick` and Nightjar's own, `reload`: arguments in, lines on standard error and an exit code out.
package enum QuickTask: String, CaseIterable, Sendable {
    case up, down, save, strip, reload

    /// Does the job. Returns the exit code.
    ///
    /// - Parameter argument: an interface's name or a file.
    package func run(_ argument: String, _ surroundings: Surroundings, prefersKernel: Bool = false) -> Int32 {
        do {
            switch self {
            case .up: try Up(surroundings, prefersKernel: prefersKernel).run(argument)
            case .down: try Down(surroundings).run(argument)
            case .save: try Save(surroundings).run(argument)
            case .strip: try Strip(surroundings).run(argument)
            case .reload: try Reload(surroundings).run(argument)
            }
            return 0
        } catch {
            surroundings.console.fail("\(error)")
            return (error as? QuickError)?.status ?? 1
        }
    }
}

/// The command line of `wg-quick`. Quick §Invocation.
package struct WgQuickCommand {
    /// As the program was called.
    private let program: String
    private let surroundings: Surroundings

    /// - Parameters:
    ///   - path: as the program was called.
    ///   - tool: whose files and sockets it works with.
    package init(path: String, tool: ToolFamily, environment: [String: String]) {
        program = path.split(separator: "/").last.map(String.init) ?? "wg-quick"
        surroundings = Surroundings(console: Console(program: program), environment: environment, tool: tool)
    }

    /// Returns the exit code. Who isn't root is asked for a password by sudo, and the whole command runs anew.
    package func run(_ arguments: [String], path: String) -> Int32 {
        if arguments.count == 1, ["--help", "-h", "help"].contains(arguments[0]) {
            surroundings.console.write(usage)
            return 0
        }
        guard arguments.count == 2, let task = QuickTask(rawValue: arguments[0]), task != .reload else {
            surroundings.console.write(usage)
            return 1
        }
        if geteuid() != 0 { return runByRoot(arguments, path: path) }
        return task.run(arguments[1], surroundings)
    }

    private func runByRoot(_ arguments: [String], path: String) -> Int32 {
        guard let sudo = surroundings.program("sudo"), let own = surroundings.program(path) else {
            surroundings.console.fail("\(program) must be run as root, and there is no sudo to become it")
            return 1
        }
        let prompt = "\(program) must be run as root. Please enter the password for %u to continue: "
        var words = ([sudo.path, "-p", prompt, "--", own.path] + arguments).map { strdup($0) } + [nil]
        execv(sudo.path, &words)
        surroundings.console.fail("\(sudo.path): \(String(cString: strerror(errno)))")
        return 1
    }

    private var usage: String {
        """
        Usage: \(program) [ up | down | save | strip ] [ CONFIG_FILE | INTERFACE ]

          CONFIG_FILE is a file named INTERFACE.conf. An INTERFACE alone stands for the file
          \(surroundings.configurationDirectory)/INTERFACE.conf. The file has all that `wg setconf' takes, and these
          keys in [Interface]:

          - Address: addresses of the interface, with the length of their networks.
          - DNS: name servers and search domains to use while the interface is up.
          - MTU: in bytes; found from the routes to the peers if it is missing.
          - Table: the routing table for routes; `off' for no routes, `auto' as if missing.
          - PreUp, PostUp, PreDown, PostDown: commands for bash, in which %i is the interface.
          - SaveConfig: `true' to write the interface's configuration back when it goes down.
          - KillSwitch: `on' to let nothing pass outside of the tunnel, `lan' to except the
            local network.

        See nightjar(8) for more.
        """
    }
}
