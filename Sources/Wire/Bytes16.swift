/// Sixteen bytes held inline: a MAC or a cookie.
package struct Bytes16: Equatable, Sendable {
    package static let count = 16

    private var words: (UInt64, UInt64)

    /// All zeros.
    package init() {
        words = (0, 0)
    }

    /// Copies 16 bytes from `source`, which must have that many.
    package init(loading source: UnsafeRawPointer) {
        // Word by word, as in Bytes32.
        words = (source.loadUnaligned(as: UInt64.self), source.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
    }

    /// Copies the 16 bytes to `target`, which must have room for them.
    package func store(to target: UnsafeMutableRawPointer) {
        target.storeBytes(of: words.0, as: UInt64.self)
        target.storeBytes(of: words.1, toByteOffset: 8, as: UInt64.self)
    }

    package func withUnsafeBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        try Swift.withUnsafeBytes(of: words) { (bytes) throws(E) in try body(bytes) }
    }

    /// Whether both hold the same bytes; takes the same time for every value.
    package static func == (left: Self, right: Self) -> Bool {
        ((left.words.0 ^ right.words.0) | (left.words.1 ^ right.words.1)) == 0
    }
}
