/// A number of bytes as people write it: `50 GiB`, `1.5TB`, `700M`, where a lone letter counts in powers of 1024.
package struct ByteQuantity: Equatable, Sendable {
    /// From 1 to ``most``.
    package let bytes: UInt64

    /// 1 EiB.
    package static let most: UInt64 = 1 << 60

    package init(bytes: UInt64) {
        self.bytes = min(max(1, bytes), Self.most)
    }

    package init?(_ text: some StringProtocol) {
        let number = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        let unit = text.dropFirst(number.count).drop { $0 == " " }
        guard let factor = Self.factor(of: String(unit)) else { return nil }
        let parts = number.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, (1...19).contains(first.utf8.count), let whole = UInt64(first) else {
            return nil
        }
        let (product, isTooLarge) = whole.multipliedReportingOverflow(by: factor)
        guard !isTooLarge, product <= Self.most else { return nil }
        var sum = product
        if parts.count == 2 {
            guard (1...3).contains(parts[1].utf8.count), let fraction = UInt64(parts[1]) else { return nil }
            // Safe: at most 999 times 2^50.
            sum += fraction * factor / [10, 100, 1000][parts[1].utf8.count - 1]
        }
        guard (1...Self.most).contains(sum) else { return nil }
        bytes = sum
    }

    /// As files have it: exactly this number, in the largest unit that gives a whole one.
    package var description: String {
        for (name, factor) in Self.units.reversed() where bytes % factor == 0 { return "\(bytes / factor) \(name)" }
        return "\(bytes) B"
    }

    /// How much of it is used, in units of the kind that it has itself: `3.1 GiB of 50 GiB`, `150 MB of 1 TB`.
    package func share(_ used: UInt64) -> String { "\(Self.rounded(used, inThousands: isDecimal)) of \(description)" }

    /// Two or three digits and a unit.
    static func rounded(_ bytes: UInt64, inThousands: Bool) -> String {
        let kilo: UInt64 = inThousands ? 1000 : 1024
        let unit = units.last { $0.factor <= bytes && $0.factor > 1 && $0.factor.isPowerOfTwo != inThousands }
        guard let unit else { return "\(bytes) B" }
        let tenths = bytes / (unit.factor / kilo) * 10 / kilo
        return tenths < 100 ? "\(tenths / 10).\(tenths % 10) \(unit.name)" : "\(tenths / 10) \(unit.name)"
    }

    private var isDecimal: Bool {
        Self.units.last { bytes % $0.factor == 0 }.map { $0.factor > 1 && !$0.factor.isPowerOfTwo } ?? false
    }

    package static let expectation = "a number of bytes with a unit, as 500 MB or 50 GiB"

    /// The smallest first; those by which a quantity is described before others come later.
    private static let units: [(name: String, factor: UInt64)] = [
        ("B", 1), ("kB", 1000), ("KiB", 1 << 10), ("MB", 1_000_000), ("MiB", 1 << 20), ("GB", 1_000_000_000),
        ("GiB", 1 << 30), ("TB", 1_000_000_000_000), ("TiB", 1 << 40), ("PB", 1_000_000_000_000_000),
        ("PiB", 1 << 50),
    ]

    private static func factor(of unit: String) -> UInt64? {
        switch unit.lowercased() {
        case "": 1
        case "k": 1 << 10
        case "m": 1 << 20
        case "g": 1 << 30
        case "t": 1 << 40
        case "p": 1 << 50
        case let name: units.first { $0.name.lowercased() == name }?.factor
        }
    }
}

extension UInt64 {
    fileprivate var isPowerOfTwo: Bool { nonzeroBitCount == 1 }
}
