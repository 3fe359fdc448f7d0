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
    private struct Piece: Equatable, Sendable {
        var text: String
        var style: TextStyle
    }

    private var pieces: [Piece] = []

    package init(_ text: String = "", _ style: TextStyle = .plain) {
        add(text, style)
    }

    package mutating func add(_ text: String, _ style: TextStyle = .plain) {
        guard !text.isEmpty else { return }
        if let last = pieces.last, last.style == style {
            pieces[pieces.count - 1].text += text
        } else {
            pieces.append(Piece(text: text, style: style))
        }
    }

    package var columns: Int { pieces.reduce(0) { $0 + $1.text.columns } }

    package var text: String { pieces.map(\.text).joined() }

    /// The line, or as much of it as fits.
    package func cut(to width: Int?) -> StyledLine {
        guard let width, columns > width else { return self }
        var line = StyledLine()
        var room = width
        for piece in pieces where room > 0 {
            let columns = piece.text.columns
            line.add(piece.text.cut(to: room), piece.style)
            room -= columns
        }
        return line
    }

    /// The same with spaces behind it, all in one style, as bars have it.
    package func bar(_ style: TextStyle, width: Int) -> StyledLine {
        StyledLine(cut(to: width).text.padded(to: width), style)
    }

    package func append(to bytes: inout [UInt8], isColoured: Bool) {
        for piece in pieces {
            guard isColoured, piece.style != .plain else {
                bytes += piece.text.utf8
                continue
            }
            bytes += "\u{1b}[\(piece.style.rawValue)m\(piece.text)\u{1b}[0m".utf8
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
