import ArgumentParser
import Control

/// How the lines of a log look.
struct LogOptions: ParsableArguments {
    @Option(
        name: .customLong("log-format"),
        help: ArgumentHelp("How log lines look: text, which is for people, or json.", valueName: "form"))
    var format: LogFormat?

    /// The variables of the environment that say the same.
    var variables: [String: String] { format.map { [LogFormat.variable: $0.rawValue] } ?? [:] }
}

extension LogFormat: ExpressibleByArgument {}
