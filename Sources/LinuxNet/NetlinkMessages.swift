import CLinux
import Glibc

/// Netlink messages end to end in a buffer. Stops at the first that isn't whole; never reads beyond the buffer.
struct NetlinkMessages: Sequence, IteratorProtocol {
    struct Message {
        let type: UInt16
        let sequence: UInt32
        /// What follows the header.
        let payload: UnsafeRawBufferPointer
    }

    private var rest: UnsafeRawBufferPointer

    init(_ bytes: UnsafeRawBufferPointer) {
        rest = bytes
    }

    mutating func next() -> Message? {
        let headerSize = MemoryLayout<nlmsghdr>.size
        guard rest.count >= headerSize else { return nil }
        let header = rest.loadUnaligned(as: nlmsghdr.self)
        let length = Int(header.nlmsg_len)
        guard length >= headerSize, length <= rest.count else { return nil }
        let message = Message(
            type: header.nlmsg_type, sequence: header.nlmsg_seq,
            payload: UnsafeRawBufferPointer(rebasing: rest[headerSize..<length]))
        rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(netlinkAligned(length)))
        return message
    }
}

/// Attributes end to end in a message, after its fixed part. Stops at the first that isn't whole.
struct NetlinkAttributes: Sequence, IteratorProtocol {
    struct Attribute {
        /// Without the flags for nesting and byte order.
        let type: Int
        let value: UnsafeRawBufferPointer

        /// Nil unless the value has exactly four bytes.
        var number: UInt32? {
            value.count == 4 ? value.loadUnaligned(as: UInt32.self) : nil
        }

        /// The bytes before the first zero.
        var text: String {
            String(decoding: value.prefix { $0 != 0 }, as: UTF8.self)
        }
    }

    private var rest: UnsafeRawBufferPointer

    /// - Parameter fixedSize: bytes of the payload before the first attribute.
    init(_ payload: UnsafeRawBufferPointer, after fixedSize: Int) {
        rest = UnsafeRawBufferPointer(rebasing: payload.dropFirst(netlinkAligned(fixedSize)))
    }

    mutating func next() -> Attribute? {
        let headerSize = MemoryLayout<rtattr>.size
        guard rest.count >= headerSize else { return nil }
        let header = rest.loadUnaligned(as: rtattr.self)
        let length = Int(header.rta_len)
        guard length >= headerSize, length <= rest.count else { return nil }
        let attribute = Attribute(
            type: Int(header.rta_type & 0x3fff), value: UnsafeRawBufferPointer(rebasing: rest[headerSize..<length]))
        rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(netlinkAligned(length)))
        return attribute
    }
}

/// A netlink request under construction.
struct NetlinkRequest {
    private(set) var bytes: [UInt8] = []

    /// - Parameters:
    ///   - type: `RTM_…`.
    ///   - flags: `NLM_F_…` beside `NLM_F_REQUEST`.
    ///   - fixed: the part before the attributes.
    init<Fixed>(_ type: Int, flags: Int32, _ fixed: Fixed) {
        var header = nlmsghdr()
        header.nlmsg_type = UInt16(truncatingIfNeeded: type)
        header.nlmsg_flags = UInt16(truncatingIfNeeded: flags | NLM_F_REQUEST)
        append(header)
        append(fixed)
    }

    mutating func add<Value>(_ type: Int, _ value: Value) {
        var header = rtattr()
        header.rta_len = UInt16(truncatingIfNeeded: MemoryLayout<rtattr>.size + MemoryLayout<Value>.size)
        header.rta_type = UInt16(truncatingIfNeeded: type)
        append(header)
        append(value)
    }

    /// An attribute that holds those that `body` adds.
    mutating func nest(_ type: Int, _ body: (inout NetlinkRequest) -> Void) {
        let start = bytes.count
        var header = rtattr()
        header.rta_type = UInt16(truncatingIfNeeded: type)
        append(header)
        body(&self)
        let length = UInt16(truncatingIfNeeded: bytes.count - start)
        withUnsafeBytes(of: length) { bytes.replaceSubrange(start..<start + 2, with: $0) }
    }

    /// The request with its length and `sequence` filled in.
    func finished(sequence: UInt32) -> [UInt8] {
        var whole = bytes
        whole.withUnsafeMutableBytes { target in
            var header = target.loadUnaligned(as: nlmsghdr.self)
            header.nlmsg_len = UInt32(truncatingIfNeeded: target.count)
            header.nlmsg_seq = sequence
            target.storeBytes(of: header, as: nlmsghdr.self)
        }
        return whole
    }

    private mutating func append<Value>(_ value: Value) {
        withUnsafeBytes(of: value) { bytes.append(contentsOf: $0) }
        while bytes.count != netlinkAligned(bytes.count) { bytes.append(0) }
    }
}

private func netlinkAligned(_ length: Int) -> Int {
    (length + 3) & ~3
}
