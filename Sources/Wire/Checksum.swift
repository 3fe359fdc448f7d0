/// The Internet checksum (RFC 1071) over raw bytes.
///
/// A partial sum is a `UInt64` of 16-bit words in the machine's own byte order: the one's complement sum doesn't care,
/// and a folded sum stored as it is has its bytes in network order. Partial sums returned here are below 2³², so
/// thousands of them can be added with `&+` before folding. Pieces that are summed apart must begin at even offsets.
package enum Checksum {
    /// The partial sum of `count` bytes at `start`, at any alignment.
    package static func sum(_ start: UnsafeRawPointer, count: Int) -> UInt64 {
        var totals = Totals()
        var offset = 0
        // Safe: `count` bytes are readable, and every load below ends at or before `count`; the offsets can't overflow.
        while count &- offset >= 64 {
            totals.add(
                start.loadUnaligned(fromByteOffset: offset, as: Block.self),
                start.loadUnaligned(fromByteOffset: offset &+ 16, as: Block.self))
            totals.add(
                start.loadUnaligned(fromByteOffset: offset &+ 32, as: Block.self),
                start.loadUnaligned(fromByteOffset: offset &+ 48, as: Block.self))
            offset &+= 64
        }
        while count &- offset >= 16 {
            totals.add(start.loadUnaligned(fromByteOffset: offset, as: Block.self))
            offset &+= 16
        }
        return reduce(totals.value &+ sumShort(start + offset, count: count &- offset))
    }

    /// Copies `count` bytes from `source` to `target`, which don't overlap, and returns their partial sum: one pass
    /// over memory where copying and summing apart would take two.
    package static func copy(from source: UnsafeRawPointer, to target: UnsafeMutableRawPointer, count: Int) -> UInt64 {
        var totals = Totals()
        var offset = 0
        // Safe: `count` bytes are readable and writable, and every access below ends at or before `count`.
        while count &- offset >= 32 {
            let first = source.loadUnaligned(fromByteOffset: offset, as: Block.self)
            let second = source.loadUnaligned(fromByteOffset: offset &+ 16, as: Block.self)
            target.storeBytes(of: first, toByteOffset: offset, as: Block.self)
            target.storeBytes(of: second, toByteOffset: offset &+ 16, as: Block.self)
            totals.add(first, second)
            offset &+= 32
        }
        let rest = count &- offset
        guard rest > 0 else { return reduce(totals.value) }
        (target + offset).copyMemory(from: source + offset, byteCount: rest)
        return reduce(totals.value &+ sum(source + offset, count: rest))
    }

    /// Folds a partial sum to 16 bits, not complemented: what the checksum field of a packet holds while the checksum
    /// is still to be completed. In native order, ready to be stored.
    @inlinable
    package static func fold(_ sum: UInt64) -> UInt16 {
        // Safe: each step adds two numbers that are too short to overflow 64 bits.
        var sum = (sum & 0xffff_ffff) &+ (sum >> 32)
        sum = (sum & 0xffff_ffff) &+ (sum >> 32)
        sum = (sum & 0xffff) &+ (sum >> 16)
        sum = (sum & 0xffff) &+ (sum >> 16)
        return UInt16(truncatingIfNeeded: (sum & 0xffff) &+ (sum >> 16))
    }

    /// The checksum for a partial sum: folded and complemented, in native order, ready to be stored. Zero for bytes
    /// that contain their own right checksum.
    @inlinable
    package static func finish(_ sum: UInt64) -> UInt16 { ~fold(sum) }

    /// What a number in a packet adds to a partial sum, when it begins at an even offset.
    @inlinable
    package static func term(_ value: UInt16) -> UInt64 { UInt64(value.bigEndian) }

    /// What a number in a packet adds to a partial sum, when it begins at an even offset.
    @inlinable
    package static func term(_ value: UInt32) -> UInt64 { UInt64(value.bigEndian) }

    /// The partial sum of the pseudo-header of `packet`: its addresses, `nextHeader` and the transport's `length` in
    /// bytes (RFC 9293 §3.1, RFC 8200 §8.1). `packet` has at least 20 bytes of IPv4 or 40 of IPv6 header.
    @inlinable
    package static func pseudoHeader(
        of packet: UnsafeRawPointer, isIPv6: Bool, nextHeader: UInt8, length: Int
    ) -> UInt64 {
        // Safe: at most eight 32-bit numbers and two 16-bit ones are added.
        var sum = term(UInt32(truncatingIfNeeded: length)) &+ term(UInt16(nextHeader))
        let addresses = isIPv6 ? 8..<40 : 12..<20
        for offset in stride(from: addresses.lowerBound, to: addresses.upperBound, by: 8) {
            let word = packet.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            sum &+= (word & 0xffff_ffff) &+ (word >> 32)
        }
        return sum
    }

    /// The checksum that follows from replacing one 16-bit word of the covered bytes by another (RFC 1624), all three
    /// in the same byte order.
    @inlinable
    package static func replacing(_ old: UInt16, by new: UInt16, in checksum: UInt16) -> UInt16 {
        finish(UInt64(~checksum) &+ UInt64(~old) &+ UInt64(new))
    }

    private typealias Block = SIMD2<UInt64>

    /// Sums of 64-bit words modulo 2⁶⁴ and of their upper halves, from which the sum of the lower halves follows. That
    /// takes fewer instructions than parting the halves of each word.
    private struct Totals {
        var words = (Block(), Block())
        var uppers = (Block(), Block())

        @inline(__always)
        mutating func add(_ first: Block, _ second: Block) {
            words.0 &+= first
            words.1 &+= second
            uppers.0 &+= first &>> 32
            uppers.1 &+= second &>> 32
        }

        @inline(__always)
        mutating func add(_ block: Block) {
            words.0 &+= block
            uppers.0 &+= block &>> 32
        }

        /// Below 2⁶³ for any buffer that fits in memory.
        var value: UInt64 {
            let word = words.0 &+ words.1
            let upper = uppers.0 &+ uppers.1
            let lower = word &- (upper &<< 32)
            return reduce(lower[0]) &+ reduce(lower[1]) &+ reduce(upper[0]) &+ reduce(upper[1])
        }
    }

    /// The sum of fewer than 16 bytes.
    @inline(__always)
    private static func sumShort(_ start: UnsafeRawPointer, count: Int) -> UInt64 {
        var sum: UInt64 = 0
        var offset = 0
        if count & 8 != 0 {
            let word = start.loadUnaligned(as: UInt64.self)
            sum = (word & 0xffff_ffff) &+ (word >> 32)
            offset = 8
        }
        if count & 4 != 0 {
            sum &+= UInt64(start.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
            offset &+= 4
        }
        if count & 2 != 0 {
            sum &+= UInt64(start.loadUnaligned(fromByteOffset: offset, as: UInt16.self))
            offset &+= 2
        }
        if count & 1 != 0 {
            // An odd last byte is the first half of a word whose second half is zero.
            sum &+= UInt64(UInt16(littleEndian: UInt16(start.load(fromByteOffset: offset, as: UInt8.self))))
        }
        return sum
    }

    /// The same value modulo 65535, below 2³².
    @inline(__always)
    private static func reduce(_ sum: UInt64) -> UInt64 {
        // Safe: the first line gives at most 2³³ − 2, the second then at most 2³² − 1.
        let sum = (sum & 0xffff_ffff) &+ (sum >> 32)
        return (sum & 0xffff_ffff) &+ (sum >> 32)
    }
}
