import NoisePrimitives
import Tunnel
import Wire

/// How AmneziaWG's messages lie on the wire, worked out from the settings once. Obfuscation §1.3 and §1.5.
///
///     datagram = prefix || message, of which the key covers the message without its ciphertext || trailer
struct AmneziaWGForm: Sendable {
    /// One kind of message.
    struct Kind: Sendable {
        /// Bytes before the message.
        let prefix: Int
        /// Bytes of the message that the key covers: all of a handshake message, the header of a data message.
        let size: Int
        /// What the first four bytes may be, as a little-endian number.
        let types: ClosedRange<UInt32>
        /// `types` without the check of its bounds.
        private let first: UInt32
        private let span: UInt32

        init(_ settings: AmneziaWGSettings, place: Int, size: Int) {
            prefix = Int(settings.prefixes[place])
            types = settings.effectiveHeaders[place]
            first = types.lowerBound
            span = types.upperBound - types.lowerBound
            self.size = size
        }

        /// Whether chance gives other bytes such a type once in 2^16 times or less.
        var isTelling: Bool { span < 1 << 16 }

        @inline(__always)
        func accepts(_ type: UInt32) -> Bool { type &- first <= span }

        /// A type, each as likely as the others.
        @inline(__always)
        func type(_ random: inout KeystreamGenerator) -> UInt32 {
            span == 0 ? first : random.number(in: types)
        }
    }

    let initiation: Kind
    let response: Kind
    let cookieReply: Kind
    let data: Kind
    /// Nil for no header protection.
    let key: Secret32?
    let hasTrailers: Bool

    init(_ settings: AmneziaWGSettings) {
        initiation = Kind(settings, place: 0, size: Message.Initiation.size)
        response = Kind(settings, place: 1, size: Message.Response.size)
        cookieReply = Kind(settings, place: 2, size: Message.CookieReply.size)
        data = Kind(settings, place: 3, size: Message.Data.headerSize)
        key = settings.headerProtectionKey.isZero ? nil : settings.headerProtectionKey
        hasTrailers = settings.randomTrailers
    }

    /// The kind of a handshake message, by its number; nil for anything else.
    subscript(_ kind: Message.Kind?) -> Kind? {
        switch kind {
        case .initiation: initiation
        case .response: response
        case .cookieReply: cookieReply
        case .data, nil: nil
        }
    }

    /// Covers the first `size` bytes of the message at `message` in the datagram at `datagram`, or uncovers them.
    ///
    /// The nonce is the first twelve bytes of the prefix, which ``AmneziaWGSettings/validate()`` has seen to be that long.
    @inline(__always)
    func cover(_ message: UnsafeMutableRawPointer, size: Int, of datagram: UnsafeRawPointer) {
        guard let key else { return }
        ChaCha20.apply(key: key, nonce: datagram, to: message, count: size)
    }
}

/// The header of a data message.
struct AmneziaWGHeader {
    let type: UInt32
    let receiver: UInt32
    let counter: UInt64

    /// Reads the header of a datagram that has the prefix, a header and a tag.
    @inline(__always)
    init(of datagram: UnsafeRawPointer, _ form: borrowing AmneziaWGForm) {
        // Safe: a whole header stands behind the prefix.
        let header = datagram + form.data.prefix
        var words = (
            header.loadUnaligned(as: UInt64.self), header.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
        )
        if form.key != nil {
            withUnsafeMutableBytes(of: &words) { words in
                form.cover(words.baseAddress.unsafelyUnwrapped, size: Message.Data.headerSize, of: datagram)
            }
        }
        let first = UInt64(littleEndian: words.0)
        type = UInt32(truncatingIfNeeded: first)
        receiver = UInt32(truncatingIfNeeded: first >> 32)
        counter = UInt64(littleEndian: words.1)
    }
}
