import NoisePrimitives
import Wire

/// What hides the header of a data message: the first block of its keystream. Veil §4.2.
struct VeilMask {
    /// For receiver index and counter.
    let header: UInt64
    /// For the suffix's length in the low byte; the others are the first of the suffix.
    let rest: UInt64

    /// For the least byte of the suffix on.
    var suffix: UInt64 { rest &>> 8 }
    var suffixLength: UInt8 { UInt8(truncatingIfNeeded: rest) }
}

extension VeilKeys {
    /// - Parameter sample: where the sixteen bytes after the header stand.
    @inline(__always)
    func mask(of sample: UnsafeRawPointer) -> VeilMask {
        var block = SIMD2<UInt64>()
        withUnsafeMutableBytes(of: &block) { block in
            // Safe: the buffer holds sixteen bytes.
            data.encrypt(sample, into: block.baseAddress.unsafelyUnwrapped)
        }
        return VeilMask(header: UInt64(littleEndian: block[0]), rest: UInt64(littleEndian: block[1]))
    }

    /// Writes the `count` bytes behind the tag, at most 255, of a datagram that ends at `end`.
    @inline(__always)
    func writeSuffix(before end: UnsafeMutableRawPointer, count: Int, sample: UnsafeRawPointer, mask: VeilMask) {
        forEachPiece(of: count, sample: sample, mask: mask) { left, piece in
            // Safe: behind a tag, eight bytes before the end of a piece are the datagram's, and those that aren't the piece's are
            // written back.
            let target = end - (left &+ 8)
            let kept = UInt64(littleEndian: target.loadUnaligned(as: UInt64.self)) & ~(.max &<< piece.shift)
            target.storeLittleEndian(kept | piece.bytes &<< piece.shift, at: 0)
            return true
        }
    }

    /// Whether the `count` bytes before `end`, at most 255, are what ``writeSuffix(before:count:sample:mask:)`` writes.
    @inline(__always)
    func isSuffix(before end: UnsafeRawPointer, count: Int, sample: UnsafeRawPointer, mask: VeilMask) -> Bool {
        var agrees = true
        forEachPiece(of: count, sample: sample, mask: mask) { left, piece in
            let found = (end - (left &+ 8)).littleEndian64(at: 0)
            agrees = (found &>> piece.shift ^ piece.bytes) &<< piece.shift == 0
            return agrees
        }
        return agrees
    }

    /// One to eight bytes of a suffix.
    private struct SuffixPiece {
        /// The least is the first; those beyond the piece may be anything.
        let bytes: UInt64
        /// Bits of a number that aren't the piece's when its bytes are the last eight up to the piece's end.
        let shift: UInt64

        @inline(__always)
        init(_ bytes: UInt64, count: Int) {
            self.bytes = bytes
            shift = UInt64(truncatingIfNeeded: 8 &- count) &* 8
        }
    }

    /// Hands over the suffix piece by piece, with how many bytes follow each. Ends when `body` returns false.
    @inline(__always)
    private func forEachPiece(
        of count: Int, sample: UnsafeRawPointer, mask: VeilMask, _ body: (Int, SuffixPiece) -> Bool
    ) {
        guard count > 0 else { return }
        let first = min(count, Veil.Data.suffixInFirstBlock)
        var left = count &- first
        guard body(left, SuffixPiece(mask.suffix, count: first)), left > 0 else { return }
        var number: UInt64 = 0
        while true {
            number &+= 1  // Safe: 255 bytes are seventeen blocks at most.
            let block = keystream(
                SIMD2(sample.littleEndian64(at: 0) ^ number, sample.littleEndian64(at: 8)))
            for half in 0..<2 {
                let piece = min(left, 8)
                left &-= piece
                guard body(left, SuffixPiece(block[half], count: piece)), left > 0 else { return }
            }
        }
    }

    @inline(__always)
    private func keystream(_ input: SIMD2<UInt64>) -> SIMD2<UInt64> {
        var block = SIMD2(input[0].littleEndian, input[1].littleEndian)
        withUnsafeMutableBytes(of: &block) { block in
            // Safe: the buffer holds sixteen bytes.
            data.encrypt(block.baseAddress.unsafelyUnwrapped, into: block.baseAddress.unsafelyUnwrapped)
        }
        return SIMD2(UInt64(littleEndian: block[0]), UInt64(littleEndian: block[1]))
    }
}
