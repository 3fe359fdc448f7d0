import Wire

extension ConfigurationFile {
    /// Reads a file's text. Parts 4 and "Finding and parsing the file".
    ///
    /// - Parameters:
    ///   - name: how errors and warnings name the file.
    ///   - isWhole: whether the file says all that there is to say about its peers' disguises, so that it can be checked
    ///     that they are complete.
    package init(
        parsing text: [UInt8], name: String, dialect: Dialect, isWhole: Bool = true
    ) throws(ConfigurationError) {
        var reader = ConfigurationReader(name: name, dialect: dialect)
        for line in lines(of: text[...]) { try reader.read(line) }
        self = try reader.finish(isWhole: isWhole)
    }

    package init(
        parsing text: String, name: String, dialect: Dialect, isWhole: Bool = true
    ) throws(ConfigurationError) {
        try self.init(parsing: Array(text.utf8), name: name, dialect: dialect, isWhole: isWhole)
    }

    /// The lines of a file that are for `wg`, as they were written but for white space around them: all but those of
    /// keys that only `wg-quick` has. Quick "Finding and parsing the file" 4.
    ///
    /// It doesn't check the lines. The result holds the private key: overwrite it after use.
    package static func stripped(_ text: [UInt8]) -> [UInt8] {
        var kept: [UInt8] = []
        kept.reserveCapacity(text.count + 1)
        var isInInterface = false
        for line in lines(of: text.last == newline ? text.dropLast() : text[...]) {
            var compact = CompactLine(line)
            defer { compact.wipe() }
            if let section = compact.section {
                isInInterface = section.lowercased() == ConfigurationKey.Section.interface.rawValue.lowercased()
            } else if isInInterface, let pair = compact.pair, ConfigurationKey(named: pair.key)?.isOnlyQuick == true {
                continue
            }
            kept.append(contentsOf: trimmed(line))
            kept.append(newline)
        }
        return kept
    }
}

/// Takes a file line by line.
private struct ConfigurationReader {
    private let name: String
    private let dialect: ConfigurationFile.Dialect
    private var file = ConfigurationFile()
    private var line = 0
    private var section: ConfigurationKey.Section?
    /// The peer that is being read, which gets into the file at its end.
    private var peer = PeerSection(PublicKey(Bytes32()))
    private var peerHasKey = false
    private var peerLine = 0
    /// Where the settings of disguises stand.
    private var places = DisguisePlaces()

    init(name: String, dialect: ConfigurationFile.Dialect) {
        self.name = name
        self.dialect = dialect
    }

    mutating func read(_ text: ArraySlice<UInt8>) throws(ConfigurationError) {
        line += 1
        var compact = CompactLine(text)
        defer { compact.wipe() }
        if compact.isEmpty { return }
        if let name = compact.section {
            try begin(name)
            return
        }
        guard let pair = compact.pair else {
            throw error("a line without \"=\"", "KEY = VALUE, [Interface] or [Peer]")
        }
        if section == .interface, ConfigurationKey.abandoned.contains(pair.key.lowercased()) {
            file.warnings.append(
                "\(name):\(line): Warning: \(pair.key) was given up by AmneziaWG 2.0 and has no effect")
            return
        }
        let key = try find(pair.key)
        let value = key.isHook ? hookCommand(text) : key.keepsSpace ? spacedValue(text) : pair.value
        guard !value.isEmpty || key.isOnlyQuick else { throw error("\(key.name) without a value", key.expectation) }
        do throws(ValueError) {
            if case .obfuscation(let setting) = key { places.note(setting, isOfPeer: section == .peer, line: line) }
            if section == .interface {
                try file.interface.read(key, value)
            } else {
                var warnings: [String] = []
                try peer.read(key, value, &warnings)
                if key == .publicKey { peerHasKey = true }
                file.warnings += warnings.map { "\(name):\(line): \($0)" }
            }
        } catch {
            throw self.error("\(error.found) as \(key.name)", error.expected)
        }
    }

    mutating func finish(isWhole: Bool) throws(ConfigurationError) -> ConfigurationFile {
        try endPeer()
        if isWhole, let problem = places.problem(of: file) {
            throw ConfigurationError(file: name, line: problem.line, sentence: problem.sentence)
        }
        return file
    }

