package import Wire

/// Random bytes at the rate of packets, for what is public on the wire: prefixes, padding, nonces. Belongs to one thread.
///
/// ChaCha20's keystream under a key from `source`, in blocks of 4 KiB, each of which begins with the next key.
package struct KeystreamGenerator: ~Copyable {
    private static let storeSize = 4096

    private let store = UnsafeMutableRawPointer.allocate(byteCount: storeSize, alignment: 64)
    private var key: Secret32
    private var used = storeSize

    package init(seededBy source: any RandomSource) {
        self.init(seed: source.secret())
    }

    /// - Parameter seed: used for nothing else.
    package init(seed: Secret32) {
        key = seed
    }

    deinit {
        zeroize(store, count: Self.storeSize)
        store.deallocate()
    }

    /// Overwrites `count` bytes at `target`.
    package mutating func fill(_ target: UnsafeMutableRawPointer, count: Int) {
        var position = 0
        while position < count {
            if used == Self.storeSize { refill() }
            let piece = min(count - position, Self.storeSize - used)
            (target + position).copyMemory(from: store + used, byteCount: piece)
            used += piece
            position += piece
        }
    }

    /// A number from the whole range of its type.
    package mutating func next() -> UInt64 {
        if used > Self.storeSize - 8 { refill() }
        defer { used += 8 }
        return store.loadUnaligned(fromByteOffset: used, as: UInt64.self)
    }

    /// A number in `0..<bound`, each as likely as the others but for one part in 2^32. `bound` is above zero.
    package mutating func below(_ bound: UInt32) -> UInt32 {
        UInt32(truncatingIfNeeded: ((next() >> 32) &* UInt64(bound)) >> 32)
    }

    /// A number from `range`, each as likely as the others.
    package mutating func number(in range: ClosedRange<UInt32>) -> UInt32 {
        let span = UInt64(range.upperBound) - UInt64(range.lowerBound) + 1
        return UInt32(truncatingIfNeeded: UInt64(range.lowerBound) + next().multipliedFullWidth(by: span).high)
    }

    private mutating func refill() {
        store.initializeMemory(as: UInt8.self, repeating: 0, count: Self.storeSize)
        var zeros: (UInt64, UInt32) = (0, 0)
        withUnsafeBytes(of: &zeros) { nonce in
            ChaCha20.apply(key: key, nonce: nonce.baseAddress.unsafelyUnwrapped, to: store, count: Self.storeSize)
        }
        key = Secret32(Bytes32(loading: store))
        zeroize(store, count: Bytes32.count)
        used = Bytes32.count
    }
}
