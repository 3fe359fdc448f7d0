import Glibc

/// Collects datagrams and tells by how much they differ from random bytes of random lengths.
struct RandomnessCheck {
    /// What was looked at and how likely it, or something still odder, is by chance.
    struct Finding: CustomStringConvertible {
        let what: String
        let probability: Double
        /// How many were looked at beside it, for the correction after Bonferroni.
        var company = 1

        var corrected: Double { min(1, probability * Double(company)) }
        var description: String { "\(what): p = \(corrected) after correction" }
    }

    /// Positions from a datagram's start and from its end.
    private static let first = 64
    private static let last = 16
    private static let differing = 24

    private var bytes = [UInt32](repeating: 0, count: (first + last) * 256)
    /// Of what neighbours in the same direction differ by, from the start.
    private var differences = [UInt32](repeating: 0, count: differing * 256)
    private var remainders = [UInt32](repeating: 0, count: 16)
    private var previous: [UInt8] = []
    private var heads: Set<UInt64> = []

    private(set) var lengths: [Int: UInt32] = [:]
    private(set) var count = 0
    /// Datagrams that begin like an earlier one.
    private(set) var repetitions = 0

    /// - Parameter drawsLength: whether its length was drawn for it, not for an earlier one of its batch.
    mutating func add(_ datagram: [UInt8], drawsLength: Bool) {
        count += 1
        datagram.withUnsafeBufferPointer { datagram in
            let length = datagram.count
            bytes.withUnsafeMutableBufferPointer { bytes in
                for position in 0..<min(Self.first, length) { bytes[position << 8 | Int(datagram[position])] &+= 1 }
                for position in 0..<min(Self.last, length) {
                    bytes[(Self.first + position) << 8 | Int(datagram[length - 1 - position])] &+= 1
                }
            }
            differences.withUnsafeMutableBufferPointer { differences in
                for position in 0..<min(Self.differing, length, previous.count) {
                    differences[position << 8 | Int(datagram[position] ^ previous[position])] &+= 1
                }
            }
            if length >= 8,
                !heads.insert(UnsafeRawPointer(datagram.baseAddress!).loadUnaligned(as: UInt64.self)).inserted
            {
                repetitions += 1
            }
        }
        if drawsLength {
            lengths[datagram.count, default: 0] += 1
            remainders[datagram.count % 16] += 1
        }
        previous = datagram
    }

    /// The oddest first.
    var findings: [Finding] {
        var findings: [Finding] = []
        for position in 0..<Self.first + Self.last {
            let name = position < Self.first ? "byte \(position)" : "byte \(position - Self.first + 1) from the end"
            let counts = Array(bytes[position << 8..<(position + 1) << 8])
            guard counts.reduce(0, +) >= 256 * 5 else { continue }
            findings.append(Finding(what: name, probability: Self.probability(ofUniform: counts)))
            for bit in 0..<8 {
                let ones = counts.indices.reduce(0) { $0 + ($1 >> bit & 1 == 1 ? UInt64(counts[$1]) : 0) }
                findings.append(
                    Finding(
                        what: "\(name), bit \(bit)",
                        probability: Self.probability(ofOnes: ones, among: counts.reduce(0) { $0 + UInt64($1) })))
            }
        }
        for position in 0..<Self.differing {
            let counts = Array(differences[position << 8..<(position + 1) << 8])
            guard counts.reduce(0, +) >= 256 * 5 else { continue }
            findings.append(
                Finding(what: "difference at byte \(position)", probability: Self.probability(ofUniform: counts)))
        }
        findings.append(Finding(what: "length modulo 16", probability: Self.probability(ofUniform: remainders)))
        return findings.map {
            Finding(what: $0.what, probability: $0.probability, company: findings.count)
        }.sorted { $0.probability < $1.probability }
    }

    /// Bits of entropy of the lengths that were drawn.
    var lengthEntropy: Double {
        let total = Double(lengths.values.reduce(0, +))
        return lengths.values.reduce(0) { $0 - Double($1) / total * log2(Double($1) / total) }
    }

    /// How likely it is that counts of equally likely things are as unequal, or as equal, as these.
    static func probability(ofUniform counts: [UInt32]) -> Double {
        let total = Double(counts.reduce(0) { $0 + UInt64($1) })
        let expected = total / Double(counts.count)
        let statistic = counts.reduce(0.0) { $0 + (Double($1) - expected) * (Double($1) - expected) / expected }
        let freedom = Double(counts.count - 1)
        // Wilson's and Hilferty's approximation of chi-squared by a normal distribution.
        let spread = 2 / (9 * freedom)
        return twoSided((cbrt(statistic / freedom) - (1 - spread)) / spread.squareRoot())
    }

    private static func probability(ofOnes ones: UInt64, among total: UInt64) -> Double {
        twoSided((2 * Double(ones) - Double(total)) / Double(total).squareRoot())
    }

    private static func twoSided(_ deviations: Double) -> Double {
        erfc(abs(deviations) / 2.0.squareRoot())
    }
}
