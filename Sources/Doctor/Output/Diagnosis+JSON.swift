import FoundationEssentials

extension Diagnosis {
    /// For programs: an object with `version` (1), `verdict` (`healthy`, `findings` or `unknown`), `interfaces`, `findings`
    /// and `notLookedAt`. A finding has `code`, `severity` (`failure` or `warning`), `interface` and `peer` (or null), `summary`,
    /// `evidence`, `remedy` and `explains`, the codes of what it is the cause of.
    package var json: String {
        let document = Document(
            version: 1, verdict: verdict.rawValue, interfaces: interfaces, findings: entries.map(Item.init),
            notLookedAt: blindSpots)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let data = (try? encoder.encode(document)) ?? Data()
        return String(decoding: data, as: UTF8.self) + "\n"
    }

    private struct Document: Encodable {
        let version: Int
        let verdict: String
        let interfaces: [String]
        let findings: [Item]
        let notLookedAt: [String]
    }

    private struct Item: Encodable {
        let entry: Entry

        init(_ entry: Entry) {
            self.entry = entry
        }

        private enum CodingKeys: CodingKey {
            case code, severity, interface, peer, summary, evidence, remedy, explains
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            let finding = entry.finding
            try container.encode(finding.code.rawValue, forKey: .code)
            try container.encode(finding.severity.rawValue, forKey: .severity)
            try container.encode(finding.interface, forKey: .interface)
            try container.encode(finding.peer, forKey: .peer)
            try container.encode(finding.summary, forKey: .summary)
            try container.encode(finding.evidence, forKey: .evidence)
            try container.encode(finding.remedy, forKey: .remedy)
            try container.encode(entry.explains.map(\.rawValue), forKey: .explains)
        }
    }
}
