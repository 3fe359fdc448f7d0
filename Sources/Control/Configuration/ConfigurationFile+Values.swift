import Tunnel
import Wire

extension InterfaceSection {
    /// Takes the value of a key of this section.
    mutating func read(_ key: ConfigurationKey, _ value: ArraySlice<UInt8>) throws(ValueError) {
        if case .obfuscation(let setting) = key {
            obfuscation[setting] = try ObfuscationValue(reading: value, of: setting, .file)
            return
        }
        let text = key == .privateKey ? "" : String(decoding: value, as: UTF8.self)
        switch key {
        case .privateKey: privateKey = try ConfigurationValue.secret(value, key)
        case .listenPort: listenPort = try ConfigurationValue.port(text)
        case .firewallMark: firewallMark = try ConfigurationValue.firewallMark(text)
        case .address: addresses += try ConfigurationValue.addresses(text)
        case .dns:
            for item in text.split(separator: ",") {
                if item.contains(":") || item.utf8.allSatisfy({ isDigitOrDot($0) }) {
                    guard let address = IPAddress(item) else { throw ValueError(item, for: .dns) }
                    dns.append(address)
                } else {
                    searchDomains.append(try ConfigurationValue.domain(item))
                }
            }
        case .mtu: mtu = try ConfigurationValue.mtu(text)
        case .table: table = try ConfigurationValue.table(text)
        case .killSwitch:
            guard let value = KillSwitch(rawValue: text.lowercased()) else { throw ValueError(text, for: key) }
            killSwitch = value
        case .saveConfig:
            switch text.lowercased() {
            case "true": saveConfig = true
            case "false": saveConfig = false
            default: throw ValueError(text, for: key)
            }
        case .preUp: preUp.append(try ConfigurationValue.command(value, text))
        case .postUp: postUp.append(try ConfigurationValue.command(value, text))
        case .preDown: preDown.append(try ConfigurationValue.command(value, text))
        case .postDown: postDown.append(try ConfigurationValue.command(value, text))
        case .publicKey, .presharedKey, .allowedIPs, .endpoint, .persistentKeepalive, .obfuscation: break
        }
    }
}

extension PeerSection {
    /// Takes the value of a key of this section; adds to `warnings` what is probably not meant.
    mutating func read(
        _ key: ConfigurationKey, _ value: ArraySlice<UInt8>, _ warnings: inout [String]
    ) throws(ValueError) {
        let isText = key == .endpoint || key == .persistentKeepalive
        let text = isText ? String(decoding: value, as: UTF8.self) : ""
        switch key {
        case .publicKey: publicKey = PublicKey(try ConfigurationValue.key(value, key))
        case .presharedKey: presharedKey = try ConfigurationValue.secret(value, key)
        case .endpoint: endpoint = try EndpointName(parsing: text)
        case .persistentKeepalive:
            (persistentKeepalive, persistentKeepaliveMaximum) = try ConfigurationValue.keepalive(text)
        case .obfuscation(let setting): obfuscation[setting] = try ObfuscationValue(reading: value, of: setting, .file)
        case .allowedIPs: try readAllowedIPs(value, &warnings)
        case .address, .dns, .mtu, .table, .killSwitch, .saveConfig, .preUp, .postUp, .preDown, .postDown, .listenPort,
            .firewallMark, .privateKey:
            break
        }
    }

    /// Takes one list of allowed IPs, without white space. Part 3, "allowed-ips".
    mutating func readAllowedIPs(_ text: ArraySlice<UInt8>, _ warnings: inout [String]) throws(ValueError) {
        for item in text.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
            let removes = item.first == UInt8(ascii: "-")
            let hasSign = removes || item.first == UInt8(ascii: "+")
            let address = item.dropFirst(hasSign ? 1 : 0).withUnsafeBytes { InterfaceAddress(utf8: $0) }
            guard let address, let prefix = address.network else {
                throw ValueError(String(decoding: item, as: UTF8.self), for: .allowedIPs)
            }
            if hasSign { changesAllowedIPs = true }
            if prefix.address != address.address {
                warnings.append("Warning: AllowedIP has nonzero host part: \(address)")
            }
            allowedIPs.append(removes ? .remove(prefix) : .add(prefix))
        }
    }
}

/// Readers for single values, of files and of `wg set` alike. Texts come without white space.
enum ConfigurationValue {
    static func secret(_ text: ArraySlice<UInt8>, _ key: ConfigurationKey) throws(ValueError) -> Secret32 {
        try secret(text, expectation: key.expectation)
    }

