import Control

/// A comment that is meant for Nightjar, probably, and isn't understood by it.
struct Misspelling: Equatable {
    /// From 1.
    let line: Int
    let word: String
    let meant: String

    /// Comments whose key is almost one of Nightjar's.
    static func all(in layout: ConfigurationLayout) -> [Misspelling] {
        layout.lines.enumerated().compactMap { number, line in
            guard line.kind == .comment, !line.isDisabled else { return nil }
            let content = layout.content(line)
            guard content.first == UInt8(ascii: "#"), content.dropFirst().first != UInt8(ascii: "#"),
                let equals = content.firstIndex(of: UInt8(ascii: "="))
            else { return nil }
            let letters = content[..<equals].dropFirst().filter { $0 != 0x20 && $0 != 0x09 }
            guard (5...24).contains(letters.count),
                letters.allSatisfy({ (0x41...0x5a).contains($0) || (0x61...0x7a).contains($0) })
            else { return nil }
            let word = String(decoding: letters, as: UTF8.self)
            guard let key = CommentKey.allCases.first(where: { isAlmost(word.lowercased(), $0.rawValue.lowercased()) })
            else { return nil }
            return Misspelling(line: number + 1, word: word, meant: key.rawValue)
        }
    }

    /// Whether one letter is wrong, missing or too much, or two are exchanged.
    private static func isAlmost(_ word: String, _ key: String) -> Bool {
        let (left, right) = (Array(word.utf8), Array(key.utf8))
        guard left != right, abs(left.count - right.count) <= 1, right.count >= 5 else { return false }
        let start = zip(left, right).prefix { $0 == $1 }.count
        let (leftRest, rightRest) = (left[start...], right[start...])
        if leftRest.count > rightRest.count { return leftRest.dropFirst().elementsEqual(rightRest) }
        if leftRest.count < rightRest.count { return rightRest.dropFirst().elementsEqual(leftRest) }
        if leftRest.dropFirst().elementsEqual(rightRest.dropFirst()) { return true }
        return leftRest.count >= 2 && leftRest.prefix(2).reversed().elementsEqual(rightRest.prefix(2))
            && leftRest.dropFirst(2).elementsEqual(rightRest.dropFirst(2))
    }
}
