package import Logging

/// What `LOG_LEVEL` asks for, with the words of wireguard-go.
package enum LogLevel: String, Sendable {
    case silent
    case error
    case info
    case debug
    case verbose

    /// The meaning of a value of `LOG_LEVEL`; an unknown one counts as `error`, as it does for wireguard-go.
    init(environment value: String?, unset: LogLevel) {
        guard let value, !value.isEmpty else {
            self = unset
            return
        }
        self = LogLevel(rawValue: value) ?? .error
    }

    /// The least level that is written; nil when nothing is.
    package var least: Logger.Level? {
        switch self {
        case .silent: nil
        case .error: .error
        case .info: .info
        case .debug, .verbose: .debug
        }
    }
}
