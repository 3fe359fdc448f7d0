import Tunnel

extension ObfuscationSetting {
    /// Its name in configuration files; these may write it in any case.
    package var name: String { rawValue }

    /// Its name on the configuration socket, which for AmneziaWG's settings is theirs. Obfuscation §1.2.
    var socketName: String { Self.socketNames[self] ?? "" }

    /// Its name among the arguments of `set` and the fields of `show`.
    package var commandName: String { socketName.replacing("_", with: "-") }

    /// Whether it is one of AmneziaWG's own, which are there for interfaces only.
    var isAmneziaWGs: Bool { !isForPeers }

    /// Whether white space inside of its value is part of it.
    var keepsSpace: Bool { kind == .text || kind == .key }

    /// What its value has to be, for people.
    package var expectation: String {
        switch kind {
        case .dialect: "on or one of \(DialectName.allCases.map(\.rawValue).joined(separator: ", "))"
        case .key: "text of 1 to 255 bytes, or base64, as the kind of obfuscation has it"
        case .bytes: "three numbers from 0 to 255 with commas between them, or 4 characters of base64"
        case .number: "off or a number from 1 to 65535"
        case .range16: "off, a number from 1 to 65535, or a range of two as in 10-20"
        case .range32: "a number from 0 to 4294967295, or a range of two as in 10-20"
        case .text: "items as <b 0x01ff>, <r 16>, <rc 8>, <rd 8>, <t> or <c>, at most \(Self.longestText) characters"
        case .secret: "a key, 44 characters of base64"
        case .flag: "on or off"
        }
    }

    /// Characters in a text, which has to fit into a line on the configuration socket.
    static var longestText: Int { 4000 }

    /// What takes it back on the configuration socket, in a form that AmneziaWG's own programs take as well.
    var socketNothing: String {
        switch kind {
        case .dialect, .key, .bytes, .text: ""
        case .number, .range16, .flag: "0"
        case .range32:
            switch self {
            case .h2: "2"
            case .h3: "3"
            case .h4: "4"
            default: "1"
            }
        case .secret: String(repeating: "0", count: 64)
        }
    }

    init?(socketName text: UnsafeRawBufferPointer) {
        guard let setting = Self.bySocketName[String(decoding: text, as: UTF8.self)] else { return nil }
        self = setting
    }

    /// As ``commandName``, or with underscores, which the stock tool's usage has in some.
    init?(commandName text: String) {
        guard let setting = Self.bySocketName[text.replacing("-", with: "_")] else { return nil }
        self = setting
    }

    private static let socketNames = Dictionary(uniqueKeysWithValues: allCases.map { ($0, snakeCase($0.rawValue)) })
    private static let bySocketName = Dictionary(uniqueKeysWithValues: socketNames.map { ($1, $0) })

    /// `HeaderProtectionKey` as `header_protection_key`.
    private static func snakeCase(_ name: String) -> String {
        var result = ""
        var isAfterSmall = false
        for character in name {
            if isAfterSmall, character.isUppercase { result += "_" }
            isAfterSmall = character.isLowercase
            result += character.lowercased()
        }
        return result
    }
}
