/// Writes JSON text (RFC 8259) piece by piece, indented for people. Foundation's encoder takes longer for ten thousand peers than asking
/// for their state.
package struct JSONText {
    package private(set) var bytes: [UInt8] = []
    private var depth = 0
    private var isFirst = true

    package init() {}

    /// The text of an object, with a line end.
    package static func document(_ body: (inout JSONText) -> Void) -> [UInt8] {
        var text = JSONText()
        text.group("{", "}", body)
        text.bytes.append(newline)
        return text.bytes
    }

    package mutating func member(_ name: StaticString, _ value: String) {
        begin(name)
        string(value)
    }

    /// Nothing is written for nil, here and below.
    package mutating func member(_ name: StaticString, _ value: String?) {
        if let value { member(name, value) }
    }

    package mutating func member(_ name: StaticString, _ value: (some BinaryInteger)?) {
        guard let value else { return }
        begin(name)
        bytes += String(value).utf8
    }

    package mutating func member(_ name: StaticString, _ value: Bool?) {
        guard let value else { return }
        begin(name)
        bytes += (value ? "true" : "false").utf8
    }

    /// A number with three decimals at most.
    package mutating func member(_ name: StaticString, thousandths value: UInt64?) {
        guard let value else { return }
        begin(name)
        let (whole, rest) = value.quotientAndRemainder(dividingBy: 1000)
        bytes += String(whole).utf8
        guard rest > 0 else { return }
        bytes += ".\(String(repeating: "0", count: rest < 10 ? 2 : rest < 100 ? 1 : 0))\(rest)".utf8
    }

    package mutating func member(_ name: StaticString, _ values: some Sequence<String>) {
        begin(name)
        group("[", "]") { text in
            for value in values {
                text.separate()
                text.string(value)
            }
        }
    }

    package mutating func object(_ name: StaticString, _ body: (inout JSONText) -> Void) {
        begin(name)
        group("{", "}", body)
    }

    /// An array of objects.
    package mutating func objects<Element>(
        _ name: StaticString, _ values: some Sequence<Element>, _ body: (inout JSONText, Element) -> Void
    ) {
        begin(name)
        group("[", "]") { text in
            for value in values {
                text.separate()
                text.group("{", "}") { body(&$0, value) }
            }
        }
    }
}

extension JSONText {
    private mutating func group(_ start: Unicode.Scalar, _ end: Unicode.Scalar, _ body: (inout JSONText) -> Void) {
        bytes.append(UInt8(ascii: start))
        depth += 1
        isFirst = true
        body(&self)
        depth -= 1
        if !isFirst { beginLine() }
        isFirst = false
        bytes.append(UInt8(ascii: end))
    }

    private mutating func begin(_ name: StaticString) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        name.withUTF8Buffer { bytes.append(contentsOf: $0) }
        bytes += "\": ".utf8
    }

    private mutating func separate() {
        if !isFirst { bytes.append(UInt8(ascii: ",")) }
        isFirst = false
        beginLine()
    }

    private mutating func beginLine() {
        bytes.append(newline)
        bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: 2 * depth))
    }

    private mutating func string(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(byte)
            case 0..<0x20, 0x7f:
                let digits = String(byte, radix: 16)
                bytes += "\\u00\(byte < 0x10 ? "0" : "")\(digits)".utf8
            default:
                bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}

private let newline = UInt8(ascii: "\n")
