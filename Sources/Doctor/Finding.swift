/// One thing that the doctor has found out.
package struct Finding: Hashable, Sendable {
    package enum Severity: String, Comparable, CaseIterable, Sendable {
        /// Works, but not as people expect, or not for long.
        case warning
        /// Something doesn't work for this reason.
        case failure

        package static func < (left: Self, right: Self) -> Bool { left == .warning && right == .failure }
    }

    package var code: FindingCode
    package var severity: Severity
    /// The interface that it is about.
    package var interface: String?
    /// The peer that it is about, by name or short key.
    package var peer: String?
    /// What is wrong: one sentence.
    package var summary: String
    /// What it was seen by: counters, routes, rules, settings, each in a line of its own.
    package var evidence: [String]
    /// What to do, with the command or the line of a file where there is one.
    package var remedy: String

    package init(
        _ code: FindingCode, _ severity: Severity, interface: String? = nil, peer: String? = nil, summary: String,
        evidence: [String], remedy: String
    ) {
        self.code = code
        self.severity = severity
        self.interface = interface
        self.peer = peer
        self.summary = summary
        self.evidence = evidence
        self.remedy = remedy
    }
}
