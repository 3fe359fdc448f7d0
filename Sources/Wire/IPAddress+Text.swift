extension IPv4Address: CustomStringConvertible {
    /// Four decimal numbers without leading zeros, nothing else.
    package init?(_ text: Substring) {
        guard let address = withBytes(of: text, { IPv4Address(utf8: $0) }) else { return nil }
        self = address
    }

    init?(utf8 text: UnsafeRawBufferPointer) {
        var value: UInt32 = 0
        var part: UInt32 = 0
        var digits = 0
        var dots = 0
        for byte in text {
            if byte == UInt8(ascii: ".") {
                guard digits > 0, dots < 3 else { return nil }
                value = value << 8 | part
                (part, digits, dots) = (0, 0, dots + 1)
            } else {
                guard isDigit(byte), digits == 0 || part != 0 else { return nil }
                part = part * 10 + UInt32(byte - UInt8(ascii: "0"))
                guard part <= 255 else { return nil }
                digits += 1
            }
        }
        guard dots == 3, digits > 0 else { return nil }
        self.init(value << 8 | part)
    }

    public var description: String {
        "\(value >> 24).\(value >> 16 & 255).\(value >> 8 & 255).\(value & 255)"
    }
}

extension IPv6Address: CustomStringConvertible {
    /// The forms of RFC 4291 §2.2, without a scope.
    package init?(_ text: Substring) {
        guard let address = withBytes(of: text, { IPv6Address(utf8: $0) }) else { return nil }
        self = address
    }

    init?(utf8 text: UnsafeRawBufferPointer) {
        var groups = IPv6Groups()
        var place = 0
        if text.count >= 2, text[0] == colon, text[1] == colon {
            groups.beginGap()
            place = 2
        }
        while place < text.count {
            let start = place
            var group: UInt16 = 0
            while place < text.count, let digit = hexDigit(text[place]) {
                guard place - start < 4 else { return nil }
                group = group << 4 | digit
                place += 1
            }
            if place < text.count, text[place] == UInt8(ascii: ".") {
                let rest = UnsafeRawBufferPointer(rebasing: text[start...])
                guard let v4 = IPv4Address(utf8: rest), groups.append(UInt16(truncatingIfNeeded: v4.value >> 16)),
                    groups.append(UInt16(truncatingIfNeeded: v4.value))
                else { return nil }
                break
            }
            guard place > start, groups.append(group) else { return nil }
            if place == text.count { break }
            guard text[place] == colon else { return nil }
            place += 1
            guard place < text.count else { return nil }
            if text[place] == colon {
                guard groups.beginGap() else { return nil }
                place += 1
            }
        }
        guard let value = groups.value else { return nil }
        self.init(high: UInt64(truncatingIfNeeded: value >> 64), low: UInt64(truncatingIfNeeded: value))
    }

    /// The canonical form of RFC 5952, as `inet_ntop` prints it but for the deprecated IPv4-compatible range;
    /// IPv4-mapped addresses with dots.
    public var description: String {
        if high == 0, low >> 32 == 0xffff {
            return "::ffff:\(IPv4Address(UInt32(truncatingIfNeeded: low)))"
        }
        let groups = (0..<8).map { index in
            UInt16(truncatingIfNeeded: (index < 4 ? high : low) >> UInt64(48 - 16 * (index & 3)))
        }
        let gap = longestRunOfZeros(in: groups)
        var text = ""
        var index = 0
        while index < 8 {
            if let gap, index == gap.lowerBound {
                text += "::"
                index = gap.upperBound
                continue
            }
            if !text.isEmpty, !text.hasSuffix(":") { text += ":" }
            text += String(groups[index], radix: 16)
            index += 1
        }
        return text
    }
}

extension IPAddress: CustomStringConvertible {
    package init?(_ text: Substring) {
        guard let address = withBytes(of: text, { IPAddress(utf8: $0) }) else { return nil }
        self = address
    }

    /// The same for text in memory, without the cost of a string.
    package init?(utf8 text: UnsafeRawBufferPointer) {
        if let v4 = IPv4Address(utf8: text) {
            self = .v4(v4)
        } else if let v6 = IPv6Address(utf8: text) {
            self = .v6(v6)
        } else {
            return nil
        }
    }

    package init?(_ text: String) {
        self.init(Substring(text))
    }

    public var description: String {
        switch self {
        case .v4(let address): address.description
        case .v6(let address): address.description
        }
    }
}

extension Prefix: CustomStringConvertible {
    /// `address/length`; the length is not optional and the host part is masked.
    package init?(_ text: Substring) {
        guard let prefix = withBytes(of: text, { Prefix(utf8: $0) }) else { return nil }
        self = prefix
    }

    /// The same for text in memory, without the cost of a string.
    package init?(utf8 text: UnsafeRawBufferPointer) {
        guard text.contains(UInt8(ascii: "/")), let address = InterfaceAddress(utf8: text) else { return nil }
        self.init(address.address, length: address.length)
    }

    package init?(_ text: String) {
        self.init(Substring(text))
    }

    public var description: String { "\(address)/\(length)" }
}

extension Endpoint: CustomStringConvertible {
    /// `192.0.2.1:51820`, `[2001:db8::1]:51820` or `[fe80::1%2]:51820`, the scope as an interface index.
    public var description: String {
        switch address {
        case .v4(let v4): "\(v4):\(port)"
        case .v6(let v6): scope == 0 ? "[\(v6)]:\(port)" : "[\(v6)%\(scope)]:\(port)"
        }
    }
}

/// One to three decimal digits.
func prefixLength(_ digits: UnsafeRawBufferPointer) -> Int? {
    guard (1...3).contains(digits.count), digits.allSatisfy(isDigit) else { return nil }
    return digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
}

func withBytes<Value>(of text: Substring, _ body: (UnsafeRawBufferPointer) -> Value?) -> Value? {
    var text = text
    return text.withUTF8 { body(UnsafeRawBufferPointer($0)) }
}

/// The groups of an IPv6 address, as they are read.
private struct IPv6Groups {
    private var groups: UInt128 = 0
    private var count = 0
    /// How many groups were before `::`.
    private var gap: Int?

    /// False when there are eight already.
    mutating func append(_ group: UInt16) -> Bool {
        guard count < 8 else { return false }
        groups = groups << 16 | UInt128(group)
        count += 1
        return true
    }

    /// False when there has been one already.
    @discardableResult
    mutating func beginGap() -> Bool {
        guard gap == nil else { return false }
        gap = count
        return true
    }

    /// Nil unless the groups make an address.
    var value: UInt128? {
        guard let gap else { return count == 8 ? groups : nil }
        guard count < 8 else { return nil }
        let tailBits = 16 * (count - gap)
        let tail = groups & ((1 << tailBits) - 1)
        // Shifted by all its bits, a number is zero.
        return (groups >> tailBits) << (128 - 16 * gap) | tail
    }
}

private let colon = UInt8(ascii: ":")

private func isDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
}

private func hexDigit(_ byte: UInt8) -> UInt16? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt16(byte - UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt16(byte - UInt8(ascii: "a")) + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt16(byte - UInt8(ascii: "A")) + 10
    default: nil
    }
}

private func longestRunOfZeros(in groups: [UInt16]) -> Range<Int>? {
    var best: Range<Int>?
    var start = 0
    while start < groups.count {
        guard groups[start] == 0 else {
            start += 1
            continue
        }
        var end = start
        while end < groups.count, groups[end] == 0 { end += 1 }
        if end - start > max(1, best?.count ?? 0) { best = start..<end }
        start = end
    }
    return best
}
