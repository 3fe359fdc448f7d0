import Logging
import Tunnel
import Wire

/// A line of the log: a sentence for people, and what it is about for programs. No secret is part of it.
struct LogLine {
    let level: Logger.Level
    let sentence: String
    /// A stable name for what happened.
    let event: String
    var peer: PublicKey?
    /// What people call the peer; empty: nothing.
    var name = ""
    var endpoint: Endpoint?
    var reason: DropReason?
    /// Lines of this kind that weren't written since the last one.
    var leftOut: UInt64 = 0

    func write(to logger: Logger) {
        var metadata: Logger.Metadata = ["event": "\(event)"]
        if let peer { metadata["peer"] = "\(peer.base64)" }
        if !name.isEmpty { metadata["name"] = "\(name)" }
        if let endpoint { metadata["endpoint"] = "\(endpoint)" }
        if let reason { metadata["reason"] = "\(reason.name)" }
        if leftOut > 0 { metadata["left_out"] = "\(leftOut)" }
        let suffix = leftOut > 0 ? " (\(leftOut) like it left out)" : ""
        logger.log(level: level, "\(sentence)\(suffix)", metadata: metadata)
    }
}

extension Instant.Span {
    /// In the largest unit of which there are two or more: `90 seconds`, `2 minutes`.
    var words: String {
        let seconds = nanoseconds / 1_000_000_000
        let units: [(UInt64, String)] = [(86_400, "days"), (3600, "hours"), (60, "minutes")]
        for (length, name) in units where seconds >= 2 * length { return "\(seconds / length) \(name)" }
        return seconds == 1 ? "1 second" : "\(seconds) seconds"
    }
}