    static func secret(_ text: ArraySlice<UInt8>, expectation: String) throws(ValueError) -> Secret32 {
        var bytes = try self.key(text, expectation: expectation)
        defer { bytes.withUnsafeMutableBytes { $0.wipe() } }
        return bytes.isZero ? .zero : Secret32(bytes)
    }

    static func key(_ text: ArraySlice<UInt8>, _ key: ConfigurationKey) throws(ValueError) -> Bytes32 {
        try self.key(text, expectation: key.expectation)
    }

    /// What is wrong with a key is told without a part of it.
    private static func key(_ text: ArraySlice<UInt8>, expectation: String) throws(ValueError) -> Bytes32 {
        if let bytes = text.withUnsafeBytes({ Base64.decode($0) }) { return bytes }
        guard text.count == Base64.keyLength else {
            throw ValueError(found: "a text of \(text.count) characters", expected: expectation)
        }
        for (index, byte) in text.dropLast().enumerated() where !isBase64(byte) {
            throw ValueError(found: "a text whose character \(index + 1) isn't base64", expected: expectation)
        }
        throw ValueError(
            found: "44 characters that don't end as a key does, cut off or mistyped", expected: expectation)
    }

    static func port(_ text: some StringProtocol) throws(ValueError) -> UInt16 {
        if let number = number(text), let port = UInt16(exactly: number) { return port }
        guard let port = servicePort(String(text)) else { throw ValueError(text, for: .listenPort) }
        return port
    }

    static func firewallMark(_ text: String) throws(ValueError) -> UInt32 {
        if text.lowercased() == "off" { return 0 }
        let isHexadecimal = text.hasPrefix("0x") || text.hasPrefix("0X")
        let digits = isHexadecimal ? text.dropFirst(2) : text[...]
        guard let first = digits.utf8.first, first != UInt8(ascii: "+"), first != UInt8(ascii: "-"),
            let mark = UInt32(digits, radix: isHexadecimal ? 16 : 10)
        else { throw ValueError(text, for: .firewallMark) }
        return mark
    }

    /// Seconds, and a second number when there is a range.
    static func keepalive(_ text: String) throws(ValueError) -> (UInt16, UInt16?) {
        if text.lowercased() == "off" { return (0, nil) }
        guard let (low, high): (UInt16, UInt16) = ObfuscationValue.range(Array(text.utf8)[...]),
            low <= high, low > 0 || high == 0
        else { throw ValueError(text, for: .persistentKeepalive) }
        return (low, high == low ? nil : high)
    }

    static func addresses(_ text: String) throws(ValueError) -> [InterfaceAddress] {
        var addresses: [InterfaceAddress] = []
        for item in text.split(separator: ",") {
            guard let address = InterfaceAddress(item) else { throw ValueError(item, for: .address) }
            addresses.append(address)
        }
        return addresses
    }

    /// Nil leaves it to be found.
    static func mtu(_ text: String) throws(ValueError) -> Int? {
        if text.isEmpty || text == "0" { return nil }
        guard let number = number(text), (68...65535).contains(number) else { throw ValueError(text, for: .mtu) }
        return Int(number)
    }

    static func table(_ text: String) throws(ValueError) -> RoutingTableChoice {
        switch text.lowercased() {
        case "", "auto": return .auto
        case "off": return .off
        default:
            guard let table = number(text).flatMap({ UInt32(exactly: $0) }) ?? RoutingTableNames.number(of: text),
                table != 0
            else { throw ValueError(text, for: .table) }
            return .table(table)
        }
    }

    static func domain(_ text: Substring) throws(ValueError) -> String {
        let isName = text.utf8.allSatisfy { byte in
            isLetterOrDigit(byte) || [UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_")].contains(byte)
        }
        guard isName, (1...253).contains(text.utf8.count) else { throw ValueError(text, for: .dns) }
        return String(text)
    }

    static func command(_ bytes: ArraySlice<UInt8>, _ text: String) throws(ValueError) -> String {
        guard !bytes.contains(0) else {
            throw ValueError(found: "a zero byte", expected: ConfigurationKey.preUp.expectation)
        }
        return text
    }

    /// A decimal number without a sign.
    private static func number(_ text: some StringProtocol) -> UInt64? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
            return nil
        }
        return UInt64(text)
    }
}

private func isDigitOrDot(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: ".")
}

func isLetterOrDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
}

private func isBase64(_ byte: UInt8) -> Bool {
    isLetterOrDigit(byte) || byte == UInt8(ascii: "+") || byte == UInt8(ascii: "/")
}
