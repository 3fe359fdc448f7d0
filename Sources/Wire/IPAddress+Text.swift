extension IPv4Address: CustomStringConvertible {
    /// Four decimal numbers without leading zeros, nothing else.
    package init?(_ text: Substring) {
        var value: UInt32 = 0
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        for part in parts {
            guard (1...3).contains(part.utf8.count), part.utf8.allSatisfy(isDigit),
                part.utf8.count == 1 || part.first != "0", let byte = UInt8(part)
            else { return nil }
            value = value << 8 | UInt32(byte)
        }
        self.init(value)
    }

    public var description: String {
        "\(value >> 24).\(value >> 16 & 255).\(value >> 8 & 255).\(value & 255)"
    }
}

extension IPv6Address: CustomStringConvertible {
    /// The forms of RFC 4291 §2.2, without a scope.
    package init?(_ text: Substring) {
        var groups: [UInt16] = []
        var gap: Int?
        var rest = text
        if rest.hasPrefix("::") {
            gap = 0
            rest = rest.dropFirst(2)
        }
        while !rest.isEmpty {
            let end = rest.firstIndex(of: ":")
            let group = rest[..<(end ?? rest.endIndex)]
            if end == nil, group.contains(".") {
                guard groups.count <= 6, let v4 = IPv4Address(group) else { return nil }
                groups.append(UInt16(truncatingIfNeeded: v4.value >> 16))
                groups.append(UInt16(truncatingIfNeeded: v4.value))
                break
            }
            guard (1...4).contains(group.utf8.count), group.utf8.allSatisfy(isHexDigit),
                let value = UInt16(group, radix: 16), groups.count < 8
            else { return nil }
            groups.append(value)
            guard let end else { break }
            rest = rest[rest.index(after: end)...]
            if rest.first == ":" {
                guard gap == nil else { return nil }
                gap = groups.count
                rest = rest.dropFirst()
            } else if rest.isEmpty {
                return nil
            }
        }
        if let gap {
            guard groups.count < 8 else { return nil }
            groups.insert(contentsOf: repeatElement(0, count: 8 - groups.count), at: gap)
        }
        guard groups.count == 8 else { return nil }
        self.init(
            high: groups[..<4].reduce(0) { $0 << 16 | UInt64($1) },
            low: groups[4...].reduce(0) { $0 << 16 | UInt64($1) })
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
        if let v4 = IPv4Address(text) {
            self = .v4(v4)
        } else if let v6 = IPv6Address(text) {
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
        guard let slash = text.lastIndex(of: "/"), let address = IPAddress(text[..<slash]),
            let length = prefixLength(text[text.index(after: slash)...])
        else { return nil }
        self.init(address, length: length)
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
func prefixLength(_ digits: Substring) -> Int? {
    guard (1...3).contains(digits.utf8.count), digits.utf8.allSatisfy(isDigit) else { return nil }
    return Int(digits)
}

private func isDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
}

private func isHexDigit(_ byte: UInt8) -> Bool {
    isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte | 0x20)
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
