import Tunnel
import Wire

/// Sizes, ranges and labels of `veil`, as docs/veil.md has them.
package enum Veil {
    /// What the root key's hash begins with.
    static let label = "nightjar veil 1"

    /// Whether a datagram that begins with `first` is taken for an initiation or a response by those who look at nothing
    /// else, as Wireshark. Veil §4.5.
    static func resemblesHandshake(_ first: UInt8, size: Int) -> Bool {
        size == Message.Initiation.size && first == 1 || size == Message.Response.size && first == 2
    }

    /// Data messages. Veil §4.
    package enum Data {
        /// Receiver index, the counter's low half and the suffix's length.
        package static var headerSize: Int { 9 }
        /// Bytes of ciphertext or tag after the header that the keystream depends on.
        static var sampleSize: Int { 16 }
        /// Header and tag.
        static var leastSize: Int { headerSize + Message.tagSize }
        /// Suffix bytes that the keystream's first block has beside the header's.
        static var suffixInFirstBlock: Int { 7 }
        /// How many lengths a suffix may have when nothing speaks for more, from 0 on. All of these numbers are multiples of
        /// 16, so that no length modulo 16 is likelier than another.
        static var suffixLengths: Int { 16 }
        /// The most that a datagram has more bytes than the largest packet.
        package static var overhead: Int { leastSize + suffixLengths - 1 }
    }

    /// Handshake datagrams. Veil §5.
    package enum Handshake {
        /// Random bytes at the start, which are the first of the nonce's.
        static var saltSize: Int { 16 }
        /// What proves the salt, which is the nonce's rest.
        static var proofSize: Int { 8 }
        static var nonceSize: Int { saltSize + proofSize }
        static var timeSize: Int { 8 }
        /// What surrounds a message and its padding.
        static var overhead: Int { nonceSize + timeSize + Message.tagSize }
        /// A datagram with the kind alone.
        static var leastSize: Int { overhead + 1 }
        package static var mostSize: Int { 1200 }
        /// Seconds that the clocks of both sides may be apart.
        package static var window: Int64 { 120 }
        /// The kind of a datagram that holds no message.
        static var cover: UInt8 { 0 }
        /// The most of those before an initiation.
        static var mostCovers: UInt32 { 2 }

        /// Bytes that the datagram of a message may have; the number of sizes is a multiple of 16, too.
        static func sizes(of kind: Message.Kind) -> ClosedRange<UInt32>? {
            switch kind {
            case .initiation: 208...1199
            case .response: 144...895
            case .cookieReply: 112...399
            case .data: nil
            }
        }

        static let coverSizes: ClosedRange<UInt32> = 64...1199

        /// Bytes of the message that begins with `kind`; nil when there is no such.
        static func messageSize(kind: UInt8) -> Int? {
            switch Message.Kind(rawValue: UInt32(kind)) {
            case .initiation: Message.Initiation.size
            case .response: Message.Response.size
            case .cookieReply: Message.CookieReply.size
            case .data, nil: nil
            }
        }
    }
}

extension Timing {
    /// The times of `veil`. Veil §6.
    static var veil: Timing {
        var timing = Timing()
        timing.rekeyAfterTime = 60...140
        timing.rekeyTimeout = 4...9
        timing.keepaliveTimeout = 6...14
        timing.maximumRetries = 10...18
        timing.persistentKeepaliveShare = 55...100
        return timing
    }
}
