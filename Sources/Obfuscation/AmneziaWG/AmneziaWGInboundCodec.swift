package import Tunnel
import Wire

/// Takes AmneziaWG's form off what was received. Obfuscation §1.3 to §1.5.
///
/// What a datagram is follows from its length and type, but where ranges of types are wide another kind may look the same. So each kind
/// is tried, and the tunnel tells which is right: a data message by its session, a handshake message by its MAC1. Nothing is lost.
/// What has a type that hardly comes about by chance is this dialect's, right or not.
package final class AmneziaWGInboundCodec: InboundCodec {
    package let dialect: Int
    package let replyDisguise: (any Disguise)?
    private let form: AmneziaWGForm

    /// - Parameters:
    ///   - settings: that ``AmneziaWGSettings/validate()`` finds nothing wrong with.
    ///   - number: which of the device's dialects it is, when it isn't WireGuard's own form.
    package init(_ settings: AmneziaWGSettings, number: Int) {
        dialect = settings.isPlainOnTheWire ? plainDialect : number
        replyDisguise =
            settings.disablesCookies ? nil : AmneziaWGDisguise(settings, number: number, peer: nil)
        form = AmneziaWGForm(settings)
    }

    package func receiver(of datagram: UnsafeRawBufferPointer) -> UInt32? {
        guard datagram.count >= form.data.prefix &+ Message.Data.overhead, let start = datagram.baseAddress else {
            return nil
        }
        let header = AmneziaWGHeader(of: start, form)
        return form.data.accepts(header.type) ? header.receiver : nil
    }

    package func reveal(
        _ run: ReceivedRun, receiver: UInt32, into messages: UnsafeMutablePointer<DataMessage>
    ) -> RevealedRun {
        let body = form.data.prefix &+ Message.Data.headerSize
        let least = form.data.prefix &+ Message.Data.overhead
        var count = 0
        for datagram in Datagrams(run) {
            guard datagram.count >= least else { break }
            // Safe: a datagram of at least 32 bytes has an address.
            let start = datagram.baseAddress.unsafelyUnwrapped
            let header = AmneziaWGHeader(of: start, form)
            guard header.receiver == receiver, form.data.accepts(header.type) else { break }
            (messages + count).initialize(
                to: DataMessage(counter: header.counter, body: start + body, length: datagram.count &- body))
            count &+= 1
        }
        return RevealedRun(datagrams: count, messages: count)
    }

    package func handshake(
        in datagram: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, at now: Moment,
        isGenuine: (UnsafeRawBufferPointer) -> Bool
    ) -> HandshakeFinding {
        var refusal: DropReason?
        for number in [Message.Kind.initiation, .response, .cookieReply] {
            guard let kind = form[number], let message = message(kind, in: datagram, into: output) else { continue }
            if isGenuine(message) { return .message(kind.size) }
            if kind.isTelling { refusal = number == .cookieReply ? .cookieReplyUnexpected : .wrongMAC1 }
        }
        return refusal.map { .refused($0) } ?? .none
    }

    /// Writes what a datagram holds, if it is of one kind, to `output`.
    private func message(
        _ kind: AmneziaWGForm.Kind, in datagram: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
    ) -> UnsafeRawBufferPointer? {
        let end = kind.prefix + kind.size
        guard form.hasTrailers ? datagram.count >= end : datagram.count == end, output.count >= kind.size,
            let source = datagram.baseAddress, let target = output.baseAddress
        else { return nil }
        target.copyMemory(from: source + kind.prefix, byteCount: kind.size)
        form.cover(target, size: kind.size, of: source)
        guard kind.accepts(UnsafeRawPointer(target).littleEndian32(at: 0)) else { return nil }
        return UnsafeRawBufferPointer(start: target, count: kind.size)
    }
}
