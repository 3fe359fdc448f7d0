import NoisePrimitives
import Wire

/// The bytes that hexadecimal digits spell; white space between them is left out.
func hex(_ text: String) -> [UInt8] {
    let digits = text.filter { !$0.isWhitespace }.map { UInt8($0.hexDigitValue!) }
    precondition(digits.count.isMultiple(of: 2))
    return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
}

/// 0, 1, 2 and so on, `count` bytes.
func counting(to count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: $0) }
}

func repeating(_ byte: UInt8, _ count: Int) -> [UInt8] {
    Array(repeating: byte, count: count)
}

extension Secret32 {
    init(array: [UInt8]) {
        self.init(Bytes32(array)!)
    }

    var array: [UInt8] { bytes.array }
}

extension Bytes16 {
    var array: [UInt8] { withUnsafeBytes { Array($0) } }
}

/// A source that gives the same bytes in every run (SplitMix64).
final class SeededRandomSource: RandomSource {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    func fill(_ bytes: UnsafeMutableRawBufferPointer) {
        for index in bytes.indices { bytes[index] = UInt8(truncatingIfNeeded: next() >> 56) }
    }

    func bytes(_ count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        bytes.withUnsafeMutableBytes { fill($0) }
        return bytes
    }

    private func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
        return value ^ value >> 31
    }
}
