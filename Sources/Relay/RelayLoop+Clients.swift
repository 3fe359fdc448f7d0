import LinuxNet
import Obfuscation
import Tunnel
import Wire

extension RelayLoop {
    /// Takes what clients have sent and sends it on.
    func readClients(_ listener: UDPSocket) {
        guard case .messages(let count) = batch.receive(from: listener) else { return }
        now = Self.moment()
        for index in 0..<count { takeFromClient(batch[index], on: listener) }
        outbox.flush()
        settle(toEndpoint: true)
    }

    private func takeFromClient(_ message: ReceivedMessage, on listener: UDPSocket) {
        guard var rest = run(of: message) else { return }
        var flow = table.flow(of: message.source)
        while rest.length > 0 {
            let datagram = rest.first
            let receiver = sides.clientCodec.receiver(of: datagram)
            if let receiver, let known = self.flow(flow, using: receiver, message, on: listener) {
                flow = known
                rest.drop(pass(rest, receiver, of: known))
                continue
            }
            let finding = sides.clientCodec.handshake(
                in: datagram, into: scratch, at: now, isGenuine: { isGenuine($0, from: flow) })
            switch finding {
            case .message(let count, let hint):
                let handshake = UnsafeMutableRawBufferPointer(rebasing: scratch[..<min(count, scratch.count)])
                if isGenuine(UnsafeRawBufferPointer(handshake), from: flow) {
                    flow = pass(handshake, of: flow, message, on: listener)
                    flow?.clientDisguise?.noticed(hint: hint, length: datagram.count)
                } else {
                    counters.drops.count(handshake.isCookieReply ? .cookieReplyUnexpected : .wrongMAC1)
                }
            case .answer(let count):
                let length = sides.clientCodec.complete(scratch, length: count, for: message.source)
                answer(UnsafeRawBufferPointer(rebasing: scratch[..<min(length, scratch.count)]), message, on: listener)
            case .ignored: break
            case .refused(let reason): counters.drops.count(reason)
            case .none:
                if let receiver, sides.recognisesClientData {
                    if flow == nil { flow = begin(message, on: listener) }
                    if let flow {
                        // From now on it is known; it began before this relay did.
                        table.learn(receiver, of: flow)
                        rest.drop(pass(rest, receiver, of: flow))
                        continue
                    }
                } else {
                    counters.drops.count(receiver == nil ? .notWireGuard : .unknownSession)
                }
            }
            rest.drop(datagram.count)
        }
    }

    /// The flow whose data goes to the endpoint's session `receiver`: the one that this client has, or one that it gets because it had
    /// that session under another address. Only the endpoint can tell whether it really is the same client, so its former flow stays.
    private func flow(
        _ flow: Flow?, using receiver: UInt32, _ message: ReceivedMessage, on listener: UDPSocket
    ) -> Flow? {
        if let flow, flow.endpointIndices.contains(receiver) { return flow }
        guard let former = table.user(of: receiver) else { return nil }
        if let flow {
            inherit(flow, from: former)
            return flow
        }
        return begin(message, on: listener, former: former)
    }

    /// Sends the data messages at the start of `run` on; returns how many bytes of it are done with.
    private func pass(_ run: ReceivedRun, _ receiver: UInt32, of flow: Flow) -> Int {
        let revealed = sides.clientCodec.reveal(run, receiver: receiver, into: messages)
        if revealed.messages < revealed.datagrams {
            counters.drops.count(.notWireGuard, revealed.datagrams - revealed.messages)
        }
        if revealed.messages > 0, let endpoint = target.endpoint {
            flow.clientDisguise?.noticed(hint: revealed.hint, length: min(run.stride, run.length))
            table.touch(flow, at: now.instant)
            outbox.head(
                RelayOutbox.Way(endpoint: endpoint, source: nil, disguise: flow.endpointDisguise), on: flow.socket)
            outbox.add(messages, count: revealed.messages, receiver: receiver)
        }
        return max(1, revealed.datagrams) * run.stride
    }

    /// Sends an initiation, response or cookie reply on, for which a flow begins if need be; returns the flow.
    private func pass(
        _ handshake: UnsafeMutableRawBufferPointer, of flow: Flow?, _ message: ReceivedMessage, on listener: UDPSocket
    ) -> Flow? {
        guard let kind = Message.kind(ofHandshakeSize: handshake.count) else {
            counters.drops.count(.notWireGuard)
            return flow
        }
        // Nobody answers who wasn't asked, so only an initiation begins something.
        guard flow != nil || kind == .initiation else {
            counters.drops.count(.unknownSession)
            return nil
        }
        guard let flow = flow ?? begin(message, on: listener), let endpoint = target.endpoint else { return nil }
        flow.local = message.local
        let isFit =
            kind == .cookieReply
            ? Self.rewrap(handshake, &flow.macsToClient, now: now.instant, random: random)
            : Self.retype(
                handshake, flow.endpointDisguise.messageType(of: kind, random: random), &flow.macsToEndpoint,
                now: now.instant)
        guard isFit else {
            counters.drops.count(.disguiseImpossible)
            return flow
        }
        if kind != .cookieReply { _ = flow.clientIndices.insert(handshake.sender) }
        if kind == .initiation { noteUnanswered(flow) }
        table.touch(flow, at: now.instant)
        outbox.head(RelayOutbox.Way(endpoint: endpoint, source: nil, disguise: flow.endpointDisguise), on: flow.socket)
        outbox.add(handshake: UnsafeRawBufferPointer(handshake), at: now)
        return flow
    }

    /// Answers a client as its dialect demands.
    private func answer(_ bytes: UnsafeRawBufferPointer, _ message: ReceivedMessage, on listener: UDPSocket) {
        guard let disguise = sides.clientDisguise(for: sides.onlyClient) else { return }
        outbox.head(
            RelayOutbox.Way(endpoint: message.source, source: message.local, disguise: disguise), on: listener)
        outbox.add(whole: bytes)
    }

    /// Whether an initiation or response can be for the server, or a cookie reply for a session of it.
    private func isGenuine(_ message: UnsafeRawBufferPointer, from flow: Flow?) -> Bool {
        switch Message.kind(ofHandshakeSize: message.count) {
        case .initiation, .response: sides.serverMACs?.matchesMAC1(of: message) ?? true
        case .cookieReply: flow?.endpointIndices.contains(message.cookieReceiver) ?? false
        case .data, nil: false
        }
    }

    /// An endpoint that leaves every client's handshakes without answer may have another address now.
    private func noteUnanswered(_ flow: Flow) {
        guard let since = flow.unansweredSince else {
            flow.unansweredSince = now.instant
            return
        }
        guard now.instant.since(since) >= .seconds(12), lastAnswer.map({ $0 < since }) ?? true,
            target.isSilentNow(now: now.instant)
        else { return }
        note(.endpointSilent(settings.endpoint))
    }
}
