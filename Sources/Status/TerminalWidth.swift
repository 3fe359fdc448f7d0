extension String {
    /// How many columns of a terminal the text takes. It has to be printable.
    var columns: Int {
        if isPlain { return utf8.count }
        return reduce(0) { $0 + $1.columns }
    }

    /// The text, or as much of its beginning as fits with an ellipsis after it.
    func cut(to width: Int) -> String {
        guard columns > width else { return self }
        guard width > 0 else { return "" }
        var room = width - 1
        let start = prefix { character in
            room -= character.columns
            return room >= 0
        }
        return "\(start)…"
    }

    func padded(to width: Int, atEnd: Bool = true) -> String {
        let missing = width - columns
        guard missing > 0 else { return self }
        let space = String(repeating: " ", count: missing)
        return atEnd ? self + space : space + self
    }

    private var isPlain: Bool { utf8.allSatisfy { $0 < 0x80 } }
}

extension Character {
    /// Those of East Asian scripts and emoji take two columns, marks that stand over others none.
    fileprivate var columns: Int {
        guard let first = unicodeScalars.first else { return 0 }
        switch first.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format, .control: return 0
        default: break
        }
        let isEmoji = first.properties.isEmojiPresentation || unicodeScalars.contains("\u{fe0f}")
        return isEmoji || Self.wide.contains { $0.contains(first.value) } ? 2 : 1
    }

    /// Unicode Standard Annex 11, without scripts that nobody writes names in.
    private static let wide: [ClosedRange<UInt32>] = [
        0x1100...0x115f, 0x2e80...0x303e, 0x3041...0xa4cf, 0xa960...0xa97f, 0xac00...0xd7a3, 0xf900...0xfaff,
        0xfe30...0xfe6f, 0xff00...0xff60, 0xffe0...0xffe6, 0x20000...0x3fffd,
    ]
}
