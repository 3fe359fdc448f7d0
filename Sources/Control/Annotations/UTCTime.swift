/// A moment as people write it in a file: a day, `2026-12-31`, or a time of one, `2026-12-31 18:30` or `2026-12-31T18:30:00Z`.
/// Always UTC, so that a file means the same on every machine.
package struct UTCTime: Equatable, Sendable {
    /// Unix time in seconds; of a day without a time its beginning.
    package let seconds: Int64
    package let hasTimeOfDay: Bool

    /// The day before the first one is behind what is taken: years have four digits.
    package static let latest: Int64 = 253_402_300_799

    /// - Parameter seconds: Unix time, taken as from 1970 to 9999.
    package init(_ seconds: Int64) {
        self.seconds = min(max(0, seconds), Self.latest)
        hasTimeOfDay = true
    }

    /// Nil for what is no such moment, or lies before 1970.
    package init?(_ text: some StringProtocol) {
        guard text.utf8.count <= 32 else { return nil }
        var rest = Array(text.utf8)[...]
        for zone in ["UTC", "Z"] where rest.reversed().starts(with: zone.utf8.reversed()) {
            rest = rest.dropLast(zone.utf8.count)
            break
        }
        let isZoned = rest.count < text.utf8.count
        while isZoned, rest.last == UInt8(ascii: " ") { rest = rest.dropLast() }
        guard let year = Self.number(&rest, digits: 4, after: nil), year >= 1970,
            let month = Self.number(&rest, digits: 2, after: "-"), (1...12).contains(month),
            let day = Self.number(&rest, digits: 2, after: "-"), (1...Self.days(inMonth: month, of: year)).contains(day)
        else { return nil }
        let midnight = Self.days(before: year, month, day) * Self.day
        guard !rest.isEmpty else {
            guard !isZoned else { return nil }
            seconds = midnight
            hasTimeOfDay = false
            return
        }
        guard let hour = Self.number(&rest, digits: 2, after: "T") ?? Self.number(&rest, digits: 2, after: " "),
            hour < 24, let minute = Self.number(&rest, digits: 2, after: ":"), minute < 60
        else { return nil }
        var second: Int64 = 0
        if !rest.isEmpty {
            guard let found = Self.number(&rest, digits: 2, after: ":"), found < 60, rest.isEmpty else { return nil }
            second = found
        }
        seconds = midnight + hour * 3600 + minute * 60 + second
        hasTimeOfDay = true
    }

    /// `2026-12-31`
    package var dateText: String {
        let (year, month, day) = Self.date(of: seconds / Self.day)
        return "\(Self.digits(year, 4))-\(Self.digits(month, 2))-\(Self.digits(day, 2))"
    }

    /// `2026-12-31 18:30 UTC`, with seconds if there are any.
    package var text: String { "\(dateText) \(timeText(always: false)) UTC" }

    /// `2026-12-31T18:30:00Z`. RFC 3339
    package var standardText: String { "\(dateText)T\(timeText(always: true))Z" }

    /// Seconds.
    package static let day: Int64 = 86_400

    private func timeText(always: Bool) -> String {
        let time = seconds % Self.day
        let minutes = "\(Self.digits(time / 3600, 2)):\(Self.digits(time / 60 % 60, 2))"
        return always || time % 60 != 0 ? "\(minutes):\(Self.digits(time % 60, 2))" : minutes
    }

    /// Takes a number of so many digits, and what has to stand before it, off the front.
    private static func number(_ text: inout ArraySlice<UInt8>, digits: Int, after mark: Character?) -> Int64? {
        var rest = text
        if let mark {
            guard rest.popFirst() == mark.asciiValue else { return nil }
        }
        guard rest.count >= digits else { return nil }
        var value: Int64 = 0
        for byte in rest.prefix(digits) {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            value = value * 10 + Int64(byte - UInt8(ascii: "0"))
        }
        text = rest.dropFirst(digits)
        return value
    }

    private static func digits(_ number: Int64, _ count: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, count - text.count)) + text
    }
}

// MARK: - The calendar

extension UTCTime {
    private static func isLeap(_ year: Int64) -> Bool {
        year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    }

    private static func days(inMonth month: Int64, of year: Int64) -> Int64 {
        switch month {
        case 2: isLeap(year) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Days from the beginning of 1970 to that of a year from 1970 on.
    private static func days(beforeYear year: Int64) -> Int64 {
        func leaps(_ year: Int64) -> Int64 { year / 4 - year / 100 + year / 400 }
        return (year - 1970) * 365 + leaps(year - 1) - leaps(1969)
    }

    private static func days(before year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        (1..<month).reduce(days(beforeYear: year) + day - 1) { $0 + days(inMonth: $1, of: year) }
    }

    private static func date(of day: Int64) -> (year: Int64, month: Int64, day: Int64) {
        var year = 1970 + day / 366
        while days(beforeYear: year + 1) <= day { year += 1 }
        var month: Int64 = 1
        var rest = day - days(beforeYear: year)
        while rest >= days(inMonth: month, of: year) {
            rest -= days(inMonth: month, of: year)
            month += 1
        }
        return (year, month, rest + 1)
    }
}
