package import Control

/// Numbers of bytes as people read them.
package enum Amount {
    /// At most eight characters, as "564 B", "1.21 KiB" or "1023 MiB".
    package static func text(_ bytes: UInt64) -> String {
        guard bytes >= 1024 else { return "\(bytes) B" }
        let power = min(units.count, (63 - bytes.leadingZeroBitCount) / 10)
        let value = Double(bytes) / Double(UInt64(1) << UInt64(10 * power))
        // What would be rounded to 10.0 or 100 has a digit less behind the point.
        let digits = value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2
        return "\(decimal(value, digits: digits)) \(units[power - 1])"
    }

    private static let units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]

    /// - Parameter value: less than 2^24.
    private static func decimal(_ value: Double, digits: Int) -> String {
        let scale = digits == 0 ? 1 : digits == 1 ? 10 : 100
        let (whole, rest) = Int((value * Double(scale)).rounded()).quotientAndRemainder(dividingBy: scale)
        guard digits > 0 else { return "\(whole)" }
        return "\(whole).\(digits == 2 && rest < 10 ? "0" : "")\(rest)"
    }
}

extension Age {
    /// As "34 seconds ago".
    package var ago: String {
        let (count, unit) = parts
        return count == 0 ? "just now" : "\(count) \(unit.name)\(count == 1 ? "" : "s") ago"
    }

    /// As "34 s ago", for tables.
    package var briefly: String {
        let (count, unit) = parts
        return count == 0 ? "now" : "\(count) \(unit.sign) ago"
    }

    /// As "3 hours".
    package var span: String {
        let (count, unit) = parts
        return "\(count) \(unit.name)\(count == 1 ? "" : "s")"
    }

    /// The largest unit of which there is at least one.
    private var parts: (count: UInt64, unit: (seconds: UInt64, name: String, sign: String)) {
        let seconds = milliseconds / 1000
        let unit = Self.units.last { seconds >= $0.seconds } ?? Self.units[0]
        return (seconds / unit.seconds, unit)
    }

    private static let units: [(seconds: UInt64, name: String, sign: String)] = [
        (1, "second", "s"), (60, "minute", "min"), (3600, "hour", "h"), (86400, "day", "d"),
    ]
}
