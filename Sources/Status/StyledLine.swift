/// How a piece of text stands out, where there are colours.
package enum TextStyle: String, Sendable {
    case plain = ""
    case bold = "1"
    case dim = "2"
    case inverse = "7"
    case red = "31"
    case green = "32"
    case yellow = "33"
}

/// A line for a terminal, without its end.
package struct StyledLine: Equatable, Sendable {
    /// All of it.
    package private(set) var text = ""
    /// Which styles it has, one after the other.
    private var runs: [Run] = []

    private struct Run: Equatable, Sendable {
        /// Bytes of UTF-8.
        var length: Int
        let style: TextStyle
    }

    package init(_ text: String = "", _ style: TextStyle = .plain) {
        add(text, style)
    }

    /// An empty line that has room for so many bytes.
    init(reserving capacity: Int) {
        text.reserveCapacity(capacity)
        runs.reserveCapacity(8)
    }

    package mutating func add(_ text: String, _ style: TextStyle = .plain) {
        guard !text.isEmpty else { return }
        self.text += text
        extend(text.utf8.count, style)
    }

    mutating func add(spaces count: Int) {
        guard count > 0 else { return }
        for _ in 0..<count { text.unicodeScalars.append(" ") }
        extend(count, .plain)
    }

    private mutating func extend(_ length: Int, _ style: TextStyle) {
        if runs.last?.style == style {
            runs[runs.count - 1].length += length
        } else {
            runs.append(Run(length: length, style: style))
        }
    }

    package var columns: Int { text.columns }

    /// The line, or as much of it as fits.
    package func cut(to width: Int?) -> StyledLine {
        guard let width, columns > width else { return self }
        var line = StyledLine()
        var room = width
        for (piece, style) in pieces where room > 0 {
            let columns = piece.columns
            line.add(piece.cut(to: room), style)
            room -= columns
        }
        return line
    }

    /// The same with spaces behind it, all in one style, as bars have it.
    package func bar(_ style: TextStyle, width: Int) -> StyledLine {
        StyledLine(cut(to: width).text.padded(to: width), style)
    }

    package func append(to bytes: inout [UInt8], isColoured: Bool) {
        guard isColoured else {
            bytes += text.utf8
            return
        }
        for (piece, style) in pieces {
            bytes += style == .plain ? piece.utf8 : "\u{1b}[\(style.rawValue)m\(piece)\u{1b}[0m".utf8
        }
    }

    private var pieces: [(text: String, style: TextStyle)] {
        var rest = Substring(text)
        return runs.map { run in
            let end = rest.utf8.index(rest.startIndex, offsetBy: run.length)
            defer { rest = rest[end...] }
            return (String(rest[..<end]), run.style)
        }
    }

    /// Text in lines of at most `width` columns, broken at spaces; those after the first begin with two spaces more.
    package static func wrapped(_ text: String, indent: Int, width: Int?, _ style: TextStyle = .plain) -> [StyledLine] {
        wrapped(text.split(separator: " ").map(String.init), indent: indent, width: width, style)
    }

    /// A list, with commas, in lines like that; its items stay whole if a line has room for them.
    package static func wrapped(list: [String], indent: Int, width: Int?) -> [StyledLine] {
        let items = list.dropLast().map { "\($0)," } + list.suffix(1)
        let room = width.map { $0 - indent - 2 } ?? .max
        let words = items.flatMap { $0.columns <= room ? [$0] : $0.split(separator: " ").map(String.init) }
        return wrapped(words, indent: indent, width: width, .plain)
    }

    private static func wrapped(_ words: [String], indent: Int, width: Int?, _ style: TextStyle) -> [StyledLine] {
        var lines: [StyledLine] = []
        var line = String(repeating: " ", count: indent)
        var isEmpty = true
        for word in words {
            if let width, !isEmpty, line.columns + 1 + word.columns > width {
                lines.append(StyledLine(line, style))
                line = String(repeating: " ", count: indent + 2)
                isEmpty = true
            }
            line += isEmpty ? word : " \(word)"
            isEmpty = false
        }
        return lines + [StyledLine(line, style)]
    }
}
