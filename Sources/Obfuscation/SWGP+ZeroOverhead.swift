package import NoisePrimitives
package import Tunnel
import Wire

/// swgp-go's zero-overhead modes: the first sixteen bytes of every message are one AES block, the rest of a handshake message is padded to
/// a random length and encrypted, the rest of a data message is left as it is. Obfuscation §2.
///
///     AES(message[..<16]) ‖ XChaCha20-Poly1305(message[16...] ‖ padding ‖ u16 length) ‖ nonce
///
/// The mode that dates handshakes has the time behind the length and authenticates the first block, too.
package final class SWGPDisguise: Disguise {
    package let dialect: Int
    private let cipher: AES256
    private let key: Secret32
    private let isDated: Bool
    /// Bytes of the longest handshake.
    private let longest: Int

    init(_ settings: SWGPSettings, dialect: Int) {
        self.dialect = dialect
        cipher = AES256(key: settings.key)
        key = settings.key
        isDated = settings.isDated
        // What fits whatever the addresses' family is.
        longest = min(settings.pathMTU - SWGP.headers6, DisguiseLimits.datagram)
    }

    package func conceal(_ run: DataRun, random: inout KeystreamGenerator) {
        for datagram in Datagrams(run) {
            // Safe: a data message has a header of sixteen bytes.
            let block = datagram.baseAddress.unsafelyUnwrapped
            cipher.encrypt(block, into: block)
        }
    }

    package func encode(
        _ handshake: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, at now: Moment,
        random: inout KeystreamGenerator
    ) -> Int {
        let trailer = SWGP.trailerSize(isDated: isDated)
        let room = longest - handshake.count - trailer - Message.tagSize - SWGP.nonceSize
        guard room >= 0, handshake.count > SWGP.blockSize, output.count >= longest,
            let start = output.baseAddress
        else { return 0 }
        let padding = room > 0 ? 1 + Int(random.below(UInt32(truncatingIfNeeded: room))) : 0
        let rest = handshake.count - SWGP.blockSize
        output.copyMemory(from: handshake)
        let end = start + handshake.count
        end.initializeMemory(as: UInt8.self, repeating: 0, count: padding)
        SWGP.store(length: rest, to: end + padding, isDated: isDated)
        if isDated { (end + padding + SWGP.lengthSize).storeLittleEndian(now.wall.seconds, at: 0) }
        let plaintext = UnsafeRawBufferPointer(start: start + SWGP.blockSize, count: rest + padding + trailer)
        let nonce = UnsafeMutableRawBufferPointer(
            start: start + SWGP.blockSize + plaintext.count + Message.tagSize, count: SWGP.nonceSize)
        random.fill(nonce.baseAddress.unsafelyUnwrapped, count: nonce.count)  // Safe: it was made from an address.
        XChaCha20Poly1305.seal(
            key: key.bytes, nonce: UnsafeRawBufferPointer(nonce), plaintext,
            associatedData: isDated ? UnsafeRawBufferPointer(start: start, count: SWGP.blockSize) : .empty,
            into: start + SWGP.blockSize)
        cipher.encrypt(start, into: start)
        return SWGP.blockSize + plaintext.count + Message.tagSize + SWGP.nonceSize
    }
}

/// Takes what ``SWGPDisguise`` and swgp-go make.
package final class SWGPInboundCodec: InboundCodec {
    package let dialect: Int
    package let replyDisguise: (any Disguise)?
    private let cipher: AES256
    private let key: Secret32
    private let isDated: Bool
    private let replays: ReplayGuard

    init(_ settings: SWGPSettings, dialect: Int, replays: ReplayGuard) {
        self.dialect = dialect
        self.replays = replays
        cipher = AES256(key: settings.key)
        key = settings.key
        isDated = settings.isDated
        replyDisguise = SWGPDisguise(settings, dialect: dialect)
    }

    package func receiver(of datagram: UnsafeRawBufferPointer) -> UInt32? {
        guard datagram.count >= Message.Data.overhead, let start = datagram.baseAddress else { return nil }
        let block = decrypted(start)
        guard UInt32(truncatingIfNeeded: block[0]) == Message.Kind.data.rawValue else { return nil }
        return UInt32(truncatingIfNeeded: block[0] >> 32)
    }

    package func reveal(
        _ run: ReceivedRun, receiver: UInt32, into messages: UnsafeMutablePointer<DataMessage>
    ) -> RevealedRun {
        let head = UInt64(receiver) << 32 | UInt64(Message.Kind.data.rawValue)
        var count = 0
        for datagram in Datagrams(run) {
            guard datagram.count >= Message.Data.overhead, let start = datagram.baseAddress else { break }
            let block = decrypted(start)
            guard block[0] == head else { break }
            start.storeLittleEndian(block[0], at: 0)
            start.storeLittleEndian(block[1], at: Message.Data.counter)
            (messages + count).initialize(to: DataMessage(revealed: datagram))
            count &+= 1  // Safe: there are no more than bytes.
        }
        return RevealedRun(datagrams: count, messages: count)
    }

    /// The first block of a datagram as little-endian numbers.
    @inline(__always)
    private func decrypted(_ start: UnsafeRawPointer) -> SIMD2<UInt64> {
        var block = SIMD2<UInt64>()
        withUnsafeMutableBytes(of: &block) { block in
            // Safe: it has an address.
            cipher.decrypt(start, into: block.baseAddress.unsafelyUnwrapped)
        }
        return SIMD2(UInt64(littleEndian: block[0]), UInt64(littleEndian: block[1]))
    }

    package func handshake(
        in datagram: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, at now: Moment,
        isGenuine: (UnsafeRawBufferPointer) -> Bool
    ) -> HandshakeFinding {
        let trailer = SWGP.trailerSize(isDated: isDated)
        let content = datagram.count - SWGP.blockSize - Message.tagSize - SWGP.nonceSize
        guard content >= trailer, SWGP.blockSize + content <= output.count, let start = datagram.baseAddress,
            let target = output.baseAddress
        else { return .none }
        cipher.decrypt(start, into: target)
        // Nothing but a handshake is encrypted further.
        guard let kind = Message.Kind(rawValue: UnsafeRawPointer(target).littleEndian32(at: 0)), kind != .data else {
            return .none
        }
        let opened = XChaCha20Poly1305.open(
            key: key.bytes, nonce: datagram.part(datagram.count - SWGP.nonceSize, SWGP.nonceSize),
            datagram.part(SWGP.blockSize, content + Message.tagSize),
            associatedData: isDated ? UnsafeRawBufferPointer(start: target, count: SWGP.blockSize) : .empty,
            into: target + SWGP.blockSize)
        guard opened else { return .none }
        let field = UnsafeRawPointer(target + SWGP.blockSize + content - trailer)
        let rest = SWGP.length(field, isDated: isDated)
        guard rest <= content - trailer else { return .none }
        let message = UnsafeRawBufferPointer(start: target, count: SWGP.blockSize + rest)
        let finding = HandshakeFinding.genuine(message, isGenuine: isGenuine)
        guard isDated, finding != .none else { return finding }
        let time = Int64(bitPattern: (field + SWGP.lengthSize).littleEndian64(at: 0))
        let tag = start + SWGP.blockSize + content
        return SWGP.check(dated: time, tag: tag, at: now, replays).map { .refused($0) } ?? finding
    }
}

extension SWGP {
    /// Bytes of what stands behind the padding.
    fileprivate static func trailerSize(isDated: Bool) -> Int {
        isDated ? lengthSize + timeSize : lengthSize
    }
}
