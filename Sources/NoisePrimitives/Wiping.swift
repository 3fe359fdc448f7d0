package import Wire

extension UnsafeRawBufferPointer {
    /// No bytes at all.
    package static var empty: Self { Self(start: nil, count: 0) }
}

extension Bytes32 {
    /// Overwrites the bytes with zeros; for a secret that was kept on the stack.
    package mutating func wipe() {
        Swift.withUnsafeMutableBytes(of: &self) { NoisePrimitives.wipe($0) }
    }
}

/// Overwrites `bytes` with zeros in a way that the optimiser keeps.
func wipe(_ bytes: UnsafeMutableRawBufferPointer) {
    guard let start = bytes.baseAddress else { return }
    zeroize(start, count: bytes.count)
}
