import ArgumentParser
import Control
import Doctor
import Glibc
import Quick

struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Find out why a tunnel doesn't work, and say what to do about it.",
        discussion: """
            Looks at the interface, its file, the peers, routes, forwarding, the firewall and name servers, and tries peers out \
            with a few packets. It changes nothing. Findings come in the order of cause, without those that another one explains. \
            Without an interface it examines those that are up, and if there is none, those that have a file.

            Exit code: 0 if all is well, 1 with findings, 2 if it can't tell.
            """)

    @Flag(help: "Print a JSON object, for programs.")
    var json = false

    @Argument(help: "An interface's name, or the path of its file.", completion: .quick)
    var interface: String?

    func run() throws {
        let diagnosis: Diagnosis
        do {
            diagnosis = try Doctor(surroundings()).examine(interface)
        } catch {
            complain("nightjar: \(error)")
            Glibc.exit(Diagnosis.Verdict.unknown.status)
        }
        attempt {
            let console = StandardConsole()
            let text =
                json
                ? diagnosis.json
                : diagnosis.text(width: Screen.width, isColoured: console.isTerminal && allowsColours())
            try console.write(Array(text.utf8))
        }
        Glibc.exit(diagnosis.verdict.status)
    }
}

struct Explain: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Tell more about a finding of 'nightjar doctor'; without a code, list them all.")

    @Argument(
        help: "The code of a finding, as no-answer.",
        completion: .list(FindingCode.allCases.map(\.rawValue)))
    var code: String?

    func run() throws {
        attempt {
            guard let code else { return try StandardConsole().write(Array(Explanation.index.utf8)) }
            guard let known = FindingCode(rawValue: code) else {
                throw QuickError("\(quoted(code)) is no code of a finding; 'nightjar explain' lists them")
            }
            try StandardConsole().write(Array(known.explanation.text(known, width: Screen.width).utf8))
        }
    }
}

private func allowsColours() -> Bool {
    let variables = environmentVariables()
    return variables["NO_COLOR"] ?? "" == "" && variables["WG_COLOR_MODE"] != "never"
}
