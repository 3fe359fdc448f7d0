import LinuxNet
import Obfuscation
import Tunnel
import Wire

extension RelayLoop {
    /// Takes what the endpoint has sent for one client.
    func readEndpoint(_ flow: Flow) {
        guard case .messages(let count) = batch.receive(from: flow.socket) else { return }
        now = Self.moment()
        for index in 0..<count { takeFromEndpoint(batch[index], of: flow) }
        outbox.flush()
        settle(toEndpoint: false)
    }

    private func takeFromEndpoint(_ message: ReceivedMessage, of flow: Flow) {
        guard message.source == target.endpoint else { return counters.drops.count(.notFromEndpoint) }
        guard var rest = run(of: message) else { return }
        while rest.length > 0 {
            let datagram = rest.first
            let receiver = flow.endpointCodec.receiver(of: datagram)
            if let receiver, flow.clientIndices.contains(receiver) {
                rest.drop(pass(rest, receiver, of: flow))
                continue
            }
            switch handshake(in: datagram, of: flow) {
            case .message(let count, let hint):
                let handshake = UnsafeMutableRawBufferPointer(rebasing: scratch[..<min(count, scratch.count)])
                if isGenuine(UnsafeRawBufferPointer(handshake), of: flow) {
                    flow.endpointDisguise.noticed(hint: hint, length: datagram.count)
                    pass(handshake, of: flow)
                } else {
                    counters.drops.count(handshake.isCookieReply ? .cookieReplyUnexpected : .wrongMAC1)
                }
            case .answer(let count):
                let length = flow.endpointCodec.complete(scratch, length: count, for: message.source)
                outbox.head(
                    RelayOutbox.Way(endpoint: message.source, source: nil, disguise: flow.endpointDisguise),
                    on: flow.socket)
                outbox.add(whole: UnsafeRawBufferPointer(rebasing: scratch[..<min(length, scratch.count)]))
            case .ignored: break
            case .refused(let reason): counters.drops.count(reason)
            case .none:
                if let receiver, sides.recognisesEndpointData {
                    _ = flow.clientIndices.insert(receiver)
                    rest.drop(pass(rest, receiver, of: flow))
                    continue
                }
                counters.drops.count(receiver == nil ? .notWireGuard : .unknownSession)
            }
            rest.drop(datagram.count)
        }
    }

    /// What the endpoint's codec makes of a datagram; where each client has its own, the one that it belongs to is found and kept.
    private func handshake(in datagram: UnsafeRawBufferPointer, of flow: Flow) -> HandshakeFinding {
        let finding = flow.endpointCodec.handshake(
            in: datagram, into: scratch, at: now, isGenuine: { isGenuine($0, of: flow) })
        guard finding == .none, sides.endpointCodecs.count > 1 else { return finding }
        for codec in sides.endpointCodecs where codec !== flow.endpointCodec {
            let finding = codec.handshake(in: datagram, into: scratch, at: now, isGenuine: { isGenuine($0, of: flow) })
            if finding != .none {
                flow.endpointCodec = codec
                return finding
            }
        }
        return .none
    }

    private func pass(_ run: ReceivedRun, _ receiver: UInt32, of flow: Flow) -> Int {
        let revealed = flow.endpointCodec.reveal(run, receiver: receiver, into: messages)
        if revealed.messages < revealed.datagrams {
            counters.drops.count(.notWireGuard, revealed.datagrams - revealed.messages)
        }
        if revealed.messages > 0 {
            flow.endpointDisguise.noticed(hint: revealed.hint, length: min(run.stride, run.length))
            noteAnswer(of: flow)
            if head(toward: flow) { outbox.add(messages, count: revealed.messages, receiver: receiver) }
        }
        return max(1, revealed.datagrams) * run.stride
    }

    private func pass(_ handshake: UnsafeMutableRawBufferPointer, of flow: Flow) {
        guard let kind = Message.kind(ofHandshakeSize: handshake.count) else {
            return counters.drops.count(.notWireGuard)
        }
        if kind != .cookieReply {
            if let key = sides.client(of: UnsafeRawBufferPointer(handshake)) { identify(flow, as: key) }
            table.learn(handshake.sender, of: flow)
        }
        noteAnswer(of: flow)
        guard head(toward: flow), let disguise = flow.clientDisguise else { return }
        let isFit =
            kind == .cookieReply
            ? Self.rewrap(handshake, &flow.macsToEndpoint, now: now.instant, random: random)
            : Self.retype(
                handshake, disguise.messageType(of: kind, random: random), &flow.macsToClient, now: now.instant)
        guard isFit else { return counters.drops.count(.disguiseImpossible) }
        outbox.add(handshake: UnsafeRawBufferPointer(handshake), at: now)
    }

    /// Whether something can be sent to the flow's client: that is, whether it is known which client that is where it matters.
    private func head(toward flow: Flow) -> Bool {
        guard let disguise = flow.clientDisguise else {
            counters.drops.count(.disguiseImpossible)
            return false
        }
        outbox.head(
            RelayOutbox.Way(endpoint: flow.client, source: flow.local, disguise: disguise), on: flow.listener)
        return true
    }

    private func noteAnswer(of flow: Flow) {
        lastAnswer = now.instant
        table.markAnswered(flow)
        table.touch(flow, at: now.instant)
    }

    /// Whether an initiation or response can be for one of the clients, or a cookie reply for a session of this one.
    private func isGenuine(_ message: UnsafeRawBufferPointer, of flow: Flow) -> Bool {
        switch Message.kind(ofHandshakeSize: message.count) {
        case .initiation, .response: sides.clientMACs.isEmpty || sides.client(of: message) != nil
        case .cookieReply: flow.clientIndices.contains(message.cookieReceiver)
        case .data, nil: false
        }
    }
}
