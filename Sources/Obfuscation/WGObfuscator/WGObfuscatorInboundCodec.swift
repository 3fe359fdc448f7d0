package import Tunnel
package import Wire

/// Takes both versions of wg-obfuscator. If masking is wished for, only what is masked, and binding requests are answered, which also
/// strangers can send; otherwise what is masked and what isn't, in silence. Obfuscation §3.
package final class WGObfuscatorInboundCodec: InboundCodec {
    package let dialect: Int
    package var replyDisguise: (any Disguise)? { reply }
    /// Answers in the form of what came last.
    private let reply: WGObfuscatorDisguise
    private let keystream: WGObfuscatorKeystream
    private let usesSTUN: Bool

    init(_ settings: WGObfuscatorSettings, dialect: Int) {
        self.dialect = dialect
        keystream = settings.keystream
        usesSTUN = settings.usesSTUN
        reply = WGObfuscatorDisguise(settings, dialect: dialect)
    }

    // MARK: Data

    package func receiver(of datagram: UnsafeRawBufferPointer) -> UInt32? {
        find(datagram)?.receiver
    }

    package func reveal(
        _ run: ReceivedRun, receiver: UInt32, into messages: UnsafeMutablePointer<DataMessage>
    ) -> RevealedRun {
        var result = RevealedRun()
        for datagram in Datagrams(run) {
            guard let found = find(UnsafeRawBufferPointer(datagram)), found.receiver == receiver else { break }
            let inner = datagram.part(found.start, found.length)
            keystream.apply(to: inner)
            let message = inner.part(0, found.length &- found.behind)
            (messages + result.datagrams).initialize(to: DataMessage(revealed: message))
            result.datagrams += 1
            result.hint = found.form.rawValue
        }
        result.messages = result.datagrams
        return result
    }

    private struct Found {
        let receiver: UInt32
        /// Where the message begins, how many bytes it has together with those behind it, and how many these are.
        let start: Int
        let length: Int
        let behind: Int
        let form: WGObfuscatorForm
    }

    /// The data message in a datagram.
    @inline(__always)
    private func find(_ datagram: UnsafeRawBufferPointer) -> Found? {
        guard let (start, length) = inner(of: datagram), length >= Message.Data.overhead,
            let base = datagram.baseAddress
        else { return nil }
        let head = (base + start).littleEndian64(at: 0) ^ keystream.head(length: length)
        let header = Header(UInt32(truncatingIfNeeded: head))
        guard header.kind == Message.Kind.data.rawValue, header.behind <= length &- Message.Data.overhead else {
            return nil
        }
        var form = header.form
        if start > 0 { form.insert(.isMasked) }
        return Found(
            receiver: UInt32(truncatingIfNeeded: head >> 32), start: start, length: length, behind: header.behind,
            form: form)
    }

    /// Where in a datagram the message stands that the keystream is over, and its length; nil when it isn't masked as it has to be.
    @inline(__always)
    private func inner(of datagram: UnsafeRawBufferPointer) -> (start: Int, length: Int)? {
        if let length = STUN.dataLength(of: datagram) { return (STUN.dataHeaderSize, length) }
        return usesSTUN ? nil : (0, datagram.count)
    }

    // MARK: Handshakes

    package func handshake(
        in datagram: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, at now: Moment,
        isGenuine: (UnsafeRawBufferPointer) -> Bool
    ) -> HandshakeFinding {
        if STUN.isMessage(datagram) {
            switch STUN.kind(of: datagram) {
            case .bindingRequest:
                guard usesSTUN, output.count >= DisguiseLimits.datagram, let target = output.baseAddress else {
                    return .ignored
                }
                return .answer(STUN.storeBindingResponse(to: datagram, into: target))
            case .bindingResponse: return .ignored
            case .data, nil: break
            }
        }
        guard let (start, length) = inner(of: datagram), length >= Message.CookieReply.size, length <= output.count
        else {
            return .none
        }
        let message = output.part(0, length)
        message.copyMemory(from: datagram.part(start, length))
        keystream.apply(to: message)
        // Safe: it has more than four bytes.
        let header = Header(UnsafeRawPointer(message.baseAddress.unsafelyUnwrapped).littleEndian32(at: 0))
        guard header.behind <= length else { return .none }
        message.baseAddress.unsafelyUnwrapped.storeLittleEndian(header.kind, at: 0)
        var form = header.form
        if start > 0 { form.insert(.isMasked) }
        let finding = HandshakeFinding.genuine(
            UnsafeRawBufferPointer(message).part(0, length - header.behind), hint: form.rawValue, isGenuine: isGenuine)
        if finding != .none { reply.noticed(hint: form.rawValue, length: datagram.count) }
        return finding
    }

    package func complete(
        _ answer: UnsafeMutableRawBufferPointer, length: Int, for sender: Endpoint
    ) -> Int {
        guard answer.count >= DisguiseLimits.datagram, let start = answer.baseAddress else { return length }
        return STUN.complete(start, with: sender)
    }

    /// The first four bytes of a message without its keystream.
    private struct Header {
        let kind: UInt32
        /// How many bytes stand behind the message.
        let behind: Int
        let form: WGObfuscatorForm

        @inline(__always)
        init(_ word: UInt32) {
            if (1...4).contains(word) {
                kind = word
                behind = 0
                form = .isOld
            } else {
                kind = (word ^ word >> 8) & 0xff
                behind = Int(word >> 16)
                form = []
            }
        }
    }
}
