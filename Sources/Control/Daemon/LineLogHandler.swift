import Glibc
package import Logging

/// Writes a line to standard error for each message, in the form of wireguard-go:
/// `DEBUG: (wg0) 2026/11/22 16:28:02 peer(ES6B…rwAk) - Sending handshake initiation`.
package struct LineLogHandler: LogHandler {
    package var metadata = Logger.Metadata()
    package var logLevel: Logger.Level
    private let interface: String
    private let isSilent: Bool

    /// A logger for `interface`.
    package static func logger(interface: String, level: LogLevel) -> Logger {
        Logger(label: interface) { _ in LineLogHandler(interface: interface, level: level) }
    }

    private init(interface: String, level: LogLevel) {
        self.interface = interface
        logLevel = level.least ?? .critical
        isSilent = level.least == nil
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        guard !isSilent else { return }
        let line = "\(event.level.rawValue.uppercased()): (\(interface)) \(localTime()) \(event.message)\n"
        // One call, so that lines of several threads don't mix.
        line.utf8.withContiguousStorageIfAvailable { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}

private func localTime() -> String {
    var seconds = time(nil)
    var fields = tm()
    localtime_r(&seconds, &fields)
    func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
    return "\(fields.tm_year + 1900)/\(two(fields.tm_mon + 1))/\(two(fields.tm_mday)) "
        + "\(two(fields.tm_hour)):\(two(fields.tm_min)):\(two(fields.tm_sec))"
}
