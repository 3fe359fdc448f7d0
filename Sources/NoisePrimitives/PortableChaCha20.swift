import Wire

/// ChaCha20 (RFC 8439 §2.4) in Swift alone.
package enum PortableChaCha20: StreamCipher {
    private static let blockSize = 64

    package static func apply(
        keyAt key: UnsafeRawPointer, nonce: UnsafeRawPointer, counter: UInt32, to bytes: UnsafeMutableRawPointer,
        count: Int
    ) {
        let nonce = UnsafeRawBufferPointer(start: nonce, count: nonceSize)
        var first = WorkingState(
            key: UnsafeRawBufferPointer(start: key, count: Bytes32.count), counter, nonce.word(0), nonce.word(1),
            nonce.word(2))
        var state = first
        defer {
            withUnsafeMutableBytes(of: &first) { wipe($0) }
            withUnsafeMutableBytes(of: &state) { wipe($0) }
        }
        var position = 0
        while position < count {
            state = first
            for _ in 0..<10 { state.doubleRound() }
            state.add(first)
            let piece = min(blockSize, count - position)
            withUnsafeBytes(of: &state) { stream in
                for index in 0..<piece {
                    let place = position + index
                    let byte = bytes.load(fromByteOffset: place, as: UInt8.self)
                    bytes.storeBytes(of: byte ^ stream[index], toByteOffset: place, as: UInt8.self)
                }
            }
            position += piece
            first.v12 = first.v12 &+ 1  // The counter's arithmetic wraps by definition.
        }
    }
}

extension WorkingState {
    /// Adds another state's numbers, which then lie in memory in little-endian order. RFC 8439 §2.3.
    fileprivate mutating func add(_ other: WorkingState) {
        v0 = (v0 &+ other.v0).littleEndian
        v1 = (v1 &+ other.v1).littleEndian
        v2 = (v2 &+ other.v2).littleEndian
        v3 = (v3 &+ other.v3).littleEndian
        v4 = (v4 &+ other.v4).littleEndian
        v5 = (v5 &+ other.v5).littleEndian
        v6 = (v6 &+ other.v6).littleEndian
        v7 = (v7 &+ other.v7).littleEndian
        v8 = (v8 &+ other.v8).littleEndian
        v9 = (v9 &+ other.v9).littleEndian
        v10 = (v10 &+ other.v10).littleEndian
        v11 = (v11 &+ other.v11).littleEndian
        v12 = (v12 &+ other.v12).littleEndian
        v13 = (v13 &+ other.v13).littleEndian
        v14 = (v14 &+ other.v14).littleEndian
        v15 = (v15 &+ other.v15).littleEndian
    }
}
