/// A length of time as people give it for a peer's use: `30 days`, `12h`. Whole hours.
package struct Term: Equatable, Sendable {
    package let hours: Int64

    /// A thousand years.
    private static let most: Int64 = 1000 * 365 * 24

    /// At least one hour, at most a thousand years.
    package init(hours: Int64) {
        self.hours = min(max(1, hours), Self.most)
    }

    /// A number and a unit, with or without a space between them; nil for anything else.
    package init?(_ text: some StringProtocol) {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard (1...7).contains(digits.count), let number = Int64(digits), number > 0 else { return nil }
        let factor: Int64
        switch text.dropFirst(digits.count).drop(while: { $0 == " " }).lowercased() {
        case "h", "hour", "hours": factor = 1
        case "d", "day", "days": factor = 24
        case "w", "week", "weeks": factor = 7 * 24
        case "y", "year", "years": factor = 365 * 24
        default: return nil
        }
        // Safe: seven digits times some thousands.
        guard number * factor <= Self.most else { return nil }
        hours = number * factor
    }

    package var seconds: Int64 { hours * 3600 }

    /// `30 days`, or `36 hours`.
    package var description: String {
        let (number, unit) = hours % 24 == 0 ? (hours / 24, "day") : (hours, "hour")
        return "\(number) \(unit)\(number == 1 ? "" : "s")"
    }

    package static let expectation = "a length of time, as 12h, 30d, 4w or 1y"
}
