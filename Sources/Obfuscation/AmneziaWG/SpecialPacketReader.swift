/// Reads a description in AmneziaWG's tags.
struct SpecialPacketReader {
    private let text: [UInt8]
    private var position = 0
    /// Bytes that the packet has so far.
    private var size = 0

    init(_ text: String) {
        self.text = Array(text.utf8)
    }

    mutating func parts() throws(SpecialPacket.Problem) -> [SpecialPacket.Part] {
        var parts: [SpecialPacket.Part] = []
        while let start = text[position...].firstIndex(of: UInt8(ascii: "<")) {
            guard let end = text[start...].firstIndex(of: UInt8(ascii: ">")) else {
                throw problem(start, "a tag begins that has no > at its end")
            }
            position = end + 1
            guard let part = try part(text[(start + 1)..<end], at: start) else { continue }
            size += part.size
            guard size <= SpecialPacket.maximumSize else {
                throw problem(
                    start, "the packet grows over \(SpecialPacket.maximumSize) bytes, more than a datagram can have")
            }
            parts.append(part)
        }
        return parts
    }

    /// What a tag stands for; nil when it is nothing in a packet without data.
    private func part(_ tag: ArraySlice<UInt8>, at start: Int) throws(SpecialPacket.Problem) -> SpecialPacket.Part? {
        let words = tag.split(whereSeparator: isSpace)
        guard let name = words.first else { throw problem(start, "an empty tag stands") }
        let argument = words.dropFirst()
        switch String(decoding: name, as: UTF8.self) {
        case "b": return .bytes(try bytes(argument, at: start))
        case "r": return .random(try count(argument, of: "r", at: start))
        case "rc": return .letters(try count(argument, of: "rc", at: start))
        case "rd": return .digits(try count(argument, of: "rd", at: start))
        case "dz": return .zeros(try count(argument, of: "dz", at: start))
        case "t": return .time
        case "c": return .counter
        case "d", "ds": return nil
        case "wt", "wr":
            throw problem(
                start, "<\(String(decoding: name, as: UTF8.self))> stands, which only AmneziaWG 1.5 knew: take it out")
        default:
            throw problem(start, "the tag \(excerpt(name)) is unknown: there are b, r, rc, rd, t, c, d, ds and dz")
        }
    }

    private func bytes(
        _ argument: ArraySlice<ArraySlice<UInt8>>, at start: Int
    ) throws(SpecialPacket.Problem) -> [UInt8] {
        guard argument.count == 1, var digits = argument.first else {
            throw problem(start, "<b> needs bytes, as in <b 0xc0ff>")
        }
        if digits.starts(with: Array("0x".utf8)) || digits.starts(with: Array("0X".utf8)) {
            digits = digits.dropFirst(2)
        }
        guard !digits.isEmpty else { throw problem(start, "<b> needs bytes, as in <b 0xc0ff>") }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(digits.count / 2)
        var high: UInt8?
        for index in digits.indices {
            guard let digit = hexValue(digits[index]) else {
                throw problem(index, "\(excerpt(digits[index...index])) is no hexadecimal digit")
            }
            if let first = high {
                bytes.append(first << 4 | digit)
                high = nil
            } else {
                high = digit
            }
        }
        guard high == nil else {
            throw problem(start, "<b> has \(digits.count) hexadecimal digits: two make a byte, so one is missing")
        }
        return bytes
    }

    private func count(
        _ argument: ArraySlice<ArraySlice<UInt8>>, of tag: String, at start: Int
    ) throws(SpecialPacket.Problem) -> Int {
        guard argument.count == 1, let digits = argument.first,
            digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let number = Int(String(decoding: digits.prefix(10), as: UTF8.self)), digits.count <= 10
        else { throw problem(start, "<\(tag)> needs a number of bytes, as in <\(tag) 16>") }
        guard number <= SpecialPacket.maximumSize else {
            throw problem(start, "<\(tag) \(number)> is more than the \(SpecialPacket.maximumSize) bytes of a datagram")
        }
        return number
    }

    private func problem(_ index: Int, _ reason: String) -> SpecialPacket.Problem {
        SpecialPacket.Problem(position: index + 1, reason: reason)
    }

    private func hexValue(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    /// Bytes of the text for a message to a person.
    private func excerpt(_ bytes: ArraySlice<UInt8>) -> String {
        let shown = bytes.prefix(16).map { (0x21...0x7e).contains($0) ? $0 : UInt8(ascii: "?") }
        return "\"" + String(decoding: shown, as: UTF8.self) + (bytes.count > 16 ? "…" : "") + "\""
    }

    private func isSpace(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || (0x09...0x0d).contains(byte)
    }
}
