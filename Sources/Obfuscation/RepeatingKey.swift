import Tunnel
import Wire

/// A key that is repeated over the bytes of a datagram. Any number of threads may use one at the same time.
final class RepeatingKey: @unchecked Sendable {
    private static let step = 32

    // Safe to share: written in init, then only read.
    /// The key, repeated until `step` bytes can be read from each of its places.
    private let bytes: UnsafeMutableRawPointer
    private let count: Int
    private let room: Int

    /// - Parameter key: at least one byte.
    init(_ key: [UInt8]) {
        precondition(!key.isEmpty, "a key has a byte at least")
        count = key.count
        room = key.count + Self.step
        bytes = .allocate(byteCount: room, alignment: 8)
        for index in 0..<room {
            bytes.storeBytes(of: key[index % key.count], toByteOffset: index, as: UInt8.self)
        }
    }

    convenience init?(_ settings: XORSettings) {
        let key = settings.key.bytes
        guard !key.isEmpty else { return nil }
        self.init(key)
    }

    deinit {
        zeroize(bytes, count: room)
        bytes.deallocate()
    }

    /// The first eight bytes of what datagrams are combined with, as a little-endian number.
    var head: UInt64 { UnsafeRawPointer(bytes).littleEndian64(at: 0) }

    /// Combines a datagram with the key in place.
    func apply(to target: UnsafeMutableRawBufferPointer) {
        guard let start = target.baseAddress else { return }
        let advance = Self.step % count
        var position = 0
        var phase = 0
        // Safe: a phase is below the key's length, and `step` bytes can be read from there.
        while target.count &- position >= Self.step {
            let mask = (bytes + phase).loadUnaligned(as: SIMD4<UInt64>.self)
            let value = (start + position).loadUnaligned(as: SIMD4<UInt64>.self)
            (start + position).storeBytes(of: value ^ mask, as: SIMD4<UInt64>.self)
            position &+= Self.step
            phase &+= advance
            if phase >= count { phase &-= count }
        }
        while position < target.count {
            target[position] ^= (bytes + phase).load(as: UInt8.self)
            position &+= 1
            phase &+= 1
        }
    }
}
