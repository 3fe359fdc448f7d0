/// Runs the commands of `PreUp`, `PostUp`, `PreDown` and `PostDown`. Quick §Hooks.
struct Hooks {
    /// When a command's turn is.
    enum Moment: String, Codable {
        case preUp = "PreUp"
        case postUp = "PostUp"
        case preDown = "PreDown"
        case postDown = "PostDown"
    }

    let interface: String
    let surroundings: Surroundings

    /// Runs each command to its end, in order.
    ///
    /// - Throws: ``QuickError`` with the exit code of the first that fails; those after it don't run.
    func run(_ commands: [String], _ moment: Moment, interruption: Interruption? = nil) throws {
        for command in commands {
            let status = try run(command, interruption)
            guard status == 0 else {
                throw QuickError("\(interface): \(moment.rawValue) ended with exit code \(status)", status: status)
            }
        }
    }

    /// Runs all commands, whatever becomes of each: for a tunnel of which nobody knows how far it came.
    func runAll(_ commands: [String], _ moment: Moment, interruption: Interruption? = nil) {
        for command in commands {
            let outcome: String
            do {
                let status = try run(command, interruption)
                if status == 0 { continue }
                outcome = "ended with exit code \(status)"
            } catch {
                outcome = "\(error)"
            }
            surroundings.console.note("\(interface): \(moment.rawValue) \(outcome); going on, to clean up")
        }
    }

    private func run(_ command: String, _ interruption: Interruption?) throws -> Int32 {
        let text = Self.expanded(command, interface: interface)
        surroundings.console.echo(text)
        let (shell, options) = try self.shell()
        let result = try shell.run(
            options + ["-c", text], environment: surroundings.childEnvironment, streams: .inherited,
            interruption: interruption)
        return result.status
    }

    /// `%i` is the interface, wherever it stands.
    static func expanded(_ command: String, interface: String) -> String {
        var result = ""
        var rest = command[...]
        while let percent = rest.firstIndex(of: "%") {
            result += rest[..<percent]
            let after = rest[rest.index(after: percent)...]
            if after.first == "i" {
                result += interface
                rest = after.dropFirst()
            } else {
                result += "%"
                rest = after
            }
        }
        return result + rest
    }

    /// bash with the options that `wg-quick` itself runs with, which its hooks inherit; without bash, a plain shell.
    private func shell() throws(QuickError) -> (Program, [String]) {
        if let bash = surroundings.program("bash") { return (bash, ["-e", "-o", "pipefail", "-O", "extglob"]) }
        if let shell = Program("/bin/sh", environment: [:]) { return (shell, ["-e"]) }
        throw QuickError("\(interface): there is neither bash nor /bin/sh to run the file's commands", status: 127)
    }
}
