import LinuxNet
import NoisePrimitives
import Obfuscation
import Tunnel
import Wire

extension RelayLoop {
    /// The datagrams of a message; nil, and counted, when there can't be anything among them.
    func run(of message: ReceivedMessage) -> ReceivedRun? {
        guard !message.isTruncated else {
            counters.drops.count(.truncatedDatagram)
            return nil
        }
        let count = message.bytes.count
        let stride = message.segmentSize > 0 ? min(message.segmentSize, count) : count
        guard let start = message.bytes.baseAddress, stride >= Self.shortestDatagram else {
            counters.drops.count(.notWireGuard, stride > 0 ? (count + stride - 1) / stride : 1)
            return nil
        }
        return ReceivedRun(start: start, length: count, stride: stride)
    }

    /// Counts what was sent, and writes down which handshakes were taken.
    func settle(toEndpoint: Bool) {
        let tally = outbox.takeTally()
        counters.add(tally, toEndpoint: toEndpoint)
        if tally.failed > 0 {
            complain(tally.error) { .sendFailed(SystemError.text(for: tally.error)) }
        }
        if let complaint = replays.note() { note(complaint) }
    }

    /// Has a message begin with `type`; false when that takes a key that isn't known.
    static func retype(
        _ message: UnsafeMutableRawBufferPointer, _ type: UInt32, _ macs: inout RelayedMACs?, now: Instant
    ) -> Bool {
        guard macs != nil else { return UnsafeRawBufferPointer(message).type == type }
        macs?.setType(type, of: message, now: now)
        return true
    }

    /// Gives a cookie reply WireGuard's own type, which nothing covers, and wraps it anew where the message that it answers had its MACs changed.
    static func rewrap(
        _ reply: UnsafeMutableRawBufferPointer, _ macs: inout RelayedMACs?, now: Instant, random: any RandomSource
    ) -> Bool {
        guard reply.isCookieReply, let start = reply.baseAddress else { return false }
        start.storeLittleEndian(Message.Kind.cookieReply.rawValue, at: 0)
        return macs?.translate(reply, now: now, random: random) ?? true
    }
}

extension ReceivedRun {
    /// The first datagram.
    var first: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: start, count: min(stride, length)) }

    /// Goes on behind the first `count` bytes, or at the end.
    mutating func drop(_ count: Int) {
        let count = min(count, length)
        self = ReceivedRun(start: start + count, length: length - count, stride: stride)
    }
}

extension RelaySides {
    /// Which of the known clients an initiation or response is for: MAC1 tells.
    func client(of message: UnsafeRawBufferPointer) -> PublicKey? {
        clientMACs.first { $0.macs.matchesMAC1(of: message) }?.key
    }
}

extension MACKeys {
    /// Whether the MAC1 of an initiation or response is right.
    func matchesMAC1(of message: UnsafeRawBufferPointer) -> Bool {
        guard let start = message.baseAddress, message.count > 2 * Message.macSize else { return false }
        return mac1(of: message) == Bytes16(loading: start + message.count - 2 * Message.macSize)
    }
}

// Safe: the shortest handshake message has 64 bytes, and nothing else gets here.
extension UnsafeRawBufferPointer {
    /// The first four bytes as a number.
    var type: UInt32 { count >= 4 ? baseAddress.unsafelyUnwrapped.littleEndian32(at: 0) : 0 }

    /// The session that a cookie reply is for.
    var cookieReceiver: UInt32 {
        count >= 8 ? baseAddress.unsafelyUnwrapped.littleEndian32(at: Message.CookieReply.receiver) : 0
    }
}

extension UnsafeMutableRawBufferPointer {
    var isCookieReply: Bool { count == Message.CookieReply.size }

    /// The index that the sender of an initiation or response receives under; both have it at the same place.
    var sender: UInt32 {
        count >= 8
            ? UnsafeRawPointer(baseAddress.unsafelyUnwrapped).littleEndian32(at: Message.Initiation.sender) : 0
    }
}
