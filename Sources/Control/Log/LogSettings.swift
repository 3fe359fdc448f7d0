import Glibc

/// How much is logged, in which form and where to.
package struct LogSettings: Equatable, Sendable {
    package var level: LogLevel
    package var format = LogFormat.text
    package var destination: LogDestination

    /// What the environment asks for. Of a program in the foreground; ``inBackground(_:)`` is another matter.
    ///
    /// - Parameter unset: the level when `LOG_LEVEL` isn't set.
    package init(environment: [String: String], unset: LogLevel = .info) throws(DaemonError) {
        level = LogLevel(environment: environment["LOG_LEVEL"], unset: unset)
        if let name = environment[LogFormat.variable], !name.isEmpty {
            guard let format = LogFormat(rawValue: name) else {
                throw .unknownLogFormat(name)
            }
            self.format = format
        }
        destination = Self.isJournal(environment) ? .journal : .standardError
        if let chosen = environment[LogDestination.variable].flatMap({ LogDestination(rawValue: $0) }) {
            destination = chosen
        }
    }

    /// The same for a process that this one starts and leaves behind: the journal if this one's lines go there; the caller's standard
    /// error when it said how much it wants to read there, as with wireguard-go; else the system's log.
    func inBackground(_ environment: [String: String]) -> LogSettings {
        var settings = self
        if destination != .journal, environment["LOG_LEVEL", default: ""].isEmpty {
            settings.destination = SystemLog.isThere ? .systemLog : .nowhere
        }
        return settings
    }

    /// The variables that hand these settings to another process of Nightjar.
    var variables: [String: String] {
        [
            "LOG_LEVEL": level.rawValue, LogFormat.variable: format.rawValue,
            LogDestination.variable: destination.rawValue,
        ]
    }

    /// Whether standard error is a stream of systemd's journal, which the journal tells by its device and inode.
    private static func isJournal(_ environment: [String: String]) -> Bool {
        guard let stream = environment["JOURNAL_STREAM"] else { return false }
        var status = stat()
        return fstat(STDERR_FILENO, &status) == 0 && stream == "\(status.st_dev):\(status.st_ino)"
    }
}

/// What a line looks like.
package enum LogFormat: String, CaseIterable, Sendable {
    /// A sentence.
    case text
    /// A JSON object on a line of its own.
    case json

    /// Names it to processes in the background.
    package static let variable = "NIGHTJAR_LOG_FORMAT"
}

/// Where lines go.
package enum LogDestination: String, Sendable {
    case standardError = "stderr"
    /// Standard error, which systemd's journal reads: it has a clock of its own, and takes a level in front of a line.
    case journal
    /// The socket /dev/log.
    case systemLog = "syslog"
    case nowhere = "none"

    /// Names it to processes in the background.
    static let variable = "NIGHTJAR_LOG_DESTINATION"

    /// Whether it needs the standard error of the process.
    var usesStandardError: Bool { self == .standardError || self == .journal }
}
