/// A program that recognises protocols, and is asked about the same capture.
package enum DetectorProgram: String, CaseIterable, Sendable {
    case tshark, ndpiReader

    /// Names aren't looked up, and ports aren't guessed from: only the contents count.
    package func arguments(capture path: String) -> [String] {
        switch self {
        case .tshark: ["-n", "-r", path, "-q", "-z", "conv,udp,wg"]
        case .ndpiReader: ["-d", "-i", path]
        }
    }

    /// What its output says.
    ///
    /// - Parameters:
    ///   - status: its exit code.
    ///   - flows: the UDP flows that the capture has.
    package func answer(status: Int32, output: String, flows: Int) -> DetectorAnswer {
        let lines = output.split(separator: "\n")
        var recognised: Int?
        var others = ""
        switch self {
        case .tshark:
            let isAnswer = lines.contains { $0.hasPrefix("Filter:wg") }
            recognised = isAnswer ? lines.count { $0.contains(" <-> ") } : nil
        case .ndpiReader:
            if let protocols = Self.protocols(lines) {
                recognised = protocols.filter { $0.name.contains("WireGuard") }.reduce(0) { $0 + $1.flows }
                let rest = protocols.filter { !$0.name.contains("WireGuard") }.prefix(8)
                others = rest.map { "\($0.name) \($0.flows)" }.joined(separator: ", ")
            }
        }
        guard status == 0, let recognised else {
            return DetectorAnswer(program: rawValue, recognised: nil, answer: "failed with exit code \(status)")
        }
        let answer = "WireGuard in \(recognised) of \(Text.count(flows, "UDP flow"))"
        return DetectorAnswer(
            program: rawValue, recognised: recognised, answer: answer + (others.isEmpty ? "" : "; else \(others)"))
    }

    /// nDPI's list, which follows its heading up to the next one; nil when it printed none.
    private static func protocols(_ lines: [Substring]) -> [(name: String, flows: Int)]? {
        guard let heading = lines.firstIndex(where: { $0.hasPrefix("Detected protocols:") }) else { return nil }
        return lines[(heading + 1)...].prefix { $0.first?.isWhitespace == true }.compactMap { line in
            let words = line.split(whereSeparator: \.isWhitespace)
            guard let name = words.first, let place = words.firstIndex(of: "flows:"), place + 1 < words.endIndex,
                let flows = Int(words[place + 1])
            else { return nil }
            return (String(name), flows)
        }
    }
}
