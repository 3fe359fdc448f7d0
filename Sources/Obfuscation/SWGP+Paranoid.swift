package import NoisePrimitives
import Synchronization
package import Tunnel
import Wire

/// How long all datagrams of swgp-go's paranoid modes are: as long as fits into one IP packet.
struct SWGPSizes: Sendable {
    let ipv4: Int
    let ipv6: Int

    init(pathMTU: Int) {
        ipv4 = pathMTU - SWGP.headers4
        ipv6 = pathMTU - SWGP.headers6
    }

    func contain(_ count: Int) -> Bool { count == ipv4 || count == ipv6 }
}

/// swgp-go's paranoid modes: every message is padded to the length of all datagrams and encrypted. Obfuscation §2.
///
///     nonce ‖ XChaCha20-Poly1305(u16 length ‖ message ‖ padding)
///
/// The mode that dates handshakes has the time behind those messages. The other side takes datagrams of one length alone, which depends on
/// the family of its addresses. A disguise isn't told addresses: it does as the other side does, and as long as nothing has come it tries
/// both in turn.
package final class SWGPParanoidDisguise: Disguise {
    package let dialect: Int
    private let key: Secret32
    private let isDated: Bool
    private let sizes: SWGPSizes
    /// The length of the other side's datagrams, 0 while it isn't known.
    private let known = Atomic<Int>(0)
    /// Initiations since anything came.
    private let unanswered = Atomic<Int>(0)

    init(_ settings: SWGPSettings, dialect: Int) {
        self.dialect = dialect
        key = settings.key
        isDated = settings.isDated
        sizes = SWGPSizes(pathMTU: settings.pathMTU)
    }

    // MARK: Data

    package func layout(ofSealed content: Int, draw: UInt64) -> DataLayout {
        let size = known.load(ordering: .relaxed)
        let prefix = SWGP.nonceSize + SWGP.lengthSize + Message.Data.headerSize
        // A message that is too long for the path goes as it is; the other side doesn't take it.
        let suffix = max(Message.tagSize, (size == 0 ? sizes.ipv4 : size) - prefix - content - Message.tagSize)
        return DataLayout(prefix: prefix, content: content, suffix: suffix)
    }

    package func conceal(_ run: DataRun, random: inout KeystreamGenerator) {
        let key = key.bytes
        for datagram in Datagrams(run) {
            // Safe: a datagram is as long as its layout says, which has room for all of this.
            let start = datagram.baseAddress.unsafelyUnwrapped
            let message = start + SWGP.nonceSize + SWGP.lengthSize
            let suffix = DataHeader.takeSuffix(message)
            let length = datagram.count &- SWGP.nonceSize &- SWGP.lengthSize &- suffix
            let padding = suffix &- Message.tagSize
            (message + length).initializeMemory(as: UInt8.self, repeating: 0, count: padding)
            seal(start, message: length, padding: padding, key: key, random: &random)
        }
    }

    // MARK: Handshakes

    package func encode(
        _ handshake: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, at now: Moment,
        random: inout KeystreamGenerator
    ) -> Int {
        let size = handshakeSize(handshake)
        let time = isDated ? SWGP.timeSize : 0
        let padding = size - SWGP.paranoidOverhead - handshake.count
        guard padding >= time, output.count >= size, let start = output.baseAddress else { return 0 }
        let message = start + SWGP.nonceSize + SWGP.lengthSize
        UnsafeMutableRawBufferPointer(start: message, count: handshake.count).copyMemory(from: handshake)
        (message + handshake.count).initializeMemory(as: UInt8.self, repeating: 0, count: padding)
        if isDated { message.storeLittleEndian(now.wall.seconds, at: handshake.count) }
        seal(start, message: handshake.count, padding: padding, key: key.bytes, random: &random)
        return size
    }

    package func noticed(hint: UInt8, length: Int) {
        guard sizes.contain(length) else { return }
        if known.load(ordering: .relaxed) != length { known.store(length, ordering: .relaxed) }
        if unanswered.load(ordering: .relaxed) != 0 { unanswered.store(0, ordering: .relaxed) }
    }

    /// An initiation shows whether the other length is the right one: at once while nothing has come, and after some without answer when
    /// the addresses may have changed.
    private func handshakeSize(_ handshake: UnsafeRawBufferPointer) -> Int {
        let known = known.load(ordering: .relaxed)
        let size = known == 0 ? sizes.ipv4 : known
        guard Message.kind(of: handshake) == .initiation else { return size }
        let before = unanswered.wrappingAdd(1, ordering: .relaxed).oldValue
        let tries = before - (known == 0 ? 0 : 3)
        guard tries > 0, !tries.isMultiple(of: 2) else { return size }
        return size == sizes.ipv4 ? sizes.ipv6 : sizes.ipv4
    }

    /// Writes nonce, length and tag around a message and its padding.
    private func seal(
        _ start: UnsafeMutableRawPointer, message: Int, padding: Int, key: Bytes32, random: inout KeystreamGenerator
    ) {
        random.fill(start, count: SWGP.nonceSize)
        let plaintext = start + SWGP.nonceSize
        SWGP.store(length: message, to: plaintext, isDated: isDated)
        XChaCha20Poly1305.seal(
            key: key, nonce: UnsafeRawBufferPointer(start: start, count: SWGP.nonceSize),
            UnsafeRawBufferPointer(start: plaintext, count: SWGP.lengthSize &+ message &+ padding),
            associatedData: .empty, into: plaintext)
    }
}

