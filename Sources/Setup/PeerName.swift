package import Control
package import Quick
import Wire

/// What people call a peer: one line of at most 64 characters, letters of every script and emoji included.
package enum PeerName {
    package static let longest = 64

    /// The name without white space around it.
    ///
    /// - Throws: a sentence that says what is wrong with it.
    package static func checked(_ text: String) throws(QuickError) -> String {
        let name = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        func refusal(_ reason: String) -> QuickError { QuickError("\(quoted(text)) can't be a peer's name: \(reason)") }
        guard !name.isEmpty else { throw QuickError("a peer's name can't be empty") }
        guard name.count <= longest, name.utf8.count <= 4 * longest else {
            throw refusal("it may have at most \(longest) characters")
        }
        for scalar in text.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .lineSeparator, .paragraphSeparator:
                throw refusal("it has a line break or another control character in it")
            case .format where scalar != Self.joiner:
                throw refusal(
                    "it has an invisible character in it, U+\(String(scalar.value, radix: 16, uppercase: true))")
            case .surrogate, .privateUse, .unassigned:
                throw refusal("it has a character in it that nobody knows")
            default: break
            }
        }
        for character in "#=[]\"\\" where name.contains(character) {
            throw refusal("'\(character)' has a meaning in configuration files")
        }
        guard name.first != "-" else { throw refusal("it begins with '-', as options do") }
        guard Base64Key.isKey(name) == false else { throw refusal("it looks like a key") }
        return name
    }

    /// Holds the parts of an emoji together.
    private static let joiner: Unicode.Scalar = "\u{200d}"

    /// The names in the only server's file, for a shell to offer.
    package static func candidates(_ surroundings: Surroundings) -> [String] {
        guard let interface = try? ConfigurationDirectory(surroundings).only(),
            let (_, text) = try? ConfigurationEdit.read(interface, surroundings)
        else { return [] }
        return text.peers.compactMap(\.name)
    }

    /// Whether people would take two names for the same.
    package static func areAlike(_ left: String, _ right: String) -> Bool {
        left == right || left.lowercased() == right.lowercased()
    }
}

extension ConfigurationText {
    /// The peer that a name or a public key means.
    ///
    /// - Parameter file: how errors name the file.
    package func peer(_ argument: String, file: String) throws(QuickError) -> Peer {
        if Base64Key.isKey(argument), let peer = peers.first(where: { $0.section?.publicKey.base64 == argument }) {
            return peer
        }
        var found = peers.filter { $0.name == argument }
        if found.isEmpty { found = peers.filter { $0.name.map { PeerName.areAlike($0, argument) } ?? false } }
        if found.count > 1 {
            let lines = found.map { String(line(of: $0)) }.joined(separator: " and ")
            throw QuickError(
                "\(file): \(found.count) peers are called \(quoted(argument)), in lines \(lines); "
                    + "give the public key instead, or change a name in the file")
        }
        guard let peer = found.first else {
            let names = peers.compactMap(\.name)
            let nearest = names.filter { $0.lowercased().hasPrefix(argument.lowercased().prefix(3)) }.prefix(3)
            let known = nearest.isEmpty ? Array(names.prefix(5)) : Array(nearest)
            let list = known.map { "\(quoted($0))" }.joined(separator: ", ")
            throw QuickError(
                "\(file): there is no peer called \(quoted(argument))"
                    + (list.isEmpty ? "; 'nightjar new peer' makes one" : "; there are \(list)")
                    + (names.count > known.count && !list.isEmpty ? " and others ('nightjar peers' lists them)" : ""))
        }
        return peer
    }
}
