package import Wire

/// AES-256 (FIPS 197) in Swift alone: small and in the same time for every key and block, since it looks nothing up in tables, but slow.
package final class PortableAES256: BlockCipher, @unchecked Sendable {
    private static let rounds = 14

    // Safe to share: written in init, then only read.
    private let roundKeys: UnsafeMutablePointer<AESState>

    package init(key: Secret32) {
        roundKeys = .allocate(capacity: Self.rounds + 1)
        roundKeys.initialize(repeating: AESState(), count: Self.rounds + 1)
        key.withUnsafeBytes { expand($0) }
    }

    deinit {
        zeroize(roundKeys, count: (Self.rounds + 1) * MemoryLayout<AESState>.stride)
        roundKeys.deallocate()
    }

    package func encrypt(_ input: UnsafeRawPointer, into output: UnsafeMutableRawPointer) {
        var state = input.loadUnaligned(as: AESState.self) ^ roundKeys[0]
        for round in 1..<Self.rounds {
            state = state.substituted.shifted.mixed ^ roundKeys[round]
        }
        output.storeBytes(of: state.substituted.shifted ^ roundKeys[Self.rounds], as: AESState.self)
    }

    package func decrypt(_ input: UnsafeRawPointer, into output: UnsafeMutableRawPointer) {
        var state = input.loadUnaligned(as: AESState.self) ^ roundKeys[Self.rounds]
        for round in stride(from: Self.rounds - 1, to: 0, by: -1) {
            state = (state.unshifted.unsubstituted ^ roundKeys[round]).unmixed
        }
        output.storeBytes(of: state.unshifted.unsubstituted ^ roundKeys[0], as: AESState.self)
    }

    /// FIPS 197 §5.2.
    private func expand(_ key: UnsafeRawBufferPointer) {
        let words = UnsafeMutableRawPointer(roundKeys)
        UnsafeMutableRawBufferPointer(start: words, count: key.count).copyMemory(from: key)
        var constant: UInt8 = 1
        for index in 8..<4 * (Self.rounds + 1) {
            var word = AESState()
            for byte in 0..<4 { word[byte] = words.load(fromByteOffset: 4 * (index - 1) + byte, as: UInt8.self) }
            if index.isMultiple(of: 8) {
                let substituted = word.substituted
                for byte in 0..<4 { word[byte] = substituted[(byte + 1) % 4] }
                word[0] ^= constant
                constant = constant << 1
            } else if index % 8 == 4 {
                word = word.substituted
            }
            for byte in 0..<4 {
                let before = words.load(fromByteOffset: 4 * (index - 8) + byte, as: UInt8.self)
                words.storeBytes(of: word[byte] ^ before, toByteOffset: 4 * index + byte, as: UInt8.self)
            }
        }
    }
}

/// A block, column by column. Its bytes are elements of the field of 2^8 numbers modulo x^8 + x^4 + x^3 + x + 1. FIPS 197 §3.4, §4.
private typealias AESState = SIMD16<UInt8>

extension SIMD16<UInt8> {
    /// Each byte by the S-box: its inverse, then an affine map. FIPS 197 §5.1.1.
    fileprivate var substituted: Self {
        let x = inverse
        return x ^ x.rotated(1) ^ x.rotated(2) ^ x.rotated(3) ^ x.rotated(4) ^ Self(repeating: 0x63)
    }

    fileprivate var unsubstituted: Self {
        (rotated(1) ^ rotated(3) ^ rotated(6) ^ Self(repeating: 0x05)).inverse
    }

    /// Each row turned by its number. FIPS 197 §5.1.2.
    fileprivate var shifted: Self { permuted { column, row in ((column + row) % 4, row) } }
    fileprivate var unshifted: Self { permuted { column, row in ((column + 4 - row) % 4, row) } }

    /// Each column multiplied with a polynomial. FIPS 197 §5.1.3.
    fileprivate var mixed: Self {
        let next = turned(1)
        return doubled ^ next.doubled ^ next ^ turned(2) ^ turned(3)
    }

    /// The inverse of a polynomial is three times itself: this first multiplies with the square.
    fileprivate var unmixed: Self {
        (self ^ (self ^ turned(2)).doubled.doubled).mixed
    }

    /// Each byte to the power of 254, which is its inverse, and zero for zero.
    private var inverse: Self {
        let x2 = times(self)
        let x3 = x2.times(self)
        let x6 = x3.times(x3)
        let x12 = x6.times(x6)
        let x15 = x12.times(x3)
        let x30 = x15.times(x15)
        let x60 = x30.times(x30)
        let x120 = x60.times(x60)
        return x120.times(x120).times(x12).times(x2)
    }

    /// Products in the field, byte by byte.
    private func times(_ other: Self) -> Self {
        var result = Self()
        var power = self
        for bit in UInt8(0)..<8 {
            // Safe: the difference is meant to wrap, to all ones where the bit is set.
            result ^= power & (Self() &- ((other &>> bit) & 1))
            power = power.doubled
        }
        return result
    }

    private var doubled: Self {
        (self &<< 1) ^ (Self(repeating: 0x1b) & (Self() &- (self &>> 7)))  // Safe: as above.
    }

    /// Each byte turned left by `count` bits, 1...7.
    private func rotated(_ count: UInt8) -> Self { (self &<< count) | (self &>> (8 - count)) }

    /// Each column turned up by `count` rows.
    private func turned(_ count: Int) -> Self { permuted { column, row in (column, (row + count) % 4) } }

    @inline(__always)
    private func permuted(_ source: (_ column: Int, _ row: Int) -> (column: Int, row: Int)) -> Self {
        var result = Self()
        for index in 0..<16 {
            let from = source(index / 4, index % 4)
            result[index] = self[4 * from.column + from.row]
        }
        return result
    }
}
