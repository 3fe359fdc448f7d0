import Control

extension Diagnosis {
    /// For people: lines of at most `width` columns, as far as words allow.
    ///
    /// - Parameter isColoured: whether severities are shown in colours.
    package func text(width: Int, isColoured: Bool) -> String {
        let page = Page(width: width, isColoured: isColoured)
        var text = ""
        for group in groups {
            for entry in group.prefix(Self.most) { text += page.entry(entry) + "\n" }
            guard group.count > Self.most else { continue }
            let names = group.dropFirst(Self.most).compactMap(\.finding.peer)
            let list = names.prefix(6).joined(separator: ", ") + (names.count > 6 ? " …" : "")
            text +=
                page.paragraph(
                    "\(group[0].finding.code.rawValue) as well: \(group.count - Self.most) more, \(list); --json has all of them.",
                    indent: "") + "\n"
        }
        for sentence in blindSpots { text += page.paragraph("Not looked at: \(sentence).", indent: "", hanging: "  ") }
        return text + page.paragraph(summary, indent: "")
    }

    /// Findings of one kind that are told at length.
    private static let most = 3

    /// Those of the same kind and interface, in the order of the first.
    private var groups: [[Entry]] {
        struct Kind: Hashable {
            let code: FindingCode
            let severity: Finding.Severity
            let interface: String?
        }
        var places: [Kind: Int] = [:]
        var groups: [[Entry]] = []
        for entry in entries {
            let finding = entry.finding
            let kind = Kind(code: finding.code, severity: finding.severity, interface: finding.interface)
            if let place = places[kind] {
                groups[place].append(entry)
            } else {
                places[kind] = groups.count
                groups.append([entry])
            }
        }
        return groups
    }

    private var summary: String {
        let list = interfaces.joined(separator: ", ")
        switch verdict {
        case .healthy: return "\(list): healthy. Nothing that the doctor looks for is wrong."
        case .unknown: return "\(list): no finding, but not all could be looked at."
        case .findings:
            let count = entries.count == 1 ? "1 finding" : "\(entries.count) findings"
            return "\(list): \(count). More about one: nightjar explain \(entries[0].finding.code.rawValue)"
        }
    }
}

extension Explanation {
    /// For people.
    package func text(_ code: FindingCode, width: Int) -> String {
        let page = Page(width: width, isColoured: false)
        let paragraphs = text.split(separator: "\n").map { page.paragraph(String($0), indent: "") + "\n" }
        return "\(code.rawValue): \(title)\n\n" + paragraphs.joined()
            + page.paragraph("What to do: \(remedy)", indent: "")
    }

    /// All codes with their titles.
    package static var index: String {
        let width = FindingCode.allCases.map(\.rawValue.count).max() ?? 0
        return FindingCode.allCases.map { code in
            code.rawValue + String(repeating: " ", count: width + 2 - code.rawValue.count) + code.explanation.title
                + "\n"
        }.joined()
    }
}

/// Breaks sentences into lines.
private struct Page {
    let width: Int
    let isColoured: Bool

    /// A finding: what it is and about whom, the sentence, what it was seen by, what to do.
    func entry(_ entry: Diagnosis.Entry) -> String {
        let finding = entry.finding
        let about = [finding.interface, finding.peer.map { "peer \($0)" }].compactMap(\.self).joined(separator: ", ")
        let severity = finding.severity == .failure ? "FAILURE" : "WARNING"
        let colour = finding.severity == .failure ? "31" : "33"
        let heading = isColoured ? "\u{1b}[1;\(colour)m\(severity)\u{1b}[0m" : severity
        var text = "\(heading) \(finding.code.rawValue)\(about.isEmpty ? "" : " (\(about))")\n"
        text += paragraph(finding.summary, indent: "  ")
        for line in finding.evidence { text += paragraph(line, indent: "  - ", hanging: "    ") }
        return text + paragraph("What to do: \(finding.remedy)", indent: "  ")
    }

    /// - Parameter hanging: in front of all lines but the first; nil for the same as there.
    func paragraph(_ sentence: String, indent: String, hanging: String? = nil) -> String {
        var lines: [String] = []
        var line = indent
        var isEmpty = true
        for word in sentence.split(whereSeparator: { $0 == " " || $0 == "\n" }) {
            if !isEmpty, line.count + 1 + word.count > width {
                lines.append(line)
                line = hanging ?? indent
                isEmpty = true
            }
            line += (isEmpty ? "" : " ") + word
            isEmpty = false
        }
        return (lines + [line]).joined(separator: "\n") + "\n"
    }
}
