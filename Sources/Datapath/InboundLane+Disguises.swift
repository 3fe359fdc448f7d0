import LinuxNet
import Obfuscation
import Synchronization
import Tunnel
import Wire

extension InboundLane {
    /// Handles a message whose datagrams may be in disguise.
    mutating func handle(_ message: ReceivedMessage, in disguises: InboundDisguises) {
        let stride = message.segmentSize > 0 ? message.segmentSize : message.bytes.count
        let known = disguises.known(at: message.source)
        var offset = 0
        while offset < message.bytes.count {
            let run = ReceivedRun(
                start: message.bytes.baseAddress! + offset, length: message.bytes.count - offset, stride: stride)
            let first = UnsafeRawBufferPointer(start: run.start, count: min(stride, run.length))
            var isForeign = false
            if let (codec, keypair) = find(first, known, disguises.table, &isForeign) {
                offset += handleRun(message, run, keypair: keypair, codec, disguises)
            } else {
                handleOther(first, of: message, known, isForeign: isForeign, disguises)
                offset += first.count
            }
        }
    }

    /// The session that a datagram may belong to by a codec in whose dialect the peer speaks.
    ///
    /// - Parameter isForeign: set when a session was found, but of a peer that speaks otherwise.
    private mutating func find(
        _ datagram: UnsafeRawBufferPointer, _ known: (any InboundCodec)?, _ table: DialectTable, _ isForeign: inout Bool
    ) -> (codec: any InboundCodec, keypair: Keypair)? {
        if let known, let keypair = session(of: datagram, by: known, &isForeign) { return (known, keypair) }
        for codec in table.codecs where codec !== known {
            if let keypair = session(of: datagram, by: codec, &isForeign) { return (codec, keypair) }
        }
        return nil
    }

    private mutating func session(
        of datagram: UnsafeRawBufferPointer, by codec: any InboundCodec, _ isForeign: inout Bool
    ) -> Keypair? {
        guard let receiver = codec.receiver(of: datagram), let keypair = session(receiver) else { return nil }
        guard keypair.peer.dialect.load(ordering: .relaxed) == codec.dialect else {
            isForeign = true
            return nil
        }
        return keypair
    }

    /// Handles the data messages of a session at the start of a run; returns how many bytes they are.
    private mutating func handleRun(
        _ message: ReceivedMessage, _ run: ReceivedRun, keypair: Keypair, _ codec: any InboundCodec,
        _ disguises: InboundDisguises
    ) -> Int {
        let revealed = disguises.reveal(run, of: keypair.localIndex, in: codec)
        let handled = min(revealed.datagrams &* run.stride, run.length)
        guard keypair.canReceive(at: now) else {
            shared.drops.count(.sessionExpired, revealed.datagrams)
            return handled
        }
        openedCount = 0
        for index in 0..<min(revealed.messages, Self.maximumRun) {
            let found = disguises.messages[index]
            if keypair.open(body: found.body, length: found.length, counter: found.counter) {
                // Safe: the loop ends at maximumRun.
                (opened + openedCount).initialize(
                    to: Opened(
                        packet: found.body, length: found.length &- Message.tagSize, counter: found.counter))
                openedCount &+= 1
            }
        }
        if openedCount < revealed.datagrams {
            shared.drops.count(.undecryptable, revealed.datagrams - openedCount)
        }
        dropReplays(keypair)
        guard openedCount > 0 else { return handled }
        disguises.memory.remember(codec, for: message.source)
        let length = min(run.stride, run.length)
        keypair.peer.noticed(hint: revealed.hint, length: length)
        deliver(message, keypair: keypair, overhead: max(0, length &- opened[0].length))
        return handled
    }

    /// Handles one datagram that isn't a data message of a session.
    private func handleOther(
        _ datagram: UnsafeRawBufferPointer, of message: ReceivedMessage, _ known: (any InboundCodec)?, isForeign: Bool,
        _ disguises: InboundDisguises
    ) {
        let wall = Clock.wallTime()
        let moment = Moment(instant: now, wall: WallTime(seconds: wall.seconds, nanoseconds: wall.nanoseconds))
        let (finding, codec, alternatives) = disguises.table.handshake(
            in: datagram, known: known, into: disguises.output, at: moment, indices: shared.indices)
        switch finding {
        case .message(let length, let hint):
            guard let codec else { return }
            let arrival = Arrival(
                dialect: codec.dialect, alternatives: alternatives, replyDisguise: codec.replyDisguise, hint: hint,
                length: datagram.count)
            disguises.memory.remember(codec, for: message.source)
            push(disguises.output, length, .message(arrival), message)
        case .answer(let length):
            let whole = codec?.complete(disguises.output, length: length, for: message.source) ?? length
            push(disguises.output, whole, .answer, message)
        case .ignored:
            break
        case .refused(let reason):
            shared.drops.count(reason)
        case .none where isForeign:
            shared.drops.count(.wrongDialect)
        case .none:
            let codec = known ?? disguises.table.codecs.first { $0.dialect == plainDialect }
            if let codec, codec.receiver(of: datagram) != nil {
                shared.drops.count(.unknownSession)
            } else {
                dropStrange(datagram, from: message.source)
            }
        }
    }

    private func push(
        _ output: UnsafeMutableRawBufferPointer, _ length: Int, _ content: HandshakeQueue.Content,
        _ message: ReceivedMessage
    ) {
        let isTaken = handshakes.push(
            UnsafeRawBufferPointer(rebasing: output[..<min(length, output.count)]), content, from: message.source,
            via: message.local)
        if !isTaken { shared.drops.count(.handshakeQueueFull) }
    }
}
