extension Report {
    private static let width = 80
    /// Flows in the table.
    private static let mostRows = 20
    /// Flows whose evidence is shown.
    private static let mostDetails = 3

    /// The report for people: a table of verdicts, then what they stand on.
    package func text(of source: String) -> String {
        var lines = summary(source)
        if !flows.isEmpty { lines += [""] + table }
        for (number, flow) in flows.prefix(Self.mostDetails).enumerated() {
            lines += [""] + heading(number + 1, flow)
            lines.append("  \(Text.count(flow.packets, "packet")), \(Text.size(flow.bytes)), \(duration(flow.seconds))")
            lines += details(flow.findings)
        }
        if flows.count > Self.mostDetails {
            lines += ["", "The evidence of \(Text.count(flows.count - Self.mostDetails, "more flow")) is in --json."]
        }
        if !together.isEmpty { lines += ["", "All UDP flows together"] + details(together) }
        if !detectors.isEmpty {
            lines += ["", "Other programs"]
            for detector in detectors { lines += entry("  ", Text.padded(detector.program, 18), detector.answer) }
        }
        for remark in remarks { lines += [""] + Text.wrapped(remark, width: Self.width, indent: "") }
        return lines.map { $0 + "\n" }.joined()
    }

    private func summary(_ source: String) -> [String] {
        let udp = flows.count { $0.transport == .udp }
        var text =
            "\(source): \(Text.count(packets, "packet")), \(Text.count(udp, "UDP flow")), "
            + Text.count(flows.count - udp, "TCP flow")
        if others > 0 { text += "; \(others) are neither UDP nor TCP" }
        if fragments > 0 { text += "; \(Text.count(fragments, "later fragment"))" }
        if unfollowed > 0 { text += "; \(unfollowed) belong to flows beyond the first \(FlowTable.mostFlows)" }
        return Text.wrapped(text, width: Self.width, indent: "")
    }

    private var table: [String] {
        let names = Rule.Aspect.allCases.map { Text.padded($0.rawValue, 10) }
        var lines = ["   #  packets  " + names.joined(separator: " ")]
        for (number, flow) in flows.prefix(Self.mostRows).enumerated() {
            let cells = Rule.Aspect.allCases.map { Text.padded(Self.word(cell(flow, $0)), 10) }
            lines.append(
                Text.right("\(number + 1)", 4) + Text.right("\(flow.packets)", 9) + "  " + cells.joined(separator: " "))
        }
        if flows.count > Self.mostRows { lines.append("   … and \(flows.count - Self.mostRows) more") }
        lines = lines.map { String($0.reversed().drop { $0 == " " }.reversed()) }
        return lines + ["", "stands out: a hint, no proof alone; -: nothing found; ?: too little to tell"]
    }

    /// In one line where it fits.
    private func heading(_ number: Int, _ flow: FlowReport) -> [String] {
        let front = "Flow \(number): \(flow.transport) "
        let line = front + "\(flow.client) > \(flow.server)"
        guard line.count > Self.width else { return [line] }
        return [front + flow.client, String(repeating: " ", count: front.count - 2) + "> " + flow.server]
    }

    private func cell(_ flow: FlowReport, _ aspect: Rule.Aspect) -> Verdict? {
        flow.findings.contains { $0.rule.aspect == aspect } ? flow.verdict(on: aspect) : nil
    }

    private func details(_ findings: [Finding]) -> [String] {
        let signatures = findings.filter { $0.rule.aspect == .signature }
        let isUnseen = !signatures.isEmpty && signatures.allSatisfy { $0.verdict == .clear }
        var lines: [String] = []
        if isUnseen {
            lines += entry(
                "  " + Text.padded("-", 11), Text.padded("signatures", 21),
                "none of \(signatures.count) rule sets matches")
        }
        for finding in findings where !isUnseen || finding.rule.aspect != .signature {
            var lead = "  " + Text.padded(Self.word(finding.verdict), 11)
            var title = Text.padded(finding.rule.title, 21)
            for sentence in finding.evidence {
                lines += entry(lead, title, sentence)
                (lead, title) = (Text.padded("", 13), Text.padded("", 21))
            }
        }
        return lines
    }

    /// A sentence beside its title, wrapped.
    private func entry(_ lead: String, _ title: String, _ sentence: String) -> [String] {
        let front = lead + title + " "
        let indent = String(repeating: " ", count: front.count)
        var lines = Text.wrapped(sentence, width: Self.width, indent: indent)
        if let first = lines.first { lines[0] = front + first.dropFirst(indent.count) }
        return lines
    }

    private func duration(_ seconds: Double) -> String { Text.decimal(seconds, seconds < 100 ? 1 : 0) + " s" }

    private static func word(_ verdict: Verdict?) -> String {
        switch verdict {
        case .recognised: "RECOGNISED"
        case .suspicious: "stands out"
        case .clear: "-"
        case .undecided: "?"
        case nil: ""
        }
    }
}
