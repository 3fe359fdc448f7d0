/// Why a configuration file is refused: where, what stands there, and what should.
///
/// It never holds a key or what might be one.
package struct ConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file's name as the user gave it.
    package let file: String
    /// From 1.
    package let line: Int
    package let found: String
    /// Empty when ``found`` says it all.
    package let expected: String

    package init(file: String, line: Int, found: String, expected: String) {
        self.file = file
        self.line = line
        self.found = found
        self.expected = expected
    }

    /// - Parameter sentence: says both.
    init(file: String, line: Int, sentence: String) {
        self.init(file: file, line: line, found: sentence, expected: "")
    }

    package var description: String {
        expected.isEmpty ? "\(file):\(line): \(found)" : "\(file):\(line): found \(found); expected \(expected)"
    }
}

/// Why a value is refused, wherever it stands.
struct ValueError: Error, Equatable {
    let found: String
    let expected: String

    init(found: String, expected: String) {
        self.found = found
        self.expected = expected
    }

    /// `text` isn't what `key` takes.
    init(_ text: some StringProtocol, for key: ConfigurationKey) {
        self.init(found: quoted(text), expected: key.expectation)
    }
}

/// Text of a user's between quotation marks, fit for a terminal and a log: shortened, without control characters, and
/// replaced by its length when it might be a key or a part of one.
package func quoted(_ text: some StringProtocol) -> String {
    let bytes = Array(text.utf8)
    if mayHoldKey(bytes) { return "a text of \(bytes.count) characters" }
    let limit = 60
    var shown = ""
    for scalar in text.unicodeScalars.prefix(limit) {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator:
            shown += "\\u{\(String(scalar.value, radix: 16))}"
        default: shown += String(scalar)
        }
    }
    return text.unicodeScalars.count > limit ? "\"\(shown)\"…" : "\"\(shown)\""
}

/// Whether there are so many base64 characters in a row that they may be a key, mistyped or cut off.
private func mayHoldKey(_ bytes: [UInt8]) -> Bool {
    var run = 0
    for byte in bytes {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"):
            run += 1
        default: run = 0
        }
        if run >= 20 { return true }
    }
    return false
}
