import Tunnel
import Wire

extension ObfuscationValue {
    /// Where a text stands; the two differ in how they write some values.
    enum Form {
        case file, socket
    }

    /// Reads a value, which has no white space around it. The readers of files, of `set` and of the socket share this.
    ///
    /// - Throws: ``ValueError``, which never shows a key.
    init(reading text: ArraySlice<UInt8>, of setting: ObfuscationSetting, _ form: Form) throws(ValueError) {
        switch setting.kind {
        case .dialect: self = .dialect(try Self.dialect(text, setting))
        case .key:
            let isText = text.allSatisfy { $0 >= 0x20 && $0 != 0x7f }
            guard text.count <= 255, isText else { throw Self.hidden(text, setting) }
            self = .key(ObfuscationKey(Array(text)))
        case .bytes: self = .bytes(try Self.threeBytes(text, setting))
        case .number:
            guard let number = Self.isOff(text) ? 0 : Self.number(text, UInt16.self) else {
                throw Self.error(text, setting)
            }
            self = .number(number)
        case .range16:
            self = .range16(Self.isOff(text) ? 0...0 : try Self.range(text, setting))
        case .range32: self = .range32(try Self.range(text, setting))
        case .text:
            guard text.count <= ObfuscationSetting.longestText, text.allSatisfy({ (0x20...0x7e).contains($0) }) else {
                throw ValueError(found: "a text of \(text.count) characters", expected: setting.expectation)
            }
            self = .text(String(decoding: text, as: UTF8.self))
        case .secret: self = .secret(try Self.secret(text, setting, form))
        case .flag:
            switch String(decoding: text, as: UTF8.self).lowercased() {
            case "on", "1", "true": self = .flag(true)
            case "off", "0", "false": self = .flag(false)
            default: throw Self.error(text, setting)
            }
        }
    }

    /// Nil when it means the same as if nothing had been said.
    var said: ObfuscationValue? {
        let isNothing =
            switch self {
            case .dialect, .range32: false
            case .key(let key): key.bytes.isEmpty
            case .number(let number): number == 0
            case .range16(let range): range.upperBound == 0
            case .text(let text): text.isEmpty
            case .secret(let secret): secret.isZero
            case .bytes(let bytes): bytes.isEmpty
            case .flag(let isOn): !isOn
            }
        return isNothing ? nil : self
    }

    func equals(_ other: ObfuscationValue) -> Bool {
        switch (self, other) {
        case (.dialect(let one), .dialect(let other)): one == other
        case (.key(let one), .key(let other)): one.equals(other)
        case (.number(let one), .number(let other)): one == other
        case (.range16(let one), .range16(let other)): one == other
        case (.range32(let one), .range32(let other)): one == other
        case (.text(let one), .text(let other)): one == other
        case (.secret(let one), .secret(let other)): one.equals(other)
        case (.bytes(let one), .bytes(let other)): one == other
        case (.flag(let one), .flag(let other)): one == other
        default: false
        }
    }

    /// Appends what ``init(reading:of:_:)`` reads. It may be a key.
    func append(to text: inout [UInt8], _ form: Form) {
        switch self {
        case .dialect(let name): text += name.rawValue.utf8
        case .key(let key):
            var bytes = key.bytes
            text += bytes
            bytes.wipe()
        case .number(let number): text += "\(number)".utf8
        case .range16(let range): text += Self.text(range).utf8
        case .range32(let range): text += Self.text(range).utf8
        case .text(let items): text += items.utf8
        case .secret(let secret):
            var bytes = secret.bytes
            if form == .file { Base64.append(bytes, to: &text) } else { Hex.append(bytes, to: &text) }
            bytes.withUnsafeMutableBytes { $0.wipe() }
        case .bytes(let bytes):
            text += bytes.map { String($0) }.joined(separator: form == .file ? ", " : ",").utf8
        case .flag(let isOn):
            text += (form == .file ? isOn ? "on" : "off" : isOn ? "1" : "0").utf8
        }
    }

    /// At least as many bytes as ``append(to:_:)`` appends.
    var longestText: Int {
        switch self {
        case .key(let key): key.bytes.count
        case .text(let text): text.utf8.count
        default: 64
        }
    }

