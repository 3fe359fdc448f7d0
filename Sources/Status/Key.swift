/// What somebody has pressed.
enum Key: Equatable, Sendable {
    case character(Unicode.Scalar)
    case up, down, pageUp, pageDown, home, end

    /// The keys that a terminal's bytes stand for. What isn't known is left out.
    static func keys(in bytes: [UInt8]) -> [Key] {
        var keys: [Key] = []
        var rest = bytes[...]
        while let byte = rest.popFirst() {
            guard byte == 0x1b else {
                if byte < 0x80 { keys.append(.character(Unicode.Scalar(byte))) }
                continue
            }
            guard let kind = rest.first, kind == UInt8(ascii: "[") || kind == UInt8(ascii: "O") else { continue }
            rest = rest.dropFirst()
            // ECMA-48 §5.4: parameters, then a final byte.
            let parameters = rest.prefix { (0x20...0x3f).contains($0) }
            rest = rest.dropFirst(parameters.count)
            guard let final = rest.popFirst() else { break }
            if let key = key(String(decoding: parameters, as: UTF8.self), Unicode.Scalar(final)) { keys.append(key) }
        }
        return keys
    }

    private static func key(_ parameters: String, _ final: Unicode.Scalar) -> Key? {
        switch (parameters, final) {
        case ("", "A"): .up
        case ("", "B"): .down
        case ("", "H"), ("1", "~"), ("7", "~"): .home
        case ("", "F"), ("4", "~"), ("8", "~"): .end
        case ("5", "~"): .pageUp
        case ("6", "~"): .pageDown
        default: nil
        }
    }
}
