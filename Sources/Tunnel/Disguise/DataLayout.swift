import Wire

/// How one data message lies on the wire: what stands before the ciphertext, the ciphertext with its tag, what stands behind.
package struct DataLayout: Equatable, Sendable {
    /// Bytes before the ciphertext, the header's included, which are the last of them.
    package let prefix: Int
    /// Bytes of the ciphertext, its padding included and its tag not.
    package let content: Int
    /// Bytes behind the tag, at most 65535.
    package let suffix: Int

    @inlinable
    package init(prefix: Int, content: Int, suffix: Int) {
        self.prefix = prefix
        self.content = content
        self.suffix = suffix
    }

    /// Bytes of the datagram.
    @inlinable package var total: Int { prefix &+ content &+ Message.tagSize &+ suffix }
}

/// The header of a data message as it is before it is concealed: it says, too, how many bytes stand behind the tag.
package enum DataHeader {
    package enum Form: Sendable {
        /// Sixteen bytes: WireGuard's header, in whose reserved bytes the suffix stands.
        ///
        ///     u8 4, u16 suffix, u8 0, u32 receiver, u64 counter
        case whole
        /// Nine bytes. Counters from 2^32 on can't be sent.
        ///
        ///     u32 receiver, u32 counter, u8 suffix
        case compact

        /// Bytes of the header.
        @inlinable package var size: Int { self == .whole ? 16 : 9 }
    }

    /// The first counter that has no room in a compact header.
    @inlinable package static var compactCounters: UInt64 { 1 << 32 }

    /// Writes a header so that it ends at `body`. All numbers are little-endian.
    @inlinable
    package static func store(
        _ form: Form, receiver: UInt32, counter: UInt64, suffix: Int, before body: UnsafeMutableRawPointer
    ) {
        switch form {
        case .whole:
            (body - 16).storeLittleEndian(4 | UInt32(truncatingIfNeeded: suffix) << 8, at: 0)
            (body - 12).storeLittleEndian(receiver, at: 0)
            (body - 8).storeLittleEndian(counter, at: 0)
        case .compact:
            (body - 9).storeLittleEndian(receiver, at: 0)
            (body - 5).storeLittleEndian(UInt32(truncatingIfNeeded: counter), at: 0)
            (body - 1).storeBytes(of: UInt8(truncatingIfNeeded: suffix), as: UInt8.self)
        }
    }
}

/// Data messages laid end to end, all but the last of equal length, which isn't longer than the others.
package struct DataRun {
    package let start: UnsafeMutableRawPointer
    /// Bytes of all together.
    package let length: Int
    /// Bytes of each but the last.
    package let stride: Int
    /// Bytes before each ciphertext.
    package let prefix: Int
    /// How many datagrams went the same way before in this batch.
    package let position: Int

    package init(start: UnsafeMutableRawPointer, length: Int, stride: Int, prefix: Int, position: Int) {
        self.start = start
        self.length = length
        self.stride = stride
        self.prefix = prefix
        self.position = position
    }
}
