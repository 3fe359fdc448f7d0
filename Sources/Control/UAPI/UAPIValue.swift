import Tunnel
import Wire

/// Readers for the values of the configuration socket's lines. Nil means that the text isn't such a value.
enum UAPIValue {
    /// A decimal number without a sign, at most `limit`, which must be below 2^60.
    static func number(_ text: UnsafeRawBufferPointer, atMost limit: UInt64) -> UInt64? {
        guard !text.isEmpty else { return nil }
        var value: UInt64 = 0
        for byte in text {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            value = value * 10 + UInt64(byte - UInt8(ascii: "0"))
            guard value <= limit else { return nil }
        }
        return value
    }

    /// A decimal number without a sign.
    static func counter(_ text: UnsafeRawBufferPointer) -> UInt64? {
        guard !text.isEmpty else { return nil }
        var value: UInt64 = 0
        for byte in text {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            let (product, isTooLarge) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflows) = product.addingReportingOverflow(UInt64(byte - UInt8(ascii: "0")))
            guard !isTooLarge, !overflows else { return nil }
            value = sum
        }
        return value
    }

    /// Seconds, and the greater number when it is a range. Obfuscation §1.2.
    static func keepalive(_ text: UnsafeRawBufferPointer) -> (least: UInt16, most: UInt16?)? {
        guard text.count <= 48, let (least, most): (UInt16, UInt16) = ObfuscationValue.range(Array(text)[...]),
            least <= most, least > 0 || most == 0
        else { return nil }
        return (least, most == least ? nil : most)
    }

    /// A setting of a disguise; nil, which takes it back, when the text is empty or says what is so anyway.
    static func obfuscation(
        _ text: UnsafeRawBufferPointer, of setting: ObfuscationSetting
    ) throws(UAPIFailure) -> ObfuscationValue? {
        if text.isEmpty { return nil }
        var bytes = Array(text)
        defer { bytes.wipe() }
        do throws(ValueError) {
            return try ObfuscationValue(reading: bytes[...], of: setting, .socket).said
        } catch {
            let sentence = "\(setting.socketName): found \(error.found); expected \(error.expected)"
            throw UAPIFailure(errno: UAPIFailure.invalid.errno, sentence: sentence)
        }
    }

    /// 64 hexadecimal digits of a secret.
    static func secret(_ text: UnsafeRawBufferPointer) -> Secret32? {
        guard var key = Hex.decode(text) else { return nil }
        defer { key.withUnsafeMutableBytes { $0.wipe() } }
        return key.isZero ? .zero : Secret32(key)
    }

    /// 64 hexadecimal digits.
    static func publicKey(_ text: UnsafeRawBufferPointer) -> PublicKey? {
        Hex.decode(text).map(PublicKey.init)
    }

    /// `prefix` adds, `-prefix` removes.
    static func allowedIP(_ text: UnsafeRawBufferPointer) -> AllowedIPChange? {
        let removes = text.first == UInt8(ascii: "-")
        let characters = removes ? UnsafeRawBufferPointer(rebasing: text[1...]) : text
        guard let prefix = Prefix(utf8: characters) else { return nil }
        return removes ? .remove(prefix) : .add(prefix)
    }

    /// As ``endpoint(_:scopes:)``, but a scope that isn't known here, where it may have another name, is left out.
    static func shownEndpoint(_ text: UnsafeRawBufferPointer, scopes: UAPIScopes) -> Endpoint? {
        if let endpoint = endpoint(text, scopes: scopes) { return endpoint }
        guard let percent = text.firstIndex(of: UInt8(ascii: "%")), let bracket = text.lastIndex(of: UInt8(ascii: "]")),
            percent < bracket
        else { return nil }
        return (Array(text[..<percent]) + Array(text[bracket...])).withUnsafeBytes { endpoint($0, scopes: scopes) }
    }

    /// `192.0.2.1:51820`, `[2001:db8::1]:51820` or `[fe80::1%eth0]:51820`; the scope is a name, or else an index.
    static func endpoint(_ text: UnsafeRawBufferPointer, scopes: UAPIScopes) -> Endpoint? {
        guard let colon = text.lastIndex(of: UInt8(ascii: ":")),
            let port = number(UnsafeRawBufferPointer(rebasing: text[(colon + 1)...]), atMost: UInt64(UInt16.max))
        else { return nil }
        let host = UnsafeRawBufferPointer(rebasing: text[..<colon])
        guard host.first == UInt8(ascii: "[") else {
            guard case .v4(let address) = IPAddress(utf8: host) else { return nil }
            return Endpoint(.v4(address), port: UInt16(port))
        }
        guard host.count >= 2, host.last == UInt8(ascii: "]") else { return nil }
        let inside = UnsafeRawBufferPointer(rebasing: host[1..<(host.count - 1)])
        let percent = inside.firstIndex(of: UInt8(ascii: "%")) ?? inside.endIndex
        guard case .v6(let address) = IPAddress(utf8: UnsafeRawBufferPointer(rebasing: inside[..<percent])) else {
            return nil
        }
        guard percent < inside.endIndex else { return Endpoint(.v6(address), port: UInt16(port)) }
        guard address.isLinkLocal, let name = ascii(UnsafeRawBufferPointer(rebasing: inside[(percent + 1)...])),
            !name.isEmpty, let scope = scopes.index(name) ?? UInt32(name), scope != 0
        else { return nil }
        return Endpoint(.v6(address), port: UInt16(port), scope: scope)
    }

    /// `name.example:51820`, or nothing.
    static func endpointName(_ text: UnsafeRawBufferPointer) -> String? {
        if text.isEmpty { return "" }
        guard text.count <= 512, let colon = text.lastIndex(of: UInt8(ascii: ":")),
            let port = number(UnsafeRawBufferPointer(rebasing: text[(colon + 1)...]), atMost: UInt64(UInt16.max)),
            port != 0, text.allSatisfy({ $0 > 0x20 && $0 != 0x7f }),
            let name = try? EndpointName(parsing: String(decoding: text, as: UTF8.self))
        else { return nil }
        return name.description
    }

    /// What people call a peer, or nothing.
    static func annotationName(_ text: UnsafeRawBufferPointer) -> String? {
        guard text.count <= 256, text.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }) else { return nil }
        return printable(String(decoding: text, as: UTF8.self), longest: 64)
    }

    /// Unix time in seconds, until the year 9999.
    static func time(_ text: UnsafeRawBufferPointer) -> Int64? {
        number(text, atMost: UInt64(UTCTime.latest)).map(Int64.init)
    }

    /// Nil when there is a byte that isn't a visible ASCII character.
    private static func ascii(_ text: UnsafeRawBufferPointer) -> Substring? {
        guard text.allSatisfy({ (0x21...0x7e).contains($0) }) else { return nil }
        return Substring(decoding: text, as: UTF8.self)
    }
}
