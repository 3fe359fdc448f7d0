import Tunnel
import Wire

/// What `wg show` prints for people. Part 3, "Pretty format".
struct PrettyStatus {
    let isColoured: Bool
    let showsKeys: Bool
    /// Unix time.
    let now: Int64

    /// Without an empty line at its end. It may hold keys.
    func text(of status: DeviceStatus, named name: String) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(1024 * (status.peers.count + 1))
        output += coloured("", []).utf8
        output += "\(coloured("interface", [.green, .bold])): \(coloured(name, [.green]))\n".utf8
        if let publicKey = status.publicKey { output += line("public key", publicKey.base64) }
        if let privateKey = status.privateKey, !privateKey.isZero { append("private key", privateKey, to: &output) }
        if status.listenPort != 0 { output += line("listening port", "\(status.listenPort)") }
        if status.firewallMark != 0 { output += line("fwmark", "0x\(String(status.firewallMark, radix: 16))") }
        append(status.obfuscation, to: &output)
        for peer in status.peers.sorted(by: { isLater($0.lastHandshake, $1.lastHandshake) }) {
            output += "\n\(coloured("peer", [.yellow, .bold])): \(coloured(peer.publicKey.base64, [.yellow]))\n".utf8
            append(peer, to: &output)
        }
        return output
    }

    private func append(_ peer: PeerStatus, to output: inout [UInt8]) {
        if !peer.presharedKey.isZero { append("preshared key", peer.presharedKey, to: &output) }
        if let endpoint = peer.endpoint { output += line("endpoint", endpoint.commonText) }
        let prefixes = peer.allowedIPs.map { "\($0.address.commonText)\(coloured("/", [.cyan]))\($0.length)" }
        output += line("allowed ips", prefixes.isEmpty ? "(none)" : prefixes.joined(separator: ", "))
        if peer.lastHandshake.seconds != 0 { output += line("latest handshake", ago(peer.lastHandshake.seconds)) }
        if peer.receivedBytes != 0 || peer.transmittedBytes != 0 {
            output += line("transfer", "\(amount(peer.receivedBytes)) received, \(amount(peer.transmittedBytes)) sent")
        }
        if peer.persistentKeepalive != 0 {
            let most = peer.persistentKeepaliveMaximum.map { " to \(span(Int64($0)))" } ?? ""
            output += line("persistent keepalive", "every \(span(Int64(peer.persistentKeepalive)))\(most)")
        }
        if peer.dialect != .plain { output += line("obfuscation", peer.dialect.rawValue) }
    }

    /// The interface's disguise, and AmneziaWG's settings as their tool prints them, but for the key.
    private func append(_ settings: ObfuscationSettings, to output: inout [UInt8]) {
        if let dialect = settings.dialect, dialect != .plain { output += line("obfuscation", dialect.rawValue) }
        for (setting, value) in settings.said where setting.isAmneziaWGs {
            let label = setting.commandName.replacing("-", with: " ")
            if case .secret(let key) = value {
                append(label, key, to: &output)
            } else {
                var text: [UInt8] = []
                value.append(to: &text, .file)
                output += line(label, String(decoding: text, as: UTF8.self))
            }
        }
    }

    private func line(_ label: String, _ value: String) -> String.UTF8View {
        "  \(coloured(label, [.bold])): \(value)\n".utf8
    }

    private func append(_ label: String, _ key: Secret32, to output: inout [UInt8]) {
        guard showsKeys else {
            output += line(label, "(hidden)")
            return
        }
        output += "  \(coloured(label, [.bold])): ".utf8
        output.append(key)
        output.append(UInt8(ascii: "\n"))
    }

    /// Newest first. Equal ones keep their order.
    private func isLater(_ left: WallTime, _ right: WallTime) -> Bool {
        (left.seconds, left.nanoseconds) > (right.seconds, right.nanoseconds)
    }
}

// MARK: - Amounts

extension PrettyStatus {
    private func ago(_ seconds: Int64) -> String {
        if seconds == now { return "Now" }
        guard seconds < now else {
            let warning = "System clock wound backward; connection problems may ensue."
            return "(\(coloured(warning, [.red])))"
        }
        return "\(span(now - seconds)) ago"
    }

    /// A positive number of seconds, as "1 minute, 5 seconds".
    private func span(_ seconds: Int64) -> String {
        let units: [(name: String, seconds: Int64)] = [
            ("year", 365 * 86400), ("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1),
        ]
        var rest = seconds
        var parts: [String] = []
        for unit in units {
            let count = rest / unit.seconds
            rest %= unit.seconds
            if count != 0 { parts.append("\(count) \(coloured(unit.name + (count == 1 ? "" : "s"), [.cyan]))") }
        }
        return parts.joined(separator: ", ")
    }

    /// As "564 B" or "1.21 KiB".
    private func amount(_ bytes: UInt64) -> String {
        let units = ["KiB", "MiB", "GiB", "TiB"]
        guard bytes >= 1024 else { return "\(bytes) \(coloured("B", [.cyan]))" }
        let unit = min(units.count, (63 - bytes.leadingZeroBitCount) / 10)
        return "\(hundredths(bytes, shift: UInt64(10 * unit))) \(coloured(units[unit - 1], [.cyan]))"
    }

    /// `bytes` divided by two to the power of `shift`, with two decimals, halves to the even side as `printf` has it.
    private func hundredths(_ bytes: UInt64, shift: UInt64) -> String {
        let whole = bytes >> shift
        let scaled = (bytes & (1 << shift - 1)) * 100
        let half: UInt64 = 1 << (shift - 1)
        var count = scaled >> shift
        let rest = scaled & (1 << shift - 1)
        if rest > half || rest == half && count & 1 == 1 { count += 1 }
        let (carry, decimals) = count.quotientAndRemainder(dividingBy: 100)
        return "\(whole + carry).\(decimals < 10 ? "0" : "")\(decimals)"
    }
}

// MARK: - Colours

extension PrettyStatus {
    private enum Colour: String {
        case bold = "1"
        case red = "31"
        case green = "32"
        case yellow = "33"
        case cyan = "36"
    }

    private func coloured(_ text: String, _ colours: [Colour]) -> String {
        guard isColoured else { return text }
        return colours.map { "\u{1b}[\($0.rawValue)m" }.joined() + "\(text)\u{1b}[0m"
    }
}
