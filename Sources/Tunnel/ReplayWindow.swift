/// Which counters of a session have been received: a sliding window of 8128 below the highest. RFC 6479, Protocol §7.
///
/// A ring of 128 words of 64 bits; the word that the highest counter is in is partly in the future, so
/// 127 words count. Only authenticated counters may be given to it.
package struct ReplayWindow: ~Copyable {
    /// How far a counter may lie below the highest accepted one.
    package static let size: UInt64 = 127 * 64

    private var ring = InlineArray<128, UInt64>(repeating: 0)
    private var highest: UInt64 = 0

    package init() {}

    /// Marks `counter` as received; false when it was before, is too old, or over the limit.
    package mutating func accept(_ counter: UInt64) -> Bool {
        guard counter < Limits.rejectAfterMessages else { return false }
        let block = counter / 64
        if counter > highest {
            let ahead = min(block - highest / 64, 128)
            for step in 0..<ahead {
                ring[Int((block - step) & 127)] = 0
            }
            highest = counter
        } else if highest - counter > Self.size {
            return false
        }
        let bit: UInt64 = 1 << (counter & 63)
        let word = Int(block & 127)
        guard ring[word] & bit == 0 else { return false }
        ring[word] |= bit
        return true
    }
}
