public import CChecksum

/// The Internet checksum (RFC 1071) over raw bytes.
///
/// A partial sum is a `UInt64` of 16-bit words in the machine's own byte order: the one's complement sum doesn't care,
/// and a folded sum stored as it is has its bytes in network order. Partial sums returned here are below 2³², so
/// thousands of them can be added with `&+` before folding. Pieces that are summed apart must begin at even offsets.
public enum Checksum {
    /// The partial sum of `count` bytes at `start`, at any alignment.
    @inlinable
    @inline(__always)
    public static func sum(_ start: UnsafeRawPointer, count: Int) -> UInt64 {
        cchecksum_sum(start, count)
    }

    /// Copies `count` bytes from `source` to `target`, which don't overlap, and returns their partial sum: one pass
    /// over memory where copying and summing apart would take two.
    @inlinable
    @inline(__always)
    public static func copy(from source: UnsafeRawPointer, to target: UnsafeMutableRawPointer, count: Int) -> UInt64 {
        cchecksum_copy(source, target, count)
    }

    /// The partial sum of the 20 bytes of an IPv4 header without options.
    @inlinable
    @inline(__always)
    public static func sumOfIPv4Header(_ start: UnsafeRawPointer) -> UInt64 {
        let first = start.loadUnaligned(as: UInt64.self)
        let second = start.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
        let last = UInt64(start.loadUnaligned(fromByteOffset: 16, as: UInt32.self))
        // Safe: five numbers below 2³².
        return (first & 0xffff_ffff) &+ (first >> 32) &+ (second & 0xffff_ffff) &+ (second >> 32) &+ last
    }

    /// Folds a partial sum to 16 bits, not complemented: what the checksum field of a packet holds while the checksum
    /// is still to be completed. In native order, ready to be stored.
    @inlinable
    @inline(__always)
    public static func fold(_ sum: UInt64) -> UInt16 {
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
    @inline(__always)
    public static func finish(_ sum: UInt64) -> UInt16 { ~fold(sum) }

    /// Whether bytes with this partial sum contain their own right checksum. They aren't all zeros.
    @inlinable
    @inline(__always)
    public static func isRight(_ sum: UInt64) -> Bool { sum % 0xffff == 0 }

    /// What a number in a packet adds to a partial sum, when it begins at an even offset.
    @inlinable
    @inline(__always)
    public static func term(_ value: UInt16) -> UInt64 { UInt64(value.bigEndian) }

    /// What a number in a packet adds to a partial sum, when it begins at an even offset.
    @inlinable
    @inline(__always)
    public static func term(_ value: UInt32) -> UInt64 { UInt64(value.bigEndian) }

    /// The partial sum of the pseudo-header of `packet`: its addresses, `nextHeader` and the transport's `length` in
    /// bytes (RFC 9293 §3.1, RFC 8200 §8.1). `packet` has at least 20 bytes of IPv4 or 40 of IPv6 header.
    @inlinable
    @inline(__always)
    public static func pseudoHeader(
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
    public static func replacing(_ old: UInt16, by new: UInt16, in checksum: UInt16) -> UInt16 {
        finish(UInt64(~checksum) &+ UInt64(~old) &+ UInt64(new))
    }
}