    private mutating func begin(_ text: String) throws(ConfigurationError) {
        guard
            let section = ConfigurationKey.Section.allCases.first(where: {
                $0.rawValue.lowercased() == text.lowercased()
            })
        else { throw error("the section \(quoted(text))", "[Interface] or [Peer]") }
        try endPeer()
        self.section = section
        if section == .peer {
            peer = PeerSection(PublicKey(Bytes32()))
            peerHasKey = false
            peerLine = line
            places.beginPeer(line: line)
        }
    }

    private mutating func endPeer() throws(ConfigurationError) {
        guard section == .peer else { return }
        guard peerHasKey else {
            throw ConfigurationError(
                file: name, line: peerLine, found: "a [Peer] without PublicKey",
                expected: "a line PublicKey = KEY in it")
        }
        file.peers.append(peer)
    }

    private func find(_ text: String) throws(ConfigurationError) -> ConfigurationKey {
        guard let key = ConfigurationKey(named: text) else {
            guard let nearest = ConfigurationKey.nearest(to: text, in: section) else {
                let names = ConfigurationKey.allCases.filter {
                    section.map($0.sections.contains) ?? false && $0.isNamedFirst
                        && (dialect == .quick || !$0.isOnlyQuick)
                }.map(\.name)
                throw error(
                    "the unknown key \(quoted(text))",
                    names.isEmpty ? "[Interface] or [Peer] first" : "one of \(names.joined(separator: ", "))")
            }
            throw error("the unknown key \(quoted(text))", "\(nearest.name), the nearest known key")
        }
        let sections = key.sections.map(\.rawValue).joined(separator: " or ")
        guard let section else { throw error("\(key.name) before any section", "\(sections) before it") }
        guard key.sections.contains(section) else {
            throw error("\(key.name) in \(section.rawValue)", "it in \(sections)")
        }
        guard dialect == .quick || !key.isOnlyQuick else {
            throw error(
                "\(key.name), which only 'nightjar up' and wg-quick take",
                "a file without it, as 'nightjar strip' prints it")
        }
        return key
    }

    private func error(_ found: String, _ expected: String) -> ConfigurationError {
        ConfigurationError(file: name, line: line, found: found, expected: expected)
    }
}

/// A line without its comment and without any white space, as `wg` looks at it.
struct CompactLine {
    private var bytes: [UInt8] = []

    init(_ line: ArraySlice<UInt8>) {
        bytes.reserveCapacity(line.count)
        for byte in line {
            if byte == UInt8(ascii: "#") { break }
            if !isSpace(byte) { bytes.append(byte) }
        }
    }

    var isEmpty: Bool { bytes.isEmpty }

    /// The whole line, when it begins a section.
    var section: String? {
        bytes.first == UInt8(ascii: "[") ? String(decoding: bytes, as: UTF8.self) : nil
    }

    /// What stands before and after the first `=`.
    var pair: (key: String, value: ArraySlice<UInt8>)? {
        guard let equals = bytes.firstIndex(of: UInt8(ascii: "=")) else { return nil }
        return (String(decoding: bytes[..<equals], as: UTF8.self), bytes[(equals + 1)...])
    }

    mutating func wipe() {
        bytes.wipe()
    }
}

/// Without the byte order mark that some editors put before a file's first character.
func lines(of text: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
    text.dropFirst(text.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0)
        .split(separator: newline, omittingEmptySubsequences: false)
}

/// The command of a hook's line: all after the first `=`, comments included.
private func hookCommand(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    guard let equals = line.firstIndex(of: UInt8(ascii: "=")) else { return [] }
    return trimmed(line[(equals + 1)...])
}

/// A value with the white space inside of it, up to the comment.
func spacedValue(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    hookCommand(line.prefix { $0 != UInt8(ascii: "#") })
}

func trimmed(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    var text = text
    while let first = text.first, isSpace(first) { text.removeFirst() }
    while let last = text.last, isSpace(last) { text.removeLast() }
    return text
}

/// As the C library's `isspace` without a locale.
func isSpace(_ byte: UInt8) -> Bool {
    byte == 0x20 || (0x09...0x0d).contains(byte)
}

private let newline = UInt8(ascii: "\n")
