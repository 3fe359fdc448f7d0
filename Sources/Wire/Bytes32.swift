/// Thirty-two bytes held inline: a public key, a hash, a chaining key.
///
/// The bytes are public or short-lived; long-lived secrets are kept in ``Secret32``.
package struct Bytes32: Hashable, Sendable {
    /// The number of bytes.
    package static let count = 32

    private var words: (UInt64, UInt64, UInt64, UInt64)

    /// All zeros.
    package init() {
        words = (0, 0, 0, 0)
    }

    /// Copies 32 bytes from `source`, which must have that many.
    package init(loading source: UnsafeRawPointer) {
        // Word by word: a load of the whole tuple from another tuple's memory is miscompiled by Swift 6.3.
        words = (
            source.loadUnaligned(as: UInt64.self),
            source.loadUnaligned(fromByteOffset: 8, as: UInt64.self),
            source.loadUnaligned(fromByteOffset: 16, as: UInt64.self),
            source.loadUnaligned(fromByteOffset: 24, as: UInt64.self)
        )
    }

    /// Copies `bytes`; nil unless there are exactly 32.
    package init?(_ bytes: some Sequence<UInt8>) {
        self.init()
        var count = 0
        let complete = withUnsafeMutableBytes { target -> Bool in
            for byte in bytes {
                guard count < Self.count else { return false }
                target[count] = byte
                count += 1
            }
            return count == Self.count
        }
        guard complete else { return nil }
    }

    /// Whether every byte is zero; takes the same time for every value.
    package var isZero: Bool {
        (words.0 | words.1 | words.2 | words.3) == 0
    }

    /// Copies the 32 bytes to `target`, which must have room for them.
    package func store(to target: UnsafeMutableRawPointer) {
        target.storeBytes(of: words.0, as: UInt64.self)
        target.storeBytes(of: words.1, toByteOffset: 8, as: UInt64.self)
        target.storeBytes(of: words.2, toByteOffset: 16, as: UInt64.self)
        target.storeBytes(of: words.3, toByteOffset: 24, as: UInt64.self)
    }

    package func withUnsafeBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        try Swift.withUnsafeBytes(of: words) { (bytes) throws(E) in try body(bytes) }
    }

    package mutating func withUnsafeMutableBytes<R, E: Error>(
        _ body: (UnsafeMutableRawBufferPointer) throws(E) -> R
    ) throws(E) -> R {
        try Swift.withUnsafeMutableBytes(of: &words) { (bytes) throws(E) in try body(bytes) }
    }

    /// The bytes as an array, in order.
    package var array: [UInt8] {
        withUnsafeBytes { Array($0) }
    }

    /// Whether both hold the same bytes; takes the same time for every value.
    package static func == (left: Self, right: Self) -> Bool {
        let difference =
            (left.words.0 ^ right.words.0) | (left.words.1 ^ right.words.1)
            | (left.words.2 ^ right.words.2) | (left.words.3 ^ right.words.3)
        return difference == 0
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(words.0)
        hasher.combine(words.1)
        hasher.combine(words.2)
        hasher.combine(words.3)
    }
}
