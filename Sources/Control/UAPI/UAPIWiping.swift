import Glibc

extension UnsafeMutableRawBufferPointer {
    /// Overwrites the bytes with zeros, in a way that the optimiser keeps and that is fast for long answers.
    func wipe() {
        if let baseAddress { explicit_bzero(baseAddress, count) }
    }
}

extension [UInt8] {
    /// Empties the array and leaves nothing of its bytes in memory, as long as no other array shares them.
    package mutating func wipe() {
        withUnsafeMutableBytes { $0.wipe() }
        self = []
    }
}
