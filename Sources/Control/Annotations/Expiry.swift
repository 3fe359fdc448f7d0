/// Until when a peer may be used: through the end of a day, or to a minute of it. `Expires = 2026-12-31`
package struct Expiry: Equatable, Sendable {
    /// Unix time in seconds from which on it isn't served.
    package let time: Int64

    package init(time: Int64) {
        self.time = min(max(0, time), UTCTime.latest)
    }

    package init?(_ text: some StringProtocol) {
        guard let moment = UTCTime(text) else { return nil }
        self.init(time: moment.hasTimeOfDay ? moment.seconds : moment.seconds + UTCTime.day)
    }

    /// The last day, or the minute: `2026-12-31` or `2026-12-31 18:30 UTC`.
    package var description: String {
        isDay ? UTCTime(time - UTCTime.day).dateText : UTCTime(time).text
    }

    /// Whether it is the end of a day.
    package var isDay: Bool { time > 0 && time % UTCTime.day == 0 }

    /// What files and arguments have to say.
    package static let expectation = "a day or a time in UTC, as 2026-12-31 or 2026-12-31 18:30"
}
