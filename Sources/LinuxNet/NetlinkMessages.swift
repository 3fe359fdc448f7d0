import CLinux
import Glibc
package import Wire

/// Netlink messages end to end in a buffer. Stops at the first that isn't whole; never reads beyond the buffer.
package struct NetlinkMessages: Sequence, IteratorProtocol {
    package struct Message {
        package let type: UInt16
        /// `NLM_F_…`.
        package let flags: UInt16
        package let sequence: UInt32
        /// What follows the header.
        package let payload: UnsafeRawBufferPointer
    }

    private var rest: UnsafeRawBufferPointer

    package init(_ bytes: UnsafeRawBufferPointer) {
        rest = bytes
    }

    package mutating func next() -> Message? {
        let headerSize = MemoryLayout<nlmsghdr>.size
        guard rest.count >= headerSize else { return nil }
        let header = rest.loadUnaligned(as: nlmsghdr.self)
        let length = Int(header.nlmsg_len)
        guard length >= headerSize, length <= rest.count else { return nil }
        let message = Message(
            type: header.nlmsg_type, flags: header.nlmsg_flags, sequence: header.nlmsg_seq,
            payload: UnsafeRawBufferPointer(rebasing: rest[headerSize..<length]))
        rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(netlinkAligned(length)))
        return message
    }
}

/// Attributes end to end in a message, after its fixed part. Stops at the first that isn't whole.
package struct NetlinkAttributes: Sequence, IteratorProtocol {
    package struct Attribute {
        /// Without the flags for nesting and byte order.
        package let type: Int
        package let value: UnsafeRawBufferPointer

        /// Nil unless the value has exactly four bytes.
        package var number: UInt32? { integer() }

        /// A number in the machine's byte order; nil unless the value has exactly its size.
        package func integer<Number: FixedWidthInteger & BitwiseCopyable>(_: Number.Type = Number.self) -> Number? {
            value.count == MemoryLayout<Number>.size ? value.loadUnaligned(as: Number.self) : nil
        }

        /// The bytes before the first zero.
        package var text: String {
            String(decoding: value.prefix { $0 != 0 }, as: UTF8.self)
        }

        /// Nil unless the value has exactly four or sixteen bytes.
        package var address: IPAddress? {
            guard let start = value.baseAddress else { return nil }
            return switch value.count {
            case 4: .v4(IPv4Address(loading: start))
            case 16: .v6(IPv6Address(loading: start))
            default: nil
            }
        }

        /// Nil unless the value is a whole `sockaddr_in` or `sockaddr_in6`.
        package var endpoint: Endpoint? { SocketAddress.load(whole: value) }

        /// The attributes in this one.
        package var nested: NetlinkAttributes { NetlinkAttributes(value, after: 0) }
    }

    private var rest: UnsafeRawBufferPointer

    /// - Parameter fixedSize: bytes of the payload before the first attribute.
    package init(_ payload: UnsafeRawBufferPointer, after fixedSize: Int) {
        rest = UnsafeRawBufferPointer(rebasing: payload.dropFirst(netlinkAligned(fixedSize)))
    }

    package mutating func next() -> Attribute? {
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

/// How the kernel ends an answer: by an `NLMSG_ERROR`, which is also its plain consent, or by the end of a dump.
struct NetlinkVerdict: Equatable {
    /// An `errno` value; 0 for success.
    let code: Int32
    /// What the kernel says about it in words, if anything.
    let detail: String?

    /// Nil when `message` isn't a verdict.
    init?(_ message: NetlinkMessages.Message) {
        let payload = message.payload
        let isError = Int(message.type) == Int(NLMSG_ERROR)
        guard isError || Int(message.type) == Int(NLMSG_DONE) else { return nil }
        guard payload.count >= 4 else {
            code = isError ? EBADMSG : 0
            detail = nil
            return
        }
        // Safe: the kernel reports a negated errno; what can't be negated isn't one, and stays as it is.
        code = 0 &- payload.loadUnaligned(as: Int32.self)
        guard Int32(message.flags) & NLM_F_ACK_TLVS != 0 else {
            detail = nil
            return
        }
        // An error repeats the request, or only its header, before it speaks.
        var start = 4
        if isError {
            let header = MemoryLayout<nlmsghdr>.size
            let isCapped = Int32(message.flags) & NLM_F_CAPPED != 0
            guard payload.count >= 4 + header else {
                detail = nil
                return
            }
            let length = payload.loadUnaligned(fromByteOffset: 4, as: nlmsghdr.self).nlmsg_len
            start += isCapped ? header : Swift.max(Int(length), header)
        }
        detail = NetlinkAttributes(payload, after: start).first { $0.type == Int(NLMSGERR_ATTR_MSG.rawValue) }?.text
    }
}

func netlinkAligned(_ length: Int) -> Int {
    (length + 3) & ~3
}
