import Glibc

/// Cuts bytes that arrive in pieces into lines. UAPI Part 1.
///
/// It holds at most one unfinished line, which is overwritten after use because it may hold a key.
struct UAPILineBuffer: ~Copyable {
    enum Line {
        /// All input was taken and kept.
        case unfinished
        /// Longer than the limit, whether its end is there or not.
        case tooLong
        /// Without its end; valid until ``UAPILineBuffer/release()`` and as long as the input.
        case finished(UnsafeRawBufferPointer)
    }

    /// The beginning of a line whose end hasn't arrived.
    private let unfinished: UnsafeMutableRawBufferPointer
    private var count = 0

    /// - Parameter limit: bytes in a line, without its end.
    init(limit: Int) {
        unfinished = .allocate(byteCount: limit, alignment: 1)
    }

    deinit {
        UnsafeMutableRawBufferPointer(rebasing: unfinished[..<count]).wipe()
        unfinished.deallocate()
    }

    /// Takes bytes off the front of `input` up to the end of a line.
    mutating func take(_ input: inout UnsafeRawBufferPointer) -> Line {
        let end = input.firstIndex(ofByte: UInt8(ascii: "\n"))
        let piece = UnsafeRawBufferPointer(rebasing: input[..<(end ?? input.endIndex)])
        guard piece.count <= unfinished.count - count else {
            release()
            return .tooLong
        }
        input = UnsafeRawBufferPointer(rebasing: input[(end.map { $0 + 1 } ?? input.count)...])
        if end != nil, count == 0 { return .finished(piece) }
        // Safe: the guard above made sure that the piece fits into the rest of the buffer.
        UnsafeMutableRawBufferPointer(rebasing: unfinished[count...]).copyMemory(from: piece)
        count += piece.count
        return end == nil ? .unfinished : .finished(UnsafeRawBufferPointer(rebasing: unfinished[..<count]))
    }

    /// Overwrites the kept part of the line that was taken last.
    mutating func release() {
        UnsafeMutableRawBufferPointer(rebasing: unfinished[..<count]).wipe()
        count = 0
    }
}

extension UnsafeRawBufferPointer {
    /// The place of the first byte of this value.
    func firstIndex(ofByte byte: UInt8) -> Int? {
        guard let baseAddress, let found = memchr(baseAddress, Int32(byte), count) else { return nil }
        return UnsafeRawPointer(found) - baseAddress
    }
}
