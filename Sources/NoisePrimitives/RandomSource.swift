package import Wire

/// Where random bytes come from. The protocol draws none of its own: it is handed a source, so that a test can hand it
/// a seeded one. A source that makes keys must be unpredictable.
package protocol RandomSource: AnyObject {
    /// Overwrites every byte of `bytes`, which may be empty.
    func fill(_ bytes: UnsafeMutableRawBufferPointer)
}

extension RandomSource {
    /// Thirty-two random bytes, for values that are public.
    package func bytes32() -> Bytes32 {
        var result = Bytes32()
        result.withUnsafeMutableBytes { fill($0) }
        return result
    }

    /// Thirty-two random bytes that never exist outside the secret's own storage.
    package func secret() -> Secret32 {
        Secret32(filling: fill)
    }

    /// A number from the whole range of its type.
    package func uint32() -> UInt32 {
        var result: UInt32 = 0
        withUnsafeMutableBytes(of: &result) { fill($0) }
        return result
    }

    /// A number from the whole range of its type.
    package func uint64() -> UInt64 {
        var result: UInt64 = 0
        withUnsafeMutableBytes(of: &result) { fill($0) }
        return result
    }

    /// A number in `0..<bound`, each as likely as the others. `bound` must not be zero.
    package func below(_ bound: UInt64) -> UInt64 {
        precondition(bound > 0, "there is no number below zero")
        // The high half of a product with the bound is uniform once the low halves that would favour some results,
        // the first 2^64 mod bound of them, are drawn again.
        let unfair = (0 &- bound) % bound  // Safe: 2^64 - bound, which wraps by intent and is never negative.
        while true {
            let product = uint64().multipliedFullWidth(by: bound)
            if product.low >= unfair { return product.high }
        }
    }
}

/// The operating system's generator (`getrandom`).
package final class SystemRandomSource: RandomSource, Sendable {
    package init() {}

    package func fill(_ bytes: UnsafeMutableRawBufferPointer) {
        var generator = SystemRandomNumberGenerator()
        var offset = 0
        while offset < bytes.count {
            var word: UInt64 = generator.next()
            let size = min(8, bytes.count - offset)
            withUnsafeMutableBytes(of: &word) { source in
                // Safe: `size` bytes remain in `bytes` and `source` holds eight.
                UnsafeMutableRawBufferPointer(rebasing: bytes[offset..<offset + size])
                    .copyMemory(from: UnsafeRawBufferPointer(rebasing: source[..<size]))
                if let start = source.baseAddress { zeroize(start, count: source.count) }
            }
            offset += size
        }
    }
}
