import Glibc
package import Logging

/// Writes a line for each message: in the form of wireguard-go, `INFO: (wg0) 2026/11/22 16:28:02 Interface up`, without what systemd's
/// journal and the system's log add by themselves, or as JSON.
package struct LineLogHandler: LogHandler {
    package var metadata = Logger.Metadata()
    package var logLevel: Logger.Level
    private let interface: String
    private let settings: LogSettings
    private let systemLog: SystemLog?

    /// A logger for `interface`.
    package static func logger(interface: String, _ settings: LogSettings) -> Logger {
        let handler = LineLogHandler(interface: interface, settings)
        return Logger(label: interface) { _ in handler }
    }

    private init(interface: String, _ settings: LogSettings) {
        self.interface = interface
        self.settings = settings
        logLevel = settings.level.least ?? .critical
        systemLog = settings.destination == .systemLog ? SystemLog() : nil
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        guard settings.level != .silent else { return }
        let severity = SystemLog.severity(of: event.level)
        switch settings.destination {
        case .standardError:
            write(text(event) ?? "\(event.level.label): (\(interface)) \(localTime()) \(event.message)")
        case .journal: write("<\(severity)>\(text(event) ?? "\(interface): \(event.message)")")
        case .systemLog: systemLog?.write(text(event) ?? "\(interface): \(event.message)", severity: severity)
        case .nowhere: break
        }
    }

    /// The line when it has to be JSON.
    private func text(_ event: LogEvent) -> String? {
        guard settings.format == .json else { return nil }
        return LogObject.text(event, interface: interface, time: LogObject.now)
    }

    private func write(_ line: String) {
        // One call, so that lines of several threads don't mix.
        let bytes = Array((line + "\n").utf8)
        _ = Glibc.write(STDERR_FILENO, bytes, bytes.count)
    }
}

extension Logger.Level {
    fileprivate var label: String { rawValue.uppercased() }
}

private func localTime() -> String {
    var seconds = time(nil)
    var fields = tm()
    localtime_r(&seconds, &fields)
    return "\(fields.tm_year + 1900)/\(twoDigits(fields.tm_mon + 1))/\(twoDigits(fields.tm_mday)) \(clockTime(fields))"
}

/// `16:28:02`
func clockTime(_ fields: tm) -> String {
    "\(twoDigits(fields.tm_hour)):\(twoDigits(fields.tm_min)):\(twoDigits(fields.tm_sec))"
}

func twoDigits(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
