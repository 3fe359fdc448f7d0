import Tunnel
import Wire

/// Appends the lines of an answer to one buffer. UAPI Part 1.
struct UAPIWriter {
    private(set) var bytes: [UInt8] = []

    init(capacity: Int) {
        bytes.reserveCapacity(capacity)
    }

    mutating func key(_ key: UAPIKey) {
        append(key.name)
        append("=")
    }

    mutating func line(_ key: UAPIKey, _ number: UInt64) {
        self.key(key)
        append(number)
        append("\n")
    }

    mutating func line(_ key: UAPIKey, key value: Bytes32) {
        self.key(key)
        value.withUnsafeBytes { append(hex: $0) }
        append("\n")
    }

    mutating func line(_ key: UAPIKey, secret: Secret32) {
        self.key(key)
        secret.withUnsafeBytes { append(hex: $0) }
        append("\n")
    }

    /// A setting of a disguise; without a value the line that takes it back.
    mutating func line(_ setting: ObfuscationSetting, _ value: ObfuscationValue?) {
        append(setting.socketName)
        append("=")
        if let value {
            value.append(to: &bytes, .socket)
        } else {
            append(setting.socketNothing)
        }
        append("\n")
    }

    mutating func flag(_ key: UAPIKey) {
        self.key(key)
        append("true\n")
    }

    /// The last line and the empty line after it. `errno` is 0 or positive and is printed negated.
    mutating func end(errno: Int32) {
        key(.errno)
        if errno != 0 { append("-") }
        append(UInt64(errno.magnitude))
        append("\n\n")
    }

    mutating func append(_ text: StaticString) {
        text.withUTF8Buffer { bytes.append(contentsOf: $0) }
    }

    mutating func append(_ text: String) {
        bytes.append(contentsOf: text.utf8)
    }

    /// With a question mark for each control character, so that it stays in its line.
    mutating func append(withoutLineEnds text: String) {
        for byte in text.utf8 { bytes.append(byte < 0x20 || byte == 0x7f ? UInt8(ascii: "?") : byte) }
    }

    /// In decimal.
    mutating func append(_ number: UInt64) {
        let start = bytes.count
        var rest = number
        repeat {
            bytes.append(UInt8(ascii: "0") + UInt8(rest % 10))
            rest /= 10
        } while rest != 0
        bytes[start...].reverse()
    }

    mutating func append(_ address: IPAddress) {
        switch address {
        case .v4(let v4):
            append(UInt64(v4.value >> 24))
            append(".")
            append(UInt64(v4.value >> 16 & 255))
            append(".")
            append(UInt64(v4.value >> 8 & 255))
            append(".")
            append(UInt64(v4.value & 255))
        case .v6(let v6):
            append(v6.description)
        }
    }

    mutating func append(_ prefix: Prefix) {
        append(prefix.address)
        append("/")
        append(UInt64(prefix.length))
    }

    /// As ``Endpoint/description``, with the scope's name where it has one.
    mutating func append(_ endpoint: Endpoint, interfaceName: (UInt32) -> String?) {
        if endpoint.address.isIPv6 { append("[") }
        append(endpoint.address)
        if endpoint.scope != 0 {
            append("%")
            append(interfaceName(endpoint.scope) ?? String(endpoint.scope))
        }
        append(endpoint.address.isIPv6 ? "]:" : ":")
        append(UInt64(endpoint.port))
    }

    /// Two lower-case digits a byte, by arithmetic, so that no table is looked up with a secret.
    private mutating func append(hex value: UnsafeRawBufferPointer) {
        for byte in value {
            bytes.append(digit(byte >> 4))
            bytes.append(digit(byte & 15))
        }
    }
}

/// The hexadecimal digit of 0…15.
private func digit(_ value: UInt8) -> UInt8 {
    let v = Int32(value)
    return UInt8(truncatingIfNeeded: v + 48 + (((9 - v) >> 8) & 39))
}
