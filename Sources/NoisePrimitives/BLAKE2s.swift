package import Wire

/// The hash BLAKE2s (RFC 7693), unkeyed or keyed, fed in pieces. It allocates nothing. Protocol §1.
///
/// The output size is part of what is hashed: 16 bytes of output are not the first half of 32.
package struct BLAKE2s {
    /// Bytes of a block.
    package static let blockSize = 64

    private var state: BLAKE2sState
    private var block = SIMD8<UInt64>()
    /// Bytes waiting in `block`. A full block waits for more input, because the last one is marked.
    private var pending = 0
    private var compressed: UInt64 = 0
    private let outputSize: Int

    /// Starts a hash of `outputSize` bytes (1...32) with a key of at most 32 bytes, none by default.
    package init(outputSize: Int = 32, key: UnsafeRawBufferPointer = .empty) {
        precondition((1...32).contains(outputSize), "a BLAKE2s hash has 1 to 32 bytes")
        precondition(key.count <= 32, "a BLAKE2s key has at most 32 bytes")
        self.outputSize = outputSize
        state = BLAKE2sState(outputSize: outputSize, keySize: key.count)
        if !key.isEmpty {
            append(key)
            pending = Self.blockSize
        }
    }

    /// Adds `bytes` to what is hashed; they may be empty.
    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        var rest = bytes
        while !rest.isEmpty {
            if pending == Self.blockSize { compress(isLast: false) }
            let count = min(rest.count, Self.blockSize - pending)
            append(UnsafeRawBufferPointer(rebasing: rest[..<count]))
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
    }

    /// Mixes in what was added, which must be whole blocks, so that copies of this value needn't. Each has to go on, since
    /// the end of a message is mixed in differently.
    package mutating func commit() {
        precondition(pending == Self.blockSize, "only whole blocks can be mixed in ahead")
        compress(isLast: false)
    }

    /// The hash: its first `outputSize` bytes, then zeros. Overwrites everything it held; the value can't be used
    /// again.
    package mutating func finalize() -> Bytes32 {
        precondition(pending > 0 || compressed == 0, "after commit() a message goes on")
        compress(isLast: true)
        var result = state.bytes
        withUnsafeMutableBytes(of: &result) { bytes in
            for index in outputSize..<bytes.count { bytes[index] = 0 }
        }
        erase()
        return result
    }

    /// The first 16 bytes of the hash, which is a MAC when it has that output size and a key.
    package mutating func finalizeMAC() -> Bytes16 {
        withUnsafeBytes(of: finalize()) { bytes in
            // Safe: the buffer holds 32 bytes.
            Bytes16(loading: bytes.baseAddress.unsafelyUnwrapped)
        }
    }

    /// Overwrites everything it holds; the value can't be used again.
    package mutating func erase() {
        withUnsafeMutableBytes(of: &self) { wipe($0) }
    }

    /// HASH(first ‖ second) of Protocol §1.
    package static func hash(_ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer = .empty) -> Bytes32 {
        var hash = BLAKE2s()
        hash.update(first)
        hash.update(second)
        return hash.finalize()
    }

    /// MAC(key, message) of Protocol §1: keyed, 16 bytes. `key` has at most 32 bytes (MAC1: 32, MAC2: 16).
    package static func mac(key: UnsafeRawBufferPointer, _ message: UnsafeRawBufferPointer) -> Bytes16 {
        var hash = BLAKE2s(outputSize: Bytes16.count, key: key)
        hash.update(message)
        return hash.finalizeMAC()
    }

    /// Adds `bytes` to the block, which has room for them.
    private mutating func append(_ bytes: UnsafeRawBufferPointer) {
        let offset = pending
        withUnsafeMutableBytes(of: &block) { target in
            UnsafeMutableRawBufferPointer(rebasing: target[offset...]).copyMemory(from: bytes)
        }
        pending += bytes.count
    }

    /// Mixes the block into the state and empties it.
    private mutating func compress(isLast: Bool) {
        compressed &+= UInt64(pending)  // Safe: no message has 2^64 bytes.
        withUnsafeBytes(of: &block) { bytes in
            // Safe: the buffer holds 64 bytes.
            state.compress(bytes.baseAddress.unsafelyUnwrapped, count: compressed, isLast: isLast)
        }
        block = SIMD8()
        pending = 0
    }
}
