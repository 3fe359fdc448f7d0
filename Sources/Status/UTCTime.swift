import Glibc

/// Unix time as people read it.
struct UTCTime {
    private let seconds: Int64

    init(_ seconds: Int64) {
        self.seconds = seconds
    }

    /// As "2026-12-01 00:00 UTC"; the number itself where there is no such date.
    var text: String {
        var parts = tm()
        var time = time_t(seconds)
        guard gmtime_r(&time, &parts) != nil else { return "\(seconds)" }
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let year = Int(parts.tm_year) + 1900
        return "\(year)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday)) \(two(parts.tm_hour)):\(two(parts.tm_min)) UTC"
    }
}
