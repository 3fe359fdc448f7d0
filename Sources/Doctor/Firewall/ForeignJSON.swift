import FoundationEssentials

/// JSON whose form another program decides: dictionaries, arrays, texts, numbers and truth values. What it reads into needs
/// no more of Foundation than what the program carries anyway; `JSONSerialization` would add the data of all languages, 50 MB.
enum ForeignJSON {
    /// Nil when it isn't JSON. Whole numbers are `Int` where they fit, others `Double`.
    static func read(_ text: String) -> Any? {
        try? JSONDecoder().decode(Node.self, from: Data(text.utf8)).value
    }

    private struct Node: Decodable {
        let value: Any

        init(from decoder: any Decoder) throws {
            if let members = try? decoder.container(keyedBy: Name.self) {
                var object: [String: Any] = [:]
                for name in members.allKeys {
                    object[name.stringValue] = try members.decode(Node.self, forKey: name).value
                }
                value = object
            } else if var elements = try? decoder.unkeyedContainer() {
                var list: [Any] = []
                while !elements.isAtEnd { list.append(try elements.decode(Node.self).value) }
                value = list
            } else {
                value = try Self.single(decoder.singleValueContainer())
            }
        }

        private static func single(_ container: any SingleValueDecodingContainer) throws -> Any {
            if container.decodeNil() { return Null() }
            if let text = try? container.decode(String.self) { return text }
            if let truth = try? container.decode(Bool.self) { return truth }
            if let number = try? container.decode(Int.self) { return number }
            return try container.decode(Double.self)
        }
    }

    private struct Null {}

    private struct Name: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }
}
