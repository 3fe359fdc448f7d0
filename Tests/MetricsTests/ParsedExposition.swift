/// Prometheus' text format, read strictly: what isn't exactly as it has to be throws.
struct ParsedExposition {
    struct Sample: Hashable {
        let name: String
        let labels: [String: String]
        let value: String
    }

    struct Malformed: Error, CustomStringConvertible {
        let line: String
        var description: String { "what is this? \(line)" }
    }

    private(set) var kinds: [String: String] = [:]
    private(set) var samples: [Sample] = []

    init(_ text: String) throws {
        guard text.isEmpty || text.utf8.last == UInt8(ascii: "\n") else { throw Malformed(line: "no end of line") }
        var current = ""
        var helped: Set<String> = []
        for line in text.split(separator: "\n" as Character, omittingEmptySubsequences: false).dropLast() {
            let malformed = Malformed(line: String(line))
            if line.hasPrefix("# HELP ") {
                let words = line.split(separator: " ", maxSplits: 3)
                guard words.count == 4, helped.insert(String(words[2])).inserted else { throw malformed }
                current = String(words[2])
            } else if line.hasPrefix("# TYPE ") {
                let words = line.split(separator: " ")
                guard words.count == 4, words[2] == current, kinds[current] == nil else { throw malformed }
                kinds[current] = String(words[3])
            } else {
                let sample = try Self.sample(line)
                // A family's samples are together, after what is said of it.
                guard sample.name == current, kinds[current] != nil else { throw malformed }
                samples.append(sample)
            }
        }
    }

    /// The value of the only sample with this name and these labels among others; nil when there isn't exactly one.
    subscript(name: String, labels: [String: String]) -> String? {
        let found = samples.filter { sample in
            sample.name == name && labels.allSatisfy { sample.labels[$0.key] == $0.value }
        }
        return found.count == 1 ? found[0].value : nil
    }

    private static func sample(_ line: Substring) throws -> Sample {
        let malformed = Malformed(line: String(line))
        var rest = line.unicodeScalars[...]
        func take(_ isPart: (Unicode.Scalar) -> Bool) -> String {
            let part = rest.prefix(while: isPart)
            rest = rest[part.endIndex...]
            return String(part)
        }
        func expect(_ scalar: Unicode.Scalar) throws {
            guard rest.popFirst() == scalar else { throw malformed }
        }
        let isName = { (scalar: Unicode.Scalar) in
            "abcdefghijklmnopqrstuvwxyz_0123456789".unicodeScalars.contains(scalar)
        }
        let name = take(isName)
        guard !name.isEmpty else { throw malformed }
        var labels: [String: String] = [:]
        try expect("{")
        while true {
            let label = take(isName)
            guard !label.isEmpty, labels[label] == nil else { throw malformed }
            try expect("=")
            try expect("\"")
            var value = String.UnicodeScalarView()
            while let scalar = rest.popFirst(), scalar != "\"" {
                guard scalar == "\\" else {
                    value.append(scalar)
                    continue
                }
                switch rest.popFirst() {
                case "n": value.append("\n")
                case "\\": value.append("\\")
                case "\"": value.append("\"")
                default: throw malformed
                }
            }
            labels[label] = String(value)
            guard let next = rest.popFirst(), next == "," || next == "}" else { throw malformed }
            if next == "}" { break }
        }
        try expect(" ")
        let value = String(rest)
        guard Double(value) != nil else { throw malformed }
        return Sample(name: name, labels: labels, value: value)
    }
}
