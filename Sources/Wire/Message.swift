/// The four WireGuard messages: kinds, sizes and field offsets. All integers are little-endian. Protocol §2.
public enum Message {
    /// The first four bytes of a datagram, read as one number: a type byte and three reserved zeros.
    public enum Kind: UInt32, Sendable {
        case initiation = 1
        case response = 2
        case cookieReply = 3
        case data = 4
    }

    /// Bytes of an authentication tag.
    @inlinable public static var tagSize: Int { 16 }
    /// Bytes of MAC1 and of MAC2, which end an initiation and a response.
    @inlinable public static var macSize: Int { 16 }

    /// The first message of a handshake: its size and offsets in bytes.
    public enum Initiation {
        @inlinable public static var size: Int { 148 }
        @inlinable public static var sender: Int { 4 }
        @inlinable public static var ephemeral: Int { 8 }
        @inlinable public static var encryptedStatic: Int { 40 }
        @inlinable public static var encryptedTimestamp: Int { 88 }
    }

    /// The second message of a handshake: its size and offsets in bytes.
    public enum Response {
        @inlinable public static var size: Int { 92 }
        @inlinable public static var sender: Int { 4 }
        @inlinable public static var receiver: Int { 8 }
        @inlinable public static var ephemeral: Int { 12 }
        @inlinable public static var encryptedNothing: Int { 44 }
    }

    /// What a party under load answers instead: its size and offsets in bytes.
    public enum CookieReply {
        @inlinable public static var size: Int { 64 }
        @inlinable public static var receiver: Int { 4 }
        @inlinable public static var nonce: Int { 8 }
        @inlinable public static var nonceSize: Int { 24 }
        @inlinable public static var encryptedCookie: Int { 32 }
        @inlinable public static var cookieSize: Int { 16 }
    }

    /// A packet of a session: sizes and offsets in bytes.
    public enum Data {
        @inlinable public static var headerSize: Int { 16 }
        @inlinable public static var receiver: Int { 4 }
        @inlinable public static var counter: Int { 8 }
        /// Header and tag: what a data message adds to the padded packet, and the size of a keepalive.
        @inlinable public static var overhead: Int { 32 }
    }

    /// What `datagram` claims to be, with the size that this kind must have; nil for anything else.
    public static func kind(of datagram: UnsafeRawBufferPointer) -> Kind? {
        // Safe: every branch below requires at least 32 bytes before anything is read.
        guard datagram.count >= Data.overhead, let start = datagram.baseAddress,
            let kind = Kind(rawValue: UInt32(littleEndian: start.loadUnaligned(as: UInt32.self)))
        else { return nil }
        let sizeFits =
            switch kind {
            case .initiation: datagram.count == Initiation.size
            case .response: datagram.count == Response.size
            case .cookieReply: datagram.count == CookieReply.size
            case .data: true
            }
        return sizeFits ? kind : nil
    }

    /// Which handshake message has `size` bytes: each kind has a size of its own. Nil for anything else.
    public static func kind(ofHandshakeSize size: Int) -> Kind? {
        switch size {
        case Initiation.size: .initiation
        case Response.size: .response
        case CookieReply.size: .cookieReply
        default: nil
        }
    }
}

extension UnsafeRawPointer {
    /// Reads a little-endian 32-bit number; the caller has checked that four bytes are there.
    @inlinable
    public func littleEndian32(at offset: Int) -> UInt32 {
        UInt32(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }

    /// Reads a little-endian 64-bit number; the caller has checked that eight bytes are there.
    @inlinable
    public func littleEndian64(at offset: Int) -> UInt64 {
        UInt64(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    /// Reads a big-endian 16-bit number; the caller has checked that two bytes are there.
    @inlinable
    public func bigEndian16(at offset: Int) -> UInt16 {
        UInt16(bigEndian: loadUnaligned(fromByteOffset: offset, as: UInt16.self))
    }

    /// Reads a big-endian 32-bit number; the caller has checked that four bytes are there.
    @inlinable
    public func bigEndian32(at offset: Int) -> UInt32 {
        UInt32(bigEndian: loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }
}

extension UnsafeMutableRawPointer {
    /// Writes `value` at `offset` in little-endian order; the caller has checked the room.
    @inlinable
    public func storeLittleEndian(_ value: some FixedWidthInteger, at offset: Int) {
        storeBytes(of: value.littleEndian, toByteOffset: offset, as: type(of: value))
    }

    /// Writes `value` at `offset` in network order; the caller has checked the room.
    @inlinable
    public func storeBigEndian(_ value: some FixedWidthInteger, at offset: Int) {
        storeBytes(of: value.bigEndian, toByteOffset: offset, as: type(of: value))
    }
}