    static func text(_ range: ClosedRange<some FixedWidthInteger>) -> String {
        range.lowerBound == range.upperBound ? "\(range.lowerBound)" : "\(range.lowerBound)-\(range.upperBound)"
    }

    /// A decimal number without a sign.
    static func number<Number: FixedWidthInteger>(_ text: ArraySlice<UInt8>, _: Number.Type) -> Number? {
        guard !text.isEmpty, text.count <= 20, text.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Number(String(decoding: text, as: UTF8.self))
    }

    /// A number, or two with a minus between them.
    static func range<Number: FixedWidthInteger>(_ text: ArraySlice<UInt8>) -> (low: Number, high: Number)? {
        let minus = text.firstIndex(of: UInt8(ascii: "-")) ?? text.endIndex
        guard let low = number(text[..<minus], Number.self) else { return nil }
        if minus == text.endIndex { return (low, low) }
        guard let high = number(text[(minus + 1)...], Number.self) else { return nil }
        return (low, high)
    }
}

/// The time between two keepalives: seconds.
func keepalive(_ least: UInt16, _ most: UInt16?) -> ClosedRange<UInt16> {
    least...max(least, most ?? least)
}

// MARK: - Reading

extension ObfuscationValue {
    private static func error(_ text: ArraySlice<UInt8>, _ setting: ObfuscationSetting) -> ValueError {
        ValueError(found: quoted(String(decoding: text, as: UTF8.self)), expected: setting.expectation)
    }

    /// For what may be a secret, in whole or in part.
    private static func hidden(_ text: ArraySlice<UInt8>, _ setting: ObfuscationSetting) -> ValueError {
        ValueError(found: "a text of \(text.count) characters", expected: setting.expectation)
    }

    private static func isOff(_ text: ArraySlice<UInt8>) -> Bool {
        text.count == 3 && String(decoding: text, as: UTF8.self).lowercased() == "off"
    }

    private static func dialect(
        _ text: ArraySlice<UInt8>, _ setting: ObfuscationSetting
    ) throws(ValueError) -> DialectName {
        let name = String(decoding: text, as: UTF8.self).lowercased()
        if name == "on" { return .veil }
        guard let dialect = DialectName(rawValue: name) else { throw error(text, setting) }
        return dialect
    }

    private static func range<Number: FixedWidthInteger>(
        _ text: ArraySlice<UInt8>, _ setting: ObfuscationSetting
    ) throws(ValueError) -> ClosedRange<Number> {
        guard let (low, high): (Number, Number) = range(text) else { throw error(text, setting) }
        guard low <= high else {
            throw ValueError(
                found: "\(quoted(String(decoding: text, as: UTF8.self))), which ends before it begins,",
                expected: setting.expectation)
        }
        return low...high
    }

    private static func secret(
        _ text: ArraySlice<UInt8>, _ setting: ObfuscationSetting, _ form: Form
    ) throws(ValueError) -> Secret32 {
        if form == .file { return try ConfigurationValue.secret(text, expectation: setting.expectation) }
        guard let secret = text.withUnsafeBytes({ UAPIValue.secret($0) }) else { throw hidden(text, setting) }
        return secret
    }

    private static func threeBytes(
        _ text: ArraySlice<UInt8>, _ setting: ObfuscationSetting
    ) throws(ValueError) -> [UInt8] {
        if !text.contains(UInt8(ascii: ",")), let bytes = base64(text) { return bytes }
        let parts = text.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
        let bytes = parts.compactMap { number($0, UInt8.self) }
        guard parts.count == 3, bytes.count == 3 else { throw error(text, setting) }
        return bytes
    }

    /// Three bytes from four characters.
    private static func base64(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        guard text.count == 4 else { return nil }
        var bits: UInt32 = 0
        for byte in text {
            let value: UInt8
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): value = byte - 65
            case UInt8(ascii: "a")...UInt8(ascii: "z"): value = byte - 71
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = byte + 4
            case UInt8(ascii: "+"): value = 62
            case UInt8(ascii: "/"): value = 63
            default: return nil
            }
            bits = bits << 6 | UInt32(value)
        }
        return [bits >> 16, bits >> 8, bits].map { UInt8(truncatingIfNeeded: $0) }
    }
}
