/// Bytes that an enemy may have written. Every access says when there is nothing, so that nothing here can trap.
package struct Octets: Sendable {
    private let storage: [UInt8]
    private let start: Int
    package let count: Int

    package init(_ bytes: [UInt8]) {
        storage = bytes
        start = 0
        count = bytes.count
    }

    private init(storage: [UInt8], start: Int, count: Int) {
        self.storage = storage
        self.start = start
        self.count = count
    }

    package var isEmpty: Bool { count == 0 }

    /// The byte at `offset`; nil outside.
    package subscript(offset: Int) -> UInt8? {
        offset >= 0 && offset < count ? storage[start + offset] : nil
    }

    /// What follows the first `number` bytes; nothing when there are not so many.
    package func dropFirst(_ number: Int) -> Octets {
        let dropped = min(max(number, 0), count)
        return Octets(storage: storage, start: start + dropped, count: count - dropped)
    }

    /// The first `number` bytes, or as many as there are.
    package func prefix(_ number: Int) -> Octets {
        Octets(storage: storage, start: start, count: min(max(number, 0), count))
    }

    package func starts(with bytes: [UInt8]) -> Bool {
        count >= bytes.count && bytes.indices.allSatisfy { self[$0] == bytes[$0] }
    }

    package func bigEndian16(at offset: Int) -> UInt16? {
        bigEndian(at: offset, size: 2).map { UInt16(truncatingIfNeeded: $0) }
    }

    package func bigEndian32(at offset: Int) -> UInt32? {
        bigEndian(at: offset, size: 4).map { UInt32(truncatingIfNeeded: $0) }
    }

    package func littleEndian32(at offset: Int) -> UInt32? {
        bigEndian32(at: offset)?.byteSwapped
    }

    package func bigEndian64(at offset: Int) -> UInt64? {
        bigEndian(at: offset, size: 8)
    }

    /// A copy.
    package var bytes: [UInt8] { Array(storage[start..<start + count]) }

    package func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        storage.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[start..<start + count])) }
    }

    private func bigEndian(at offset: Int, size: Int) -> UInt64? {
        guard offset >= 0, offset <= count - size else { return nil }
        return storage[(start + offset)..<(start + offset + size)].reduce(0) { $0 << 8 | UInt64($1) }
    }
}
