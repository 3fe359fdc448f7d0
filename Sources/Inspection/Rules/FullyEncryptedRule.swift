/// The rule against fully encrypted traffic of 2023: a first packet of TCP data is blocked unless something in it looks like
/// a protocol. Obfuscation §8.2.
enum FullyEncryptedRule {
    /// Why a packet passes; nil when the rule blocks it.
    static func exemption(of payload: Octets) -> String? {
        let bytes = payload.bytes
        guard !bytes.isEmpty else { return "it is empty" }
        let ones = bytes.reduce(0) { $0 + $1.nonzeroBitCount }
        let bitsPerByte = Double(ones) / Double(bytes.count)
        if bitsPerByte <= 3.4 || bitsPerByte >= 4.6 {
            return "\(Text.decimal(bitsPerByte, 2)) set bits per byte are not from 3.4 to 4.6 (Ex1)"
        }
        if bytes.count >= 6, bytes.prefix(6).allSatisfy(isPrintable) { return "the first 6 bytes are printable (Ex2)" }
        let printable = bytes.count(where: isPrintable)
        if printable * 2 > bytes.count { return "more than half of it is printable (Ex3)" }
        if longestRun(in: bytes) > 20 { return "more than 20 printable bytes in a row (Ex4)" }
        if bytes.count >= 3, bytes[0] == 0x16 || bytes[0] == 0x17, bytes[1] == 3, bytes[2] <= 9 {
            return "it begins as TLS does (Ex5)"
        }
        let methods = ["GET ", "PUT ", "POST ", "HEAD "]
        if methods.contains(where: { payload.starts(with: Array($0.utf8)) }) { return "it begins as HTTP does (Ex5)" }
        return nil
    }

    static func finding(of flow: Flow) -> Finding {
        guard let first = flow.clientsFirst else {
            return Finding(.fullyEncrypted, .undecided, "the client's first data is not in the capture")
        }
        let exemption = exemption(of: first)
        switch flow.transport {
        case .tcp:
            guard let exemption else {
                return Finding(
                    .fullyEncrypted, .recognised, "the client's first data looks like nothing known: blocked")
            }
            return Finding(.fullyEncrypted, .clear, "exempt: \(exemption)")
        case .udp:
            let fate = exemption.map { "exempt: \($0)" } ?? "blocked"
            return Finding(
                .fullyEncrypted, .clear, "not for UDP; the first datagram over TCP would be \(fate)")
        }
    }

    private static func isPrintable(_ byte: UInt8) -> Bool { (0x20...0x7e).contains(byte) }

    private static func longestRun(in bytes: [UInt8]) -> Int {
        var (longest, current) = (0, 0)
        for byte in bytes {
            current = isPrintable(byte) ? current + 1 : 0
            longest = max(longest, current)
        }
        return longest
    }
}