/// Takes what ``SWGPParanoidDisguise`` and swgp-go make.
package final class SWGPParanoidInboundCodec: InboundCodec {
    package let dialect: Int
    package var replyDisguise: (any Disguise)? { reply }
    /// Answers in the length of what came last.
    private let reply: SWGPParanoidDisguise
    private let key: Secret32
    private let isDated: Bool
    private let sizes: SWGPSizes
    private let replays: ReplayGuard

    init(_ settings: SWGPSettings, dialect: Int, replays: ReplayGuard) {
        self.dialect = dialect
        self.replays = replays
        key = settings.key
        isDated = settings.isDated
        sizes = SWGPSizes(pathMTU: settings.pathMTU)
        reply = SWGPParanoidDisguise(settings, dialect: dialect)
    }

    // MARK: Data

    package func receiver(of datagram: UnsafeRawBufferPointer) -> UInt32? {
        guard sizes.contain(datagram.count), let start = datagram.baseAddress else { return nil }
        let head = head(of: start)
        guard head.kind == Message.Kind.data.rawValue, head.length >= Message.Data.overhead,
            head.length <= datagram.count - SWGP.paranoidOverhead
        else { return nil }
        return head.index
    }

    package func reveal(
        _ run: ReceivedRun, receiver: UInt32, into messages: UnsafeMutablePointer<DataMessage>
    ) -> RevealedRun {
        var result = RevealedRun()
        let key = key.bytes
        for datagram in Datagrams(run) {
            guard self.receiver(of: UnsafeRawBufferPointer(datagram)) == receiver else { break }
            result.datagrams += 1
            // Safe: what has a receiver isn't empty.
            let plaintext = datagram.baseAddress.unsafelyUnwrapped + SWGP.nonceSize
            let sealed = UnsafeRawBufferPointer(start: plaintext, count: datagram.count - SWGP.nonceSize)
            let nonce = UnsafeRawBufferPointer(datagram).part(0, SWGP.nonceSize)
            guard XChaCha20Poly1305.open(key: key, nonce: nonce, sealed, associatedData: .empty, into: plaintext) else {
                continue
            }
            // Safe: the length is the one that was looked at above, now decrypted.
            let message = UnsafeMutableRawBufferPointer(
                start: plaintext + SWGP.lengthSize, count: SWGP.length(plaintext, isDated: isDated))
            (messages + result.messages).initialize(to: DataMessage(revealed: message))
            result.messages += 1
        }
        return result
    }

    // MARK: Handshakes

    package func handshake(
        in datagram: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, at now: Moment,
        isGenuine: (UnsafeRawBufferPointer) -> Bool
    ) -> HandshakeFinding {
        guard sizes.contain(datagram.count), datagram.count <= output.count, let start = datagram.baseAddress,
            let target = output.baseAddress
        else { return .none }
        let head = head(of: start)
        let time = isDated ? SWGP.timeSize : 0
        guard head.kind != Message.Kind.data.rawValue, HandshakeSizes.contain(head.length),
            head.length + time <= datagram.count - SWGP.paranoidOverhead
        else { return .none }
        let opened = XChaCha20Poly1305.open(
            key: key.bytes, nonce: datagram.part(0, SWGP.nonceSize),
            datagram.part(SWGP.nonceSize, datagram.count - SWGP.nonceSize), associatedData: .empty, into: target)
        guard opened else { return .none }
        let date = Int64(bitPattern: UnsafeRawPointer(target).littleEndian64(at: SWGP.lengthSize + head.length))
        output.copyMemory(from: UnsafeRawBufferPointer(output).part(SWGP.lengthSize, head.length))
        let message = UnsafeRawBufferPointer(output).part(0, head.length)
        let finding = HandshakeFinding.genuine(message, isGenuine: isGenuine)
        guard finding != .none else { return .none }
        reply.noticed(hint: 0, length: datagram.count)
        guard isDated else { return finding }
        let tag = start + datagram.count - Message.tagSize
        return SWGP.check(dated: date, tag: tag, at: now, replays).map { .refused($0) } ?? finding
    }

    /// Length, kind and index of the message in a datagram, without looking whether they are authentic.
    private func head(of start: UnsafeRawPointer) -> (length: Int, kind: UInt32, index: UInt32) {
        var bytes: (UInt64, UInt16) = (0, 0)
        return withUnsafeMutableBytes(of: &bytes) { bytes in
            // Safe: a tuple has an address, and a datagram is longer than nonce and head.
            let target = bytes.baseAddress.unsafelyUnwrapped
            target.copyMemory(from: start + SWGP.nonceSize, byteCount: SWGP.lengthSize + 8)
            let nonce = UnsafeRawBufferPointer(start: start, count: SWGP.nonceSize)
            XChaCha20Poly1305.peek(key: key.bytes, nonce: nonce, target, count: SWGP.lengthSize + 8)
            let plain = UnsafeRawPointer(target)
            return (
                SWGP.length(plain, isDated: isDated), plain.littleEndian32(at: SWGP.lengthSize),
                plain.littleEndian32(at: SWGP.lengthSize + 4)
            )
        }
    }
}
