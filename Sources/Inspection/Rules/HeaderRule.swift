/// A constant number in front of a counter: what a data message shows, wherever it begins and whatever constant is XORed
/// over it. Obfuscation §1.8, §8.4.
struct HeaderRule {
    /// Where the counter begins: 8 bytes, the least significant first.
    private(set) var counterOffset: Int?
    /// Whether the four bytes in front of it mostly stay the same.
    private(set) var hasIndex = false
    private let side: Side

    /// Pairs of datagrams without which nothing is said.
    private static let fewestPairs = 8

    init(_ sample: HeadSample, of side: Side) {
        self.side = side
        let heads = sample.heads
        let pairs = zip(heads, heads.dropFirst()).filter { $0.1.isNext }
        guard pairs.count >= Self.fewestPairs else { return }
        // A window that the heads of few datagrams reach would say little of all.
        for offset in 0...(HeadSample.width - 8) where Self.counts(pairs, at: offset) {
            counterOffset = offset
            hasIndex = Self.isConstant(pairs, at: offset - 4)
            break
        }
    }

    var sentence: String? {
        guard let offset = counterOffset else { return nil }
        let place = "bytes \(offset)–\(offset + 7) of the \(side.name)'s datagrams count up, little-endian"
        return place + (hasIndex ? ", behind four bytes that stay the same" : "")
    }

    /// Bytes in front of WireGuard's own header, if this is one.
    var prefix: Int? { counterOffset.flatMap { hasIndex && $0 >= 8 ? $0 - 8 : nil } }

    /// Whether windows at `offset` count. The difference by XOR of two of them cancels any constant, and of neighbours in a
    /// count it is all ones up to the carry.
    private static func counts(
        _ pairs: [(HeadSample.Head, HeadSample.Head)], at offset: Int
    ) -> Bool {
        var (looked, close, carries, steps) = (0, 0, 0, 0)
        for (earlier, later) in pairs {
            guard let first = earlier.bytes.bigEndian64(at: offset)?.byteSwapped,
                let second = later.bytes.bigEndian64(at: offset)?.byteSwapped
            else { continue }
            looked += 1
            let difference = first ^ second
            // The lowest byte of a count changes with nearly every step.
            guard difference & 0xff != 0, difference < 1 << 24 else { continue }
            close += 1
            if difference & (difference + 1) == 0 { carries += 1 }
            if (1...4096).contains(second &- first) { steps += 1 }
        }
        guard looked >= fewestPairs, looked * 2 >= pairs.count, close * 5 >= looked * 4 else { return false }
        return carries * 10 >= looked * 6 || steps * 10 >= looked * 8
    }

    /// Whether neighbours have the same four bytes at `offset`; a new session has others.
    private static func isConstant(_ pairs: [(HeadSample.Head, HeadSample.Head)], at offset: Int) -> Bool {
        let same = pairs.count { earlier, later in
            guard let word = earlier.bytes.bigEndian32(at: offset) else { return false }
            return word == later.bytes.bigEndian32(at: offset)
        }
        return same * 5 >= pairs.count * 4
    }
}
