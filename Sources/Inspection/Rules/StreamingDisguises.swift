import Wire

/// Disguises that single datagrams give away.
struct StreamingDisguises {
    private var seen = 0
    /// Datagrams whose first four bytes, XORed with one letter, are a message type of WireGuard with a fitting size.
    private var letterHits = 0
    private var letterHandshakes = 0
    private var letters: Set<UInt8> = []
    /// Datagrams that wg-obfuscator wrapped in what is no STUN.
    private var wrapped = 0
    /// Binding requests and answers whose checksum is one of another length.
    private var falseFingerprints = 0

    mutating func see(_ datagram: FlowDatagram) {
        seen += 1
        seeLetter(datagram)
        seeSTUN(datagram)
    }

    var findings: [Finding] {
        var findings: [Finding] = []
        if letterHandshakes > 0 || letterHits >= 3, letterHits * 10 >= seen * 9 {
            let names = letters.sorted().prefix(8).map { "\(Text.hex($0))\(Self.character($0))" }
            findings.append(
                Finding(
                    .disguise, .recognised,
                    "XOR with one letter per datagram (\(names.joined(separator: ", "))): \(letterHits) of \(seen) "
                        + "datagrams begin with a WireGuard type then"))
        }
        if wrapped > 0 || falseFingerprints > 0 {
            var parts: [String] = []
            if wrapped > 0 {
                parts.append(
                    "\(Text.count(wrapped, "datagram")) of STUN type 0115, which no STUN program sends, with a length "
                        + "of zero in front of more")
            }
            if falseFingerprints > 0 {
                parts.append("\(Text.count(falseFingerprints, "fingerprint")) made over a length of zero")
            }
            findings.append(
                Finding(.disguise, .recognised, "wg-obfuscator's STUN masking: " + parts.joined(separator: "; ")))
        }
        return findings
    }

    private mutating func seeLetter(_ datagram: FlowDatagram) {
        let word = datagram.word
        guard word.count == 4, word[1] != 0, word[1] == word[2], word[2] == word[3] else { return }
        let fits =
            switch word[0] ^ word[1] {
            case 1: datagram.length == Message.Initiation.size
            case 2: datagram.length == Message.Response.size
            case 3: datagram.length == Message.CookieReply.size
            case 4: datagram.length >= Message.Data.overhead
            default: false
            }
        guard fits else { return }
        letterHits += 1
        letters.insert(word[1])
        if word[0] ^ word[1] < 4 { letterHandshakes += 1 }
    }

    private mutating func seeSTUN(_ datagram: FlowDatagram) {
        let head = datagram.head
        guard head.bigEndian32(at: 4) == 0x2112_a442, let type = head.bigEndian16(at: 0),
            let length = head.bigEndian16(at: 2)
        else { return }
        if type == 0x0115, length == 0, datagram.length > 24, head.bigEndian16(at: 20) == 0x0013 {
            wrapped += 1
        } else if type == 0x0001 || type == 0x0101, length >= 8, datagram.length == 20 + Int(length),
            head.count == datagram.length, head.bigEndian32(at: datagram.length - 8) == 0x8028_0004
        {
            var covered = head.prefix(datagram.length - 8).bytes
            (covered[2], covered[3]) = (0, 0)
            if head.bigEndian32(at: datagram.length - 4) == CRC32.checksum(of: covered) ^ 0x5354_554e {
                falseFingerprints += 1
            }
        }
    }

    private static func character(_ value: UInt8) -> String {
        (0x21...0x7e).contains(value) ? " '\(Character(Unicode.Scalar(value)))'" : ""
    }
}

/// The checksum of Ethernet, which STUN's fingerprint takes too.
enum CRC32 {
    static func checksum(of bytes: [UInt8]) -> UInt32 {
        ~bytes.reduce(UInt32.max) { checksum, byte in
            (0..<8).reduce(checksum ^ UInt32(byte)) { value, _ in
                value & 1 == 1 ? value >> 1 ^ 0xedb8_8320 : value >> 1
            }
        }
    }
}
