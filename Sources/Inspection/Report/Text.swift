/// Numbers and lines for people.
enum Text {
    static func hex(_ value: UInt8) -> String {
        let digits = Array("0123456789abcdef")
        return String([digits[Int(value >> 4)], digits[Int(value & 15)]])
    }

    static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { hex($0) }.joined(separator: " ")
    }

    /// With so many decimals, rounded.
    static func decimal(_ value: Double, _ places: Int) -> String {
        guard value.isFinite, abs(value) < 1e15 else { return "?" }
        let scale = (0..<places).reduce(1.0) { scale, _ in scale * 10 }
        let whole = Int64((abs(value) * scale).rounded())
        var digits = String(whole)
        while digits.count <= places { digits = "0" + digits }
        let sign = value < 0 && whole != 0 ? "-" : ""
        guard places > 0 else { return sign + digits }
        return sign + digits.dropLast(places) + "." + digits.suffix(places)
    }

    /// 1234567 as "1.2 MB".
    static func size(_ bytes: Int) -> String {
        var value = Double(bytes)
        for unit in ["B", "kB", "MB", "GB"] {
            if value < 1000 { return decimal(value, unit == "B" ? 0 : 1) + " " + unit }
            value /= 1000
        }
        return decimal(value, 1) + " TB"
    }

    /// "1 datagram", "2 datagrams".
    static func count(_ number: Int, _ noun: String) -> String {
        "\(number) \(noun)\(number == 1 ? "" : "s")"
    }

    static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    static func right(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }

    /// Lines of at most `width` characters where the words allow it, each with `indent` in front.
    static func wrapped(_ text: String, width: Int, indent: String) -> [String] {
        var lines: [String] = []
        var line = ""
        for word in text.split(separator: " ") {
            if !line.isEmpty, indent.count + line.count + 1 + word.count > width {
                lines.append(indent + line)
                line = ""
            }
            line += (line.isEmpty ? "" : " ") + word
        }
        return line.isEmpty ? lines : lines + [indent + line]
    }
}
