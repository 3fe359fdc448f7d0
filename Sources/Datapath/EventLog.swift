import LinuxNet
import Logging
import Tunnel
package import Wire

/// Turns the tunnel's events into log lines: at the levels that everybody sees what a person wants to know, each once; the rest at the
/// debug level.
struct EventLog {
    private var throttle = LogThrottle()

    /// How much is kept for leaving lines out.
    var buckets: Int { throttle.count }

    /// The line about an event; nil when nobody reads such lines, or when there were too many.
    ///
    /// - Parameters:
    ///   - level: the least that is read.
    ///   - names: of the peers, and of their dialects.
    mutating func line(
        for event: Device.Event, level: Logger.Level, names: some LogNames, at now: Instant
    ) -> LogLine? {
        let (importance, topic) = event.importance
        guard importance >= level else { return nil }
        var leftOut: UInt64 = 0
        if importance > .debug {
            let isStranger = event.subject.map { !names.isPeer($0) } ?? true
            guard let count = throttle.admit(event.throttled, topic, isStranger: isStranger, at: now) else {
                return nil
            }
            leftOut = count
        }
        var line = event.line(importance, names: names)
        line.leftOut = leftOut
        return line
    }

    /// The line about a datagram that would mean something under other settings; nil when there were too many.
    mutating func line(for mismatch: Engine.Mismatch) -> LogLine? {
        let source = LogThrottle.Subject.finding(mismatch.endpoint.address, mismatch.finding)
        guard let leftOut = throttle.admit(source, .mismatch, isStranger: true, at: mismatch.at) else { return nil }
        return LogLine(
            level: .warning, sentence: "Datagram from \(mismatch.endpoint) dropped: \(mismatch.finding)",
            event: "obfuscation-mismatch", endpoint: mismatch.endpoint, leftOut: leftOut)
    }
}

/// What peers and their dialects are called.
protocol LogNames {
    func isPeer(_ publicKey: PublicKey) -> Bool
    /// What people call a peer; empty: nothing.
    func name(of publicKey: PublicKey) -> String
    /// Its name, or its key in short.
    func title(of publicKey: PublicKey) -> String
    /// The dialect that a peer is spoken to in.
    func dialect(of publicKey: PublicKey) -> String
    func dialect(numbered number: Int) -> String
}

extension Engine {
    func log(_ event: Device.Event) {
        let now = Instant(nanoseconds: Clock.bootTime())
        eventLog.line(for: event, level: logger.logLevel, names: self, at: now)?.write(to: logger)
    }

    func log(_ mismatch: Mismatch) {
        eventLog.line(for: mismatch)?.write(to: logger)
    }
}

extension Engine: LogNames {
    func isPeer(_ publicKey: PublicKey) -> Bool { tunnel.peers[publicKey] != nil }

    func name(of publicKey: PublicKey) -> String { tunnel.peers[publicKey]?.annotation.printableName ?? "" }

    func dialect(of publicKey: PublicKey) -> String { disguises.name(for: publicKey) }

    func dialect(numbered number: Int) -> String { disguises.name(ofDialect: number) }

    /// What log lines call a peer: its name, or its key in short.
    package func title(of publicKey: PublicKey) -> String {
        let name = name(of: publicKey)
        return name.isEmpty ? "peer \(publicKey.short)" : name
    }
}
