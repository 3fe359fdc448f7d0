import Tunnel
import Wire

extension DataMessage {
    /// The message of a datagram in WireGuard's own form, which has a whole header and room for a tag.
    @inline(__always)
    init(revealed datagram: UnsafeMutableRawBufferPointer) {
        // Safe: a datagram of at least 32 bytes has an address.
        let start = datagram.baseAddress.unsafelyUnwrapped
        self.init(
            counter: UnsafeRawPointer(start).littleEndian64(at: Message.Data.counter),
            body: start + Message.Data.headerSize, length: datagram.count &- Message.Data.headerSize)
    }
}

enum HandshakeSizes {
    /// The longest initiation, response or cookie reply in bytes.
    static let most = Message.Initiation.size

    /// Whether one of these messages has so many bytes.
    static func contain(_ count: Int) -> Bool {
        count == Message.Initiation.size || count == Message.Response.size || count == Message.CookieReply.size
    }
}

extension HandshakeFinding {
    /// A handshake message in WireGuard's own form, if it is one and genuine.
    static func genuine(
        _ message: UnsafeRawBufferPointer, hint: UInt8 = 0, isGenuine: (UnsafeRawBufferPointer) -> Bool
    ) -> HandshakeFinding {
        guard let kind = Message.kind(of: message), kind != .data, isGenuine(message) else { return .none }
        return .message(message.count, hint: hint)
    }
}

extension DataHeader {
    /// Reads the suffix that a whole header tells and writes zeros in its place, so that the header is WireGuard's.
    @inline(__always)
    static func takeSuffix(_ header: UnsafeMutableRawPointer) -> Int {
        let word = UnsafeRawPointer(header).littleEndian32(at: 0)
        header.storeLittleEndian(word & 0xff, at: 0)
        return Int(word >> 8 & 0xffff)
    }
}
