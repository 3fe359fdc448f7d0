import Glibc

/// The UDP port of a service in /etc/services; nil when it isn't there.
func servicePort(_ name: String) -> UInt16? {
    guard !name.isEmpty, name.utf8.allSatisfy({ isLetterOrDigit($0) || $0 == UInt8(ascii: "-") }) else { return nil }
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 4096) { buffer in
        var entry = servent()
        var result: UnsafeMutablePointer<servent>?
        guard getservbyname_r(name, "udp", &entry, buffer.baseAddress, buffer.count, &result) == 0, result != nil
        else { return nil }
        return UInt16(bigEndian: UInt16(truncatingIfNeeded: entry.s_port))
    }
}

/// The names of routing tables, which iproute2's files hold: lines of a number and a name.
enum RoutingTableNames {
    static func number(of name: String) -> UInt32? {
        switch name {
        case "local": return 255
        case "main": return 254
        case "default": return 253
        default: break
        }
        for path in ["/etc/iproute2/rt_tables", "/usr/share/iproute2/rt_tables", "/usr/lib/iproute2/rt_tables"] {
            guard let text = try? FileBytes.read(path, limit: 1 << 20) else { continue }
            for line in text.split(separator: UInt8(ascii: "\n")) {
                let words = line.prefix { $0 != UInt8(ascii: "#") }.split(whereSeparator: isSpace)
                guard words.count == 2, words[1].elementsEqual(name.utf8) else { continue }
                let digits = String(decoding: words[0], as: UTF8.self)
                return digits.hasPrefix("0x") ? UInt32(digits.dropFirst(2), radix: 16) : UInt32(digits)
            }
        }
        return nil
    }
}
