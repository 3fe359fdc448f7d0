import Glibc
import Logging

/// A message as a JSON object on one line: `time` (RFC 3339, UTC), `level`, `interface`, `message` and what else belongs to it, all of
/// them strings.
enum LogObject {
    static func text(_ event: LogEvent, interface: String, time: timespec) -> String {
        var fields = [
            ("time", timestamp(time)), ("level", event.level.rawValue), ("interface", interface),
            ("message", "\(event.message)"),
        ]
        for (key, value) in (event.metadata ?? [:]).sorted(by: { $0.key < $1.key }) { fields.append((key, "\(value)")) }
        return "{" + fields.map { "\(quoted($0)):\(quoted($1))" }.joined(separator: ",") + "}"
    }

    static var now: timespec {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return now
    }

    /// RFC 8259 §7.
    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case _ where scalar.value < 0x20 || scalar.value == 0x7f:
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    private static func timestamp(_ time: timespec) -> String {
        var seconds = time.tv_sec
        var fields = tm()
        gmtime_r(&seconds, &fields)
        let milliseconds = String(1000 + time.tv_nsec / 1_000_000).dropFirst()
        return "\(fields.tm_year + 1900)-\(twoDigits(fields.tm_mon + 1))-\(twoDigits(fields.tm_mday))"
            + "T\(clockTime(fields)).\(milliseconds)Z"
    }
}
