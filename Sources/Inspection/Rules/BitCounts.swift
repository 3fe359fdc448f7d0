import Glibc

/// How often each byte value occurs in all that was captured of some datagrams.
struct BitCounts {
    /// Bytes of a datagram that are counted.
    private static let width = 1500

    private var values: [Int] = []
    private(set) var total = 0

    mutating func see(_ head: Octets) {
        if values.isEmpty { values = [Int](repeating: 0, count: 256) }
        head.prefix(Self.width).withUnsafeBytes { bytes in
            for byte in bytes { values[Int(byte)] += 1 }
            total += bytes.count
        }
    }

    mutating func add(_ other: BitCounts) {
        guard !other.values.isEmpty else { return }
        if values.isEmpty { values = [Int](repeating: 0, count: 256) }
        for value in 0..<256 { values[value] += other.values[value] }
        total += other.total
    }

    /// Set bits per byte; 4 for random bytes.
    var bitsPerByte: Double {
        guard total > 0 else { return 0 }
        let bits = values.indices.reduce(0) { $0 + values[$1] * $1.nonzeroBitCount }
        return Double(bits) / Double(total)
    }

    /// Shannon's, in bits per byte; nearly 8 for many random bytes.
    var entropy: Double {
        guard total > 0 else { return 0 }
        return values.reduce(0.0) { sum, count in
            guard count > 0 else { return sum }
            let share = Double(count) / Double(total)
            return sum - share * log2(share)
        }
    }

    var finding: Finding {
        guard total >= 2048 else {
            return Finding(.randomness, .undecided, "only \(Text.count(total, "byte")) of payload")
        }
        let figures =
            "\(Text.decimal(bitsPerByte, 2)) set bits and \(Text.decimal(entropy, 2)) bits of entropy per byte"
        let isRandom = entropy > 7.5 && (3.8...4.2).contains(bitsPerByte)
        return Finding(
            .randomness, .clear, figures + (isRandom ? ": random to the eye, as whatever is encrypted" : ""))
    }
}
