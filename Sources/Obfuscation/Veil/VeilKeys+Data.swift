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

    /// Writes the `count` bytes behind the tag, at most 255.
    @inline(__always)
    func writeSuffix(
        at target: UnsafeMutableRawPointer, count: Int, sample: UnsafeRawPointer, mask: VeilMask
    ) {
        var first = mask.suffix.littleEndian
        withUnsafeBytes(of: &first) { first in
            let piece = min(count, Veil.Data.suffixInFirstBlock)
            target.copyMemory(from: first.baseAddress.unsafelyUnwrapped, byteCount: piece)
        }
        if count > Veil.Data.suffixInFirstBlock {
            forEachFurtherBlock(of: count, sample: sample) { position, bytes in
                (target + position).copyMemory(from: bytes.baseAddress.unsafelyUnwrapped, byteCount: bytes.count)
                return true
            }
        }
    }

    /// Whether the `count` bytes behind the tag, at most 255, are what ``writeSuffix(at:count:sample:mask:)`` writes.
    @inline(__always)
    func isSuffix(
        at target: UnsafeRawPointer, count: Int, sample: UnsafeRawPointer, mask: VeilMask
    ) -> Bool {
        var expected = mask.suffix
        for position in 0..<min(count, Veil.Data.suffixInFirstBlock) {
            guard target.load(fromByteOffset: position, as: UInt8.self) == UInt8(truncatingIfNeeded: expected) else {
                return false
            }
            expected &>>= 8
        }
        guard count > Veil.Data.suffixInFirstBlock else { return true }
        var agrees = true
        forEachFurtherBlock(of: count, sample: sample) { position, bytes in
            agrees = UnsafeRawBufferPointer(start: target + position, count: bytes.count).elementsEqual(bytes)
            return agrees
        }
        return agrees
    }

    /// Hands over the suffix's bytes behind those in the first block: where they begin, and at most sixteen of them. Ends
    /// when `body` returns false.
    @inline(__always)
    private func forEachFurtherBlock(
        of count: Int, sample: UnsafeRawPointer, _ body: (Int, UnsafeRawBufferPointer) -> Bool
    ) {
        let input = SIMD2(
            sample.loadUnaligned(as: UInt64.self), sample.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        var position = Veil.Data.suffixInFirstBlock
        var number: UInt8 = 0
        while position < count {
            number &+= 1  // Safe: 255 bytes are seventeen blocks at most.
            var block = input
            let piece = min(count - position, AES256.blockSize)
            let goesOn = withUnsafeMutableBytes(of: &block) { block in
                block[0] ^= number
                // Safe: the buffer holds sixteen bytes.
                data.encrypt(block.baseAddress.unsafelyUnwrapped, into: block.baseAddress.unsafelyUnwrapped)
                return body(position, UnsafeRawBufferPointer(rebasing: block[..<piece]))
            }
            guard goesOn else { return }
            position += piece
        }
    }
}
