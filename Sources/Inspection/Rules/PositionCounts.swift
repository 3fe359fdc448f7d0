/// How often each byte value stood at each of the first positions of datagrams.
struct PositionCounts {
    /// Positions that are looked at.
    static let width = 64
    /// Datagrams without which nothing is said.
    static let fewest = 16

    private var counts = [UInt32](repeating: 0, count: width * 256)
    private var totals = [Int](repeating: 0, count: width)

    /// Something that random bytes wouldn't have.
    struct Oddity: Equatable {
        enum Kind: Equatable {
            /// The value that stands there far too often.
            case value(UInt8)
            /// The bit, 7 the highest, that is far too often one value; percent of ones.
            case bit(Int, percent: Int)
            /// No single value, but the distribution.
            case distribution
        }

        let position: Int
        let kind: Kind
        /// Of the datagrams that reach this position, in percent.
        let percent: Int
    }

    mutating func add(_ head: Octets) {
        head.withUnsafeBytes { bytes in
            for position in 0..<min(bytes.count, Self.width) {
                // Safe: 2^32 datagrams don't fit into a capture that anybody waits for, and wrapping harms nobody.
                counts[position << 8 | Int(bytes[position])] &+= 1
                totals[position] += 1
            }
        }
    }

    /// Datagrams that reach `position`.
    func total(at position: Int) -> Int { totals[position] }

    /// The most frequent value at `position`, and how often it stands there.
    func mode(at position: Int) -> (value: UInt8, count: Int) {
        var (value, most) = (0, UInt32(0))
        for candidate in 0..<256 where counts[position << 8 | candidate] > most {
            (value, most) = (candidate, counts[position << 8 | candidate])
        }
        return (UInt8(truncatingIfNeeded: value), Int(most))
    }

    /// At most one of each position, the plainest.
    var oddities: [Oddity] {
        (0..<Self.width).compactMap { position in
            let total = totals[position]
            guard total >= Self.fewest else { return nil }
            let (value, count) = mode(at: position)
            if Chance.isTooUnlikely(hits: count, of: total, probability: 1 / 256, looks: 256 * Self.width),
                count > total / 256
            {
                return Oddity(position: position, kind: .value(value), percent: count * 100 / total)
            }
            if let bit = leaningBit(at: position, of: total) { return bit }
            return isUneven(position, total) ? Oddity(position: position, kind: .distribution, percent: 100) : nil
        }
    }

    private func leaningBit(at position: Int, of total: Int) -> Oddity? {
        var ones = [Int](repeating: 0, count: 8)
        for value in 0..<256 {
            let count = Int(counts[position << 8 | value])
            guard count > 0 else { continue }
            for bit in 0..<8 where value >> bit & 1 == 1 { ones[bit] += count }
        }
        let far = (0..<8).max { abs(2 * ones[$0] - total) < abs(2 * ones[$1] - total) } ?? 0
        guard Chance.isTooUnlikely(hits: ones[far], of: total, probability: 0.5, looks: 16 * Self.width) else {
            return nil
        }
        return Oddity(position: position, kind: .bit(far, percent: ones[far] * 100 / total), percent: 100)
    }

    /// Chi-squared over all values where there are enough datagrams, else over the halves of the byte.
    private func isUneven(_ position: Int, _ total: Int) -> Bool {
        let values = (0..<256).map { Int(counts[position << 8 | $0]) }
        if total >= 256 * 5 { return Self.isUneven(values, total) }
        guard total >= 16 * 5 else { return false }
        var (high, low) = ([Int](repeating: 0, count: 16), [Int](repeating: 0, count: 16))
        for (value, count) in values.enumerated() {
            high[value >> 4] += count
            low[value & 15] += count
        }
        return Self.isUneven(high, total) || Self.isUneven(low, total)
    }

    private static func isUneven(_ counts: [Int], _ total: Int) -> Bool {
        let expected = Double(total) / Double(counts.count)
        let value = counts.reduce(0.0) { sum, count in
            sum + (Double(count) - expected) * (Double(count) - expected) / expected
        }
        return Chance.chiSquaredTail(value, degrees: counts.count - 1) * Double(2 * width) < Chance.error
    }
}

extension [PositionCounts.Oddity] {
    /// Sentences: neighbouring positions together.
    var sentences: [String] {
        var sentences: [String] = []
        let fixed = filter { if case .value = $0.kind { $0.percent >= 95 } else { false } }
        for run in fixed.runs {
            let bytes = run.map { oddity -> String in
                if case .value(let value) = oddity.kind { Text.hex(value) } else { "" }
            }
            let share = run.map(\.percent).min() ?? 0
            let often = share >= 100 ? "all datagrams" : "\(share)% of them or more"
            sentences.append("\(Self.name(run)) \(bytes.joined(separator: " ")) in \(often)")
        }
        let frequent = filter { if case .value = $0.kind { $0.percent < 95 } else { false } }
        for run in frequent.runs {
            let shares = run.map(\.percent)
            let (least, most) = (shares.min() ?? 0, shares.max() ?? 0)
            let range = least == most ? "\(least)%" : "\(least)–\(most)%"
            sentences.append("\(Self.name(run)): one value in \(range) of the datagrams")
        }
        for oddity in self {
            guard case .bit(let bit, let percent) = oddity.kind else { continue }
            sentences.append("byte \(oddity.position): bit \(bit) is set in \(percent)% of the datagrams")
        }
        for run in (filter { $0.kind == .distribution }).runs {
            sentences.append("\(Self.name(run)): values spread unevenly")
        }
        return sentences
    }

    private static func name(_ run: [PositionCounts.Oddity]) -> String {
        guard let first = run.first, let last = run.last else { return "" }
        return run.count == 1 ? "byte \(first.position)" : "bytes \(first.position)–\(last.position)"
    }

    /// Parted where positions aren't neighbours.
    private var runs: [[PositionCounts.Oddity]] {
        reduce(into: []) { runs, oddity in
            if let last = runs.last?.last, last.position + 1 == oddity.position {
                runs[runs.count - 1].append(oddity)
            } else {
                runs.append([oddity])
            }
        }
    }
}
