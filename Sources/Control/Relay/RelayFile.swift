package import Relay
import Tunnel

/// A file of relays: sections `[Relay]`, each with a `[Listen]` and a `[Forward]` that say how its two sides look.
package struct RelayFile: Sendable {
    package private(set) var relays: [RelaySettings] = []
    /// What is allowed and probably not meant.
    package private(set) var warnings: [String] = []

    /// - Parameter name: how errors and warnings name the file.
    package init(parsing text: [UInt8], name: String) throws(ConfigurationError) {
        var reader = RelayFileReader(name: name)
        for line in lines(of: text[...]) { try reader.read(line) }
        try reader.finish()
        relays = reader.relays
        warnings = reader.warnings
    }
}

private struct RelayFileReader {
    private let name: String
    private(set) var relays: [RelaySettings] = []
    private(set) var warnings: [String] = []

    private var line = 0
    private var section: RelayKey.Section?
    /// The relay that is being read, and the lines of its sections.
    private var draft = RelayDraft()
    private var places: [RelayKey.Section: Int] = [:]
    private var seen: Set<RelayKey> = []

    init(name: String) {
        self.name = name
    }

    mutating func read(_ text: ArraySlice<UInt8>) throws(ConfigurationError) {
        line += 1
        var compact = CompactLine(text)
        defer { compact.wipe() }
        if compact.isEmpty { return }
        if let name = compact.section { return try begin(name) }
        guard let pair = compact.pair else {
            throw error("a line without \"=\"", "KEY = VALUE, \(Self.sectionNames)")
        }
        let key = try find(pair.key)
        guard let section else { throw error("\(key.name) before any section", "[Relay] before it") }
        let value = key.keepsSpace ? spacedValue(text) : pair.value
        guard !value.isEmpty else { throw error("\(key.name) without a value", key.expectation) }
        guard seen.insert(key).inserted || key == .clientPublicKey else {
            throw error("\(key.name) for a second time in \(section.rawValue)", "it once")
        }
        do throws(ValueError) {
            try draft.read(key, value, in: section)
        } catch {
            throw self.error("\(error.found) as \(key.name)", error.expected)
        }
    }

    mutating func finish() throws(ConfigurationError) {
        try endRelay()
        guard !relays.isEmpty else {
            throw ConfigurationError(file: name, line: max(line, 1), found: "no [Relay]", expected: "one at least")
        }
    }

    private mutating func begin(_ text: String) throws(ConfigurationError) {
        guard
            let section = RelayKey.Section.allCases.first(where: { $0.rawValue.lowercased() == text.lowercased() })
        else { throw error("the section \(quoted(text))", Self.sectionNames) }
        if section == .relay {
            try endRelay()
            draft = RelayDraft()
            places = [:]
        } else {
            guard places[.relay] != nil else {
                throw error("\(section.rawValue) before any [Relay]", "[Relay], which it belongs to, before it")
            }
            guard places[section] == nil else {
                throw error("a second \(section.rawValue)", "one for each [Relay]")
            }
        }
        self.section = section
        places[section] = line
        seen = []
    }

    private mutating func endRelay() throws(ConfigurationError) {
        guard let start = places[.relay] else { return }
        let settings: RelaySettings
        do throws(RelayDraft.Problem) {
            settings = try draft.settings()
        } catch {
            throw ConfigurationError(file: name, line: places[error.section] ?? start, sentence: error.sentence)
        }
        if relays.contains(where: { $0.listen == settings.listen }) {
            throw ConfigurationError(
                file: name, line: start, sentence: "a relay listens on \(settings.listen) already")
        }
        if let file = settings.stateFile, relays.contains(where: { $0.stateFile == file }) {
            throw ConfigurationError(file: name, line: start, sentence: "another relay has this StateFile already")
        }
        if settings.listenDialect == settings.forwardDialect {
            warnings.append("\(name):\(start): Warning: both sides look the same, so this relay hides nothing")
        }
        relays.append(settings)
    }

    private func find(_ text: String) throws(ConfigurationError) -> RelayKey {
        guard let key = RelayKey(named: text) else {
            if let nearest = RelayKey.nearest(to: text, in: section) {
                throw error("the unknown key \(quoted(text))", "\(nearest.name), the nearest known key")
            }
            let names = RelayKey.allCases.filter { key in
                guard let section, key.sections.contains(section) else { return false }
                if case .obfuscation(let setting) = key { return setting.isForPeers }
                return true
            }
            throw error(
                "the unknown key \(quoted(text))",
                names.isEmpty ? "[Relay] first" : "one of \(names.map(\.name).joined(separator: ", "))")
        }
        guard let section, !key.sections.contains(section) else { return key }
        throw error(
            "\(key.name) in \(section.rawValue)", "it in \(key.sections.map(\.rawValue).joined(separator: " or "))")
    }

    private func error(_ found: String, _ expected: String) -> ConfigurationError {
        ConfigurationError(file: name, line: line, found: found, expected: expected)
    }

    private static var sectionNames: String {
        let names = RelayKey.Section.allCases.map(\.rawValue)
        return "\(names.dropLast().joined(separator: ", ")) or \(names[names.count - 1])"
    }
}
