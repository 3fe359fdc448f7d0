import Glibc
package import Wire

/// Where random bytes come from. The protocol draws none of its own: it is handed a source, so that a test can hand it
/// a seeded one. A source that makes keys must be unpredictable.
package protocol RandomSource: AnyObject {
    /// Overwrites every byte of `bytes`, which may be empty.
    func fill(_ bytes: UnsafeMutableRawBufferPointer)

    /// The same for values that are public once they are used, which may be drawn ahead of time.
    func fillPublic(_ bytes: UnsafeMutableRawBufferPointer)
}

extension RandomSource {
    package func fillPublic(_ bytes: UnsafeMutableRawBufferPointer) { fill(bytes) }

    /// Thirty-two random bytes, for values that are public.
    package func bytes32() -> Bytes32 {
        var result = Bytes32()
        result.withUnsafeMutableBytes { fillPublic($0) }
        return result
    }

    /// Thirty-two random bytes that never exist outside the secret's own storage.
    package func secret() -> Secret32 {
        Secret32(filling: fill)
    }

    /// A number from the whole range of its type.
    package func uint32() -> UInt32 {
        var result: UInt32 = 0
        withUnsafeMutableBytes(of: &result) { fillPublic($0) }
        return result
    }

    /// A number from the whole range of its type.
    package func uint64() -> UInt64 {
        var result: UInt64 = 0
        withUnsafeMutableBytes(of: &result) { fillPublic($0) }
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

/// The operating system's generator. Belongs to one thread.
///
/// Secrets come straight from the system, public values from a store that saves most of the system calls.
package final class SystemRandomSource: RandomSource {
    /// The most that one system call gives.
    private static let storeSize = 256

    private let store = UnsafeMutableRawBufferPointer.allocate(byteCount: storeSize, alignment: 8)
    /// Bytes at the start of the store that were handed out.
    private var used = storeSize

    package init() {}

    deinit {
        store.deallocate()
    }

    package func fill(_ bytes: UnsafeMutableRawBufferPointer) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let piece = UnsafeMutableRawBufferPointer(rebasing: rest.prefix(Self.storeSize))
            // Safe: a piece that isn't empty has an address.
            let code = getentropy(piece.baseAddress.unsafelyUnwrapped, piece.count)
            precondition(code == 0, "the system gives no random numbers")
            rest = rest.dropFirst(piece.count)
        }
    }

    package func fillPublic(_ bytes: UnsafeMutableRawBufferPointer) {
        guard bytes.count <= Self.storeSize else { return fill(bytes) }
        if used + bytes.count > Self.storeSize {
            fill(store)
            used = 0
        }
        bytes.copyMemory(from: UnsafeRawBufferPointer(rebasing: store[used..<used + bytes.count]))
        used += bytes.count
    }
}
