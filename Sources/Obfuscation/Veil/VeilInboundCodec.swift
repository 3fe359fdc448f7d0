package import Tunnel
import Wire

/// Takes `veil` off. docs/veil.md.
package final class VeilInboundCodec: InboundCodec {
    package let dialect: Int
    package let replyDisguise: (any Disguise)?
    private let keys: VeilKeys
    private let replays: ReplayGuard

    /// Nil when the public key of the side that is called isn't known.
    package init?(_ settings: VeilSettings, dialect: Int, keys: CodecKeys, replays: ReplayGuard) {
        guard let receiving = VeilKeys(settings, keys: keys, sending: false) else { return nil }
        self.dialect = dialect
        self.keys = receiving
        self.replays = replays
        replyDisguise = VeilDisguise(settings, dialect: dialect, keys: keys)
    }

    // MARK: Data

    package func receiver(of datagram: UnsafeRawBufferPointer) -> UInt32? {
        guard datagram.count >= Veil.Data.leastSize, let start = datagram.baseAddress else { return nil }
        let header = Header(at: start, keys)
        return Int(header.suffix) <= datagram.count - Veil.Data.leastSize ? header.receiver : nil
    }

    package func reveal(
        _ run: ReceivedRun, receiver: UInt32, into messages: UnsafeMutablePointer<DataMessage>
    ) -> RevealedRun {
        var revealed = RevealedRun()
        var position = 0
        while position < run.length {
            let length = min(run.stride, run.length &- position)
            guard length >= Veil.Data.leastSize else { break }
            let slot = run.start + position
            let header = Header(at: slot, keys)
            let room = length &- Veil.Data.leastSize
            let suffix = Int(header.suffix)
            guard header.receiver == receiver, suffix <= room else { break }
            position &+= length
            revealed.datagrams &+= 1
            let body = slot + Veil.Data.headerSize
            guard keys.isSuffix(before: slot + length, count: suffix, sample: body, mask: header.mask) else {
                continue
            }
            (messages + revealed.messages).initialize(
                to: DataMessage(
                    counter: UInt64(header.counter), body: body, length: length &- Veil.Data.headerSize &- suffix))
            revealed.messages &+= 1
        }
        return revealed
    }

    /// The header of a datagram of at least ``Veil/Data/leastSize`` bytes.
    private struct Header {
        let receiver: UInt32
        let counter: UInt32
        let suffix: UInt8
        let mask: VeilMask

        @inline(__always)
        init(at start: UnsafeRawPointer, _ keys: VeilKeys) {
            mask = keys.mask(of: start + Veil.Data.headerSize)
            let numbers = start.littleEndian64(at: 0) ^ mask.header
            receiver = UInt32(truncatingIfNeeded: numbers)
            counter = UInt32(truncatingIfNeeded: numbers >> 32)
            suffix = start.load(fromByteOffset: 8, as: UInt8.self) ^ mask.suffixLength
        }
    }

    // MARK: Handshakes

    package func handshake(
        in datagram: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, at now: Moment,
        isGenuine: (UnsafeRawBufferPointer) -> Bool
    ) -> HandshakeFinding {
        guard let opened = keys.openHandshake(datagram, into: output), let start = datagram.baseAddress else {
            return .none
        }
        if opened.count == 0 { return .ignored }
        // The salt can't be another one: the tag doesn't fit then.
        let token = start.loadUnaligned(as: UInt64.self)
        switch replays.accept(token, dated: opened.time, now: now.wall, within: Veil.Handshake.window) {
        case .accepted: return .message(opened.count)
        case .replayed: return .refused(.disguiseReplayed)
        case .wrongTime: return .refused(.disguiseWrongTime)
        case .beforeStart: return .refused(.disguiseBeforeStart)
        }
    }
}
