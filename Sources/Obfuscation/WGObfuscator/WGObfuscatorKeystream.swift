import Synchronization
import Wire

/// What wg-obfuscator combines datagrams with: it follows from the key and from a datagram's length modulo 256 alone, so that there are
/// 256 streams, each of which is kept once it was needed. Obfuscation §3. Any number of threads may use one at the same time.
package final class WGObfuscatorKeystream: @unchecked Sendable {
    /// Bytes of each stream that are kept.
    private static let kept = 2048
    private static let count = 256

    // Safe to share: the key is written in init, then only read; the streams are only reached through atomic operations, are whole when
    // they get there and live as long as this object.
    private let key: [UInt8]
    private let streams: UnsafeMutablePointer<Atomic<UnsafeMutableRawPointer?>>

    /// - Parameter key: 1 to 255 bytes.
    init(key: [UInt8]) {
        precondition((1...255).contains(key.count), "a key has 1 to 255 bytes")
        self.key = key
        streams = .allocate(capacity: Self.count)
        for index in 0..<Self.count { (streams + index).initialize(to: Atomic(nil)) }
    }

    deinit {
        for index in 0..<Self.count {
            if let stream = streams[index].load(ordering: .acquiring) { Self.release(stream) }
        }
        streams.deinitialize(count: Self.count)
        streams.deallocate()
    }

    /// The first eight bytes of the stream for datagrams of `length` bytes, as a little-endian number.
    @inline(__always)
    func head(length: Int) -> UInt64 {
        UnsafeRawPointer(stream(for: length)).littleEndian64(at: 0)
    }

    /// Combines a datagram, all of it, with the stream for its length in place.
    func apply(to datagram: UnsafeMutableRawBufferPointer) {
        guard let start = datagram.baseAddress else { return }
        let stream = stream(for: datagram.count)
        let near = min(datagram.count, Self.kept)
        var position = 0
        // Safe: at each step there are 32 bytes of both.
        while near &- position >= 32 {
            let mask = (stream + position).loadUnaligned(as: SIMD4<UInt64>.self)
            let value = (start + position).loadUnaligned(as: SIMD4<UInt64>.self)
            (start + position).storeBytes(of: value ^ mask, as: SIMD4<UInt64>.self)
            position &+= 32
        }
        while position < near {
            datagram[position] ^= (stream + position).load(as: UInt8.self)
            position &+= 1
        }
        guard position < datagram.count else { return }
        // The stream is its generator's state.
        var state = (stream + position - 1).load(as: UInt8.self)
        while position < datagram.count {
            state = next(after: state, at: position, length: datagram.count)
            datagram[position] ^= state
            position &+= 1
        }
    }

    @inline(__always)
    private func stream(for length: Int) -> UnsafeMutableRawPointer {
        if let stream = streams[length & 0xff].load(ordering: .acquiring) { return stream }
        return makeStream(for: length & 0xff)
    }

    @inline(never)
    private func makeStream(for length: Int) -> UnsafeMutableRawPointer {
        let stream = UnsafeMutableRawPointer.allocate(byteCount: Self.kept, alignment: 32)
        var state: UInt8 = 0
        for position in 0..<Self.kept {
            state = next(after: state, at: position, length: length)
            stream.storeBytes(of: state, toByteOffset: position, as: UInt8.self)
        }
        let (exchanged, other) = streams[length].compareExchange(
            expected: nil, desired: stream, ordering: .acquiringAndReleasing)
        guard !exchanged, let other else { return stream }
        Self.release(stream)
        return other
    }

    private static func release(_ stream: UnsafeMutableRawPointer) {
        zeroize(stream, count: kept)
        stream.deallocate()
    }

    /// The state after the byte at `position`: a checksum's (CRC-8 of Maxim) over the key, each byte of which is shifted by the sum of
    /// both lengths.
    @inline(__always)
    private func next(after state: UInt8, at position: Int, length: Int) -> UInt8 {
        let byte = key[position % key.count] &+ UInt8(truncatingIfNeeded: length &+ key.count)
        return Self.table[Int(state ^ byte)]
    }

    private static let table: [UInt8] = (0..<256).map { byte in
        (0..<8).reduce(UInt8(byte)) { state, _ in state >> 1 ^ (state & 1 == 0 ? 0 : 0x8c) }
    }
}
