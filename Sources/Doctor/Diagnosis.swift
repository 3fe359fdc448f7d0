/// What the doctor says in the end: findings in the order of cause, without those that another one explains.
package struct Diagnosis: Sendable {
    package enum Verdict: String, Sendable {
        case healthy
        case findings
        /// Nothing was found, but not all could be looked at.
        case unknown

        /// The program's exit code.
        package var status: Int32 {
            switch self {
            case .healthy: 0
            case .findings: 1
            case .unknown: 2
            }
        }
    }

    /// A finding, and the codes of those that it explains.
    package struct Entry: Equatable, Sendable {
        package var finding: Finding
        package var explains: [FindingCode]
    }

    /// The interfaces that were examined.
    package var interfaces: [String]
    package var entries: [Entry]
    /// What couldn't be looked at, a sentence each.
    package var blindSpots: [String]

    package var findings: [Finding] { entries.map(\.finding) }

    package var verdict: Verdict {
        if !entries.isEmpty { return .findings }
        return blindSpots.isEmpty ? .healthy : .unknown
    }

    /// Puts findings in order and leaves those out that others explain.
    package init(interfaces: [String], findings: [Finding], blindSpots: [String]) {
        self.interfaces = interfaces
        self.blindSpots = blindSpots
        let ordered = Self.inOrder(findings)
        let subjects = Set(ordered.map { Subject($0) })
        var explained: [Subject: [FindingCode]] = [:]
        let visible = ordered.filter { finding in
            let causes = Subject.causes(of: finding).filter(subjects.contains)
            for cause in causes where explained[cause]?.contains(finding.code) != true {
                explained[cause, default: []].append(finding.code)
            }
            return causes.isEmpty
        }
        entries = visible.map { Entry(finding: $0, explains: explained[Subject($0)] ?? []) }
    }

    /// Runs all checks over facts.
    package init(_ facts: Facts, checks: [any Check] = Checks.all) {
        var findings: [Finding] = []
        for interface in facts.interfaces {
            for check in checks { findings += check.findings(interface, facts) }
        }
        self.init(
            interfaces: facts.interfaces.map(\.name), findings: findings,
            blindSpots: facts.blindSpots + facts.interfaces.flatMap(\.blindSpots))
    }

    /// Failures first, then the order of cause; without those that are there already.
    private static func inOrder(_ findings: [Finding]) -> [Finding] {
        var seen: Set<Finding> = []
        let unique = findings.filter { seen.insert($0).inserted }
        return unique.enumerated().sorted { left, right in
            let (one, other) = (left.element, right.element)
            if one.severity != other.severity { return one.severity > other.severity }
            if one.code != other.code { return one.code.rank < other.code.rank }
            return left.offset < right.offset
        }.map(\.element)
    }
}

/// What a finding is about.
private struct Subject: Hashable {
    var code: FindingCode
    var interface: String?
    var peer: String?

    init(_ finding: Finding) {
        (code, interface, peer) = (finding.code, finding.interface, finding.peer)
    }

    private init(_ code: FindingCode, _ interface: String?, _ peer: String?) {
        (self.code, self.interface, self.peer) = (code, interface, peer)
    }

    /// All that would explain a finding: of the same peer, of its interface, of the machine.
    static func causes(of finding: Finding) -> [Subject] {
        var reaches: [(String?, String?)] = [(nil, nil)]
        if finding.interface != nil { reaches.append((finding.interface, nil)) }
        if finding.peer != nil { reaches.append((finding.interface, finding.peer)) }
        return FindingCode.allCases.filter { $0.consequences.contains(finding.code) }.flatMap { code in
            reaches.map { Subject(code, $0, $1) }
        }
    }
}
