/// Questions for the addresses of a name, and the answers of name servers (RFC 1035 §4, RFC 3596).
package enum NameMessage {
    package enum RecordType: UInt16, CaseIterable, Sendable {
        /// An IPv4 address.
        case a = 1
        /// An IPv6 address.
        case aaaa = 28
    }

    /// The longest answer that comes without asking for more.
    package static let longestAnswer = 512

    /// A question to a server that finds the answer itself; nil for what isn't a name of letters, digits, `-` and `_` in
    /// parts of 1…63 bytes, together at most 253.
    package static func question(_ name: String, _ type: RecordType, number: UInt16) -> [UInt8]? {
        var bytes: [UInt8] = []
        append(number, to: &bytes)
        // One question; recursion desired.
        bytes += [1, 0, 0, 1, 0, 0, 0, 0, 0, 0]
        let labels = (name.hasSuffix(".") ? name.dropLast() : name[...]).split(
            separator: ".", omittingEmptySubsequences: false)
        guard name.utf8.count <= 254, labels.reduce(labels.count - 1, { $0 + $1.utf8.count }) <= 253 else { return nil }
        for label in labels {
            guard (1...63).contains(label.utf8.count), label.utf8.allSatisfy(isPartOfLabel) else { return nil }
            bytes.append(UInt8(label.utf8.count))
            bytes += label.utf8
        }
        bytes.append(0)
        append(type.rawValue, to: &bytes)
        append(internet, to: &bytes)
        return bytes
    }

    /// The addresses in an answer to `question`, none when the name has none; nil for what is no answer to it, or says
    /// that the server can't tell.
    package static func addresses(in answer: [UInt8], to question: [UInt8]) -> [IPAddress]? {
        guard answer.count >= question.count, question.count > headerSize + 4,
            answer[..<2].elementsEqual(question[..<2]),
            // An answer, of the usual kind, with one question, which is this one.
            answer[2] & 0xf8 == 0x80, number(answer, at: 4) == 1,
            zip(answer[headerSize...], question[headerSize...]).allSatisfy({ lowercased($0) == lowercased($1) })
        else { return nil }
        let code = answer[3] & 0x0f
        // There is no such name.
        if code == 3 { return [] }
        guard code == 0 else { return nil }
        let type = number(question, at: question.count - 4)
        var addresses: [IPAddress] = []
        var position = question.count
        for _ in 0..<number(answer, at: 6) {
            guard let record = record(answer, at: position) else { break }
            position = record.end
            // Behind an alias the addresses have another name, and the server has followed it.
            guard record.type == type, record.class == internet else { continue }
            if let address = address(answer[record.data], type) { addresses.append(address) }
        }
        return addresses
    }

    private struct Record {
        let type: UInt16
        let `class`: UInt16
        let data: Range<Int>
        var end: Int { data.upperBound }
    }

    /// The record that begins at `position`; nil when it isn't whole.
    private static func record(_ bytes: [UInt8], at position: Int) -> Record? {
        var position = position
        while true {
            guard position < bytes.count else { return nil }
            let length = Int(bytes[position])
            if length >= 0xc0 {
                position += 2
                break
            }
            guard length < 0x40 else { return nil }
            position += 1 + length
            if length == 0 { break }
        }
        guard position + 10 <= bytes.count else { return nil }
        let start = position + 10
        let end = start + Int(number(bytes, at: position + 8))
        guard end <= bytes.count else { return nil }
        return Record(type: number(bytes, at: position), class: number(bytes, at: position + 2), data: start..<end)
    }

    private static func address(_ data: ArraySlice<UInt8>, _ type: UInt16) -> IPAddress? {
        data.withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress else { return nil }
            switch (type, bytes.count) {
            case (RecordType.a.rawValue, 4): return .v4(IPv4Address(loading: start))
            case (RecordType.aaaa.rawValue, 16): return .v6(IPv6Address(loading: start))
            default: return nil
            }
        }
    }

    private static let internet: UInt16 = 1
    private static let headerSize = 12

    private static func number(_ bytes: [UInt8], at position: Int) -> UInt16 {
        UInt16(bytes[position]) << 8 | UInt16(bytes[position + 1])
    }

    private static func append(_ number: UInt16, to bytes: inout [UInt8]) {
        bytes.append(UInt8(number >> 8))
        bytes.append(UInt8(truncatingIfNeeded: number))
    }

    private static func lowercased(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }

    private static func isPartOfLabel(_ byte: UInt8) -> Bool {
        switch byte | 0x20 {
        case UInt8(ascii: "a")...UInt8(ascii: "z"): true
        default:
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "-")
                || byte == UInt8(ascii: "_")
        }
    }
}
