import NoisePrimitives
import Synchronization
package import Wire

extension Device {
    /// Takes an initiation, response or cookie reply. Protocol §5 gives the order of the checks.
    ///
    /// - Parameters:
    ///   - source: the local address that it came to.
    ///   - arrival: nil when it came as it is. What was taken out of a disguise is told apart by its size; its first four bytes are as
    ///     its sender had them when it computed the MACs.
    ///   - waiting: how many more such messages wait, which tells whether the device is under load.
    package func handleHandshake(
        _ message: UnsafeRawBufferPointer, from endpoint: Endpoint, via source: SourceAddress?,
        arrival: Arrival? = nil, waiting: Int, now: Moment
    ) {
        guard shared.isUp else { return shared.drops.count(.interfaceDown) }
        let refusal: DropReason?
        var sender: PublicKey?
        switch arrival == nil ? Message.kind(of: message) : Message.kind(ofHandshakeSize: message.count) {
        case .initiation:
            refusal =
                admit(message, from: endpoint, via: source, arrival, waiting: waiting, now: now.instant)
                ?? consumeInitiation(message, from: endpoint, via: source, arrival, now: now, sender: &sender)
        case .response:
            refusal =
                admit(message, from: endpoint, via: source, arrival, waiting: waiting, now: now.instant)
                ?? consumeResponse(message, from: endpoint, via: source, arrival, now: now, sender: &sender)
        case .cookieReply:
            refusal = consumeCookieReply(message, arrival, now: now.instant, sender: &sender)
        case .data, nil:
            refusal = .notWireGuard
        }
        guard let refusal else { return }
        shared.drops.count(refusal)
        note(refusal, from: endpoint, sender, at: now.instant)
        if refusal == .wrongDialect, let sender {
            report(.wrongDialect(sender, from: endpoint, dialect: arrival?.dialect ?? plainDialect))
        } else {
            report(.handshakeRefused(refusal, from: endpoint, sender))
        }
    }

    /// Keeps what was refused for who asks why.
    private func note(_ refusal: DropReason, from endpoint: Endpoint, _ sender: PublicKey?, at now: Instant) {
        let sighting = Sighting(endpoint: endpoint, at: now)
        switch refusal {
        case .wrongMAC1: misdirected = sighting
        case .initiationFromUnknownKey: stranger = sender.map { Stranger(publicKey: $0, sighting: sighting) }
        // Whose name it bears hasn't made it.
        case .initiationUndecryptable: break
        default: if let sender { peers[sender]?.handshake.history.refused(refusal, from: endpoint, at: now) }
        }
    }

    /// Sends an initiation, unless one went less than five seconds ago. Protocol §9.
    @discardableResult
    func sendInitiation(to peer: Peer, isRetry: Bool, now: Moment) -> InitiationOutcome {
        if !isRetry { peer.timers.attempts.store(0, ordering: .relaxed) }
        guard shared.isUp else { return .interfaceDown }
        guard !peer.isSuspended else { return .suspended }
        guard !peer.timers.isInitiationTooSoon(at: now.instant) else { return .tooSoon }
        if !isRetry {
            peer.handshake.maximumRetries = UInt32(random.number(in: peer.handshake.timing.maximumRetries))
        }
        let (route, source, disguise) = peer.path.withLock { ($0.endpoint, $0.source, $0.disguise) }
        guard let endpoint = route else {
            report(.initiationImpossible(peer.publicKey, .noEndpoint))
            return .noEndpoint
        }
        // A failed attempt counts too, so that traffic repeats it every five seconds and not with every packet.
        markHandshakeSent(by: peer, now: now.instant)
        guard let identity else {
            report(.initiationImpossible(peer.publicKey, .noPrivateKey))
            return .noPrivateKey
        }
        guard let staticShared = peer.handshake.sharedSecret(with: identity, peer: peer.publicKey) else {
            report(.initiationImpossible(peer.publicKey, .lowOrderKey))
            return .lowOrderKey
        }
        eraseKeysIfDue(of: peer, now: now.instant)
        abandonInitiation(of: peer)
        let index = shared.indices.allocate(for: peer, random: random)
        let timestamp = nextTimestamp(for: peer, now.wall)
        let bytes = [UInt8](unsafeUninitializedCapacity: Message.Initiation.size) { buffer, count in
            let message = UnsafeMutableRawBufferPointer(buffer)
            peer.handshake.outstanding = OutstandingInitiation(
                identity: identity, peer: peer.publicKey, staticShared: staticShared, ephemeral: random.secret(),
                localIndex: index, timestamp: timestamp, into: message.baseAddress!)
            guard peer.handshake.outstanding != nil else { return }
            setType(.initiation, of: message, in: disguise)
            peer.handshake.cookies.stamp(message, now: now.instant)
            count = Message.Initiation.size
        }
        guard !bytes.isEmpty else {
            shared.indices.release(index)
            report(.initiationImpossible(peer.publicKey, .lowOrderKey))
            return .lowOrderKey
        }
        peer.handshake.outstandingSince = now.instant
        transmit(.initiation, bytes, to: endpoint, from: source, in: disguise, peer: peer)
        peer.sent(.handshake, bytes: bytes.count, on: nil, at: now.instant)
        peer.handshake.retransmitAt = now.instant + random.span(in: peer.handshake.timing.rekeyTimeout) + jitter()
        report(
            .initiationSent(
                peer.publicKey, endpoint, attempt: Int(peer.timers.attempts.load(ordering: .relaxed)) + 1))
        noteInitiation(to: peer, at: endpoint, now.instant)
        reschedule(peer)
        return .sent
    }

    private func noteInitiation(to peer: Peer, at endpoint: Endpoint, _ now: Instant) {
        let silentSince = peer.handshake.history.silentSince ?? now
        if peer.handshake.history.isSilenceNews {
            report(
                .silent(
                    peer.publicKey, endpoint, initiations: peer.handshake.history.unanswered,
                    for: now.since(silentSince)))
        }
        peer.handshake.history.silentSince = silentSince
        peer.handshake.history.initiationsSent += 1
        peer.handshake.history.unanswered += 1
    }

    /// The initiator has its response, or the responder its first packet: both sides have the session.
    func completeHandshake(of peer: Peer, now: Moment) {
        peer.handshake.retransmitAt = nil
        peer.handshake.lastCompleted = now.wall
        peer.timers.attempts.store(0, ordering: .relaxed)
        peer.timers.lastMinuteInitiationSent.store(false, ordering: .relaxed)
        let current = peer.path.withLock { ($0.current, $0.endpoint) }
        if let keypair = current.0, let endpoint = current.1 {
            let occasion = peer.handshake.history.completed(
                asInitiator: keypair.isInitiator, at: endpoint, now.instant,
                sessionsEndAfter: peer.handshake.timing.eraseKeysAfter)
            report(.handshakeCompleted(peer.publicKey, endpoint, asInitiator: keypair.isInitiator, occasion))
        }
        flushStaged(of: peer, now: now)
    }

    /// Forgets an initiation that waits for its response.
    func abandonInitiation(of peer: Peer) {
        guard let index = peer.handshake.outstanding?.localIndex else { return }
        shared.indices.release(index)
        forgetInitiation(of: peer)
    }

    /// Erases what was kept for a response; the index stays.
    private func forgetInitiation(of peer: Peer) {
        peer.handshake.outstanding?.erase()
        peer.handshake.outstanding = nil
    }

    private func admit(
        _ message: UnsafeRawBufferPointer, from endpoint: Endpoint, via source: SourceAddress?, _ arrival: Arrival?,
        waiting: Int, now: Instant
    ) -> DropReason? {
        guard cookies != nil else { return .noPrivateKey }
        guard cookies!.isMAC1Valid(message) else { return .wrongMAC1 }
        if waiting >= Limits.underLoadQueue {
            if !isUnderLoad(at: now) { report(.underLoad) }
            underLoadUntil = now + Limits.underLoadFor
        }
        guard isUnderLoad(at: now) else { return nil }
        guard cookies!.isMAC2Valid(message, from: endpoint, now: now) else {
            if answersUnderLoad(arrival) {
                let reply = cookies!.reply(to: message, from: endpoint, now: now, random: random)
                transmit(.cookieReply, reply, to: endpoint, from: source, in: arrival?.replyDisguise, peer: nil)
            }
            return .cookieRequired
        }
        return rateLimiter.allows(endpoint.address, now: now) ? nil : .rateLimited
    }

    /// Whether who sent a message may be told that this device is under load.
    private func answersUnderLoad(_ arrival: Arrival?) -> Bool {
        guard let arrival else { return answersUnderLoad }
        guard let disguise = arrival.replyDisguise else { return false }
        return disguise.answersUnderLoad
    }

    private func consumeInitiation(
        _ message: UnsafeRawBufferPointer, from endpoint: Endpoint, via source: SourceAddress?, _ arrival: Arrival?,
        now: Moment, sender: inout PublicKey?
    ) -> DropReason? {
        guard let identity else { return .noPrivateKey }
        var initiation: ReceivedInitiation
        switch ReceivedInitiation.open(message, identity: identity) {
        case .success(let opened): initiation = opened
        case .failure(.lowOrderKey): return .lowOrderKey
        case .failure(.undecryptable): return .initiationUndecryptable
        }
        sender = initiation.initiator
        guard let peer = peers[initiation.initiator] else { return .initiationFromUnknownKey }
        guard let staticShared = peer.handshake.sharedSecret(with: identity, peer: peer.publicKey) else {
            return .lowOrderKey
        }
        guard let timestamp = initiation.openTimestamp(message, staticShared: staticShared) else {
            return .initiationUndecryptable
        }
        guard peer.speaks(arrival) else { return .wrongDialect }
        if let last = peer.handshake.lastTimestamp, timestamp <= last { return .initiationReplayed }
        if let last = peer.handshake.lastInitiationAccepted,
            now.instant.since(last) < Limits.initiationInterval
        {
            return .initiationTooSoon
        }
        peer.handshake.lastTimestamp = timestamp
        peer.handshake.lastInitiationAccepted = now.instant
        // Only now, so that none of these is a fresh one once the peer is served again.
        guard !peer.isSuspended else { return .peerSuspended }
        peer.moved(to: endpoint, via: source, confirming: nil)
        peer.received(.handshake, bytes: arrival?.length ?? message.count, at: now.instant)
        if let arrival { peer.noticed(hint: arrival.hint, length: arrival.length) }
        peer.handshake.history.initiationsAccepted += 1
        if peer.handshake.history.unconfirmed == PeerHistory.manyUnanswered {
            report(.unconfirmed(peer.publicKey, endpoint, initiations: PeerHistory.manyUnanswered))
        }
        peer.handshake.history.unconfirmed += 1
        return respond(to: &initiation, peer: peer, endpoint: endpoint, via: source, now: now.instant)
    }

    private func respond(
        to initiation: inout ReceivedInitiation, peer: Peer, endpoint: Endpoint, via source: SourceAddress?,
        now: Instant
    ) -> DropReason? {
        // An initiation of our own that is under way stays so: two that cross would else end each other, again and again where
        // both sides have much to send.
        let disguise = peer.path.withLock { $0.disguise }
        let index = shared.indices.allocate(for: peer, random: random)
        var keys: SessionKeys?
        let bytes = [UInt8](unsafeUninitializedCapacity: Message.Response.size) { buffer, count in
            let message = UnsafeMutableRawBufferPointer(buffer)
            keys = initiation.respond(
                presharedKey: peer.handshake.presharedKey, ephemeral: random.secret(), localIndex: index,
                into: message.baseAddress!)
            guard keys != nil else { return }
            setType(.response, of: message, in: disguise)
            peer.handshake.cookies.stamp(message, now: now)
            count = Message.Response.size
        }
        guard let keys else {
            shared.indices.release(index)
            return .lowOrderKey
        }
        install(keys, for: peer, now: now)
        markHandshakeSent(by: peer, now: now)
        transmit(.response, bytes, to: endpoint, from: source, in: disguise, peer: peer)
        peer.sent(.handshake, bytes: bytes.count, on: nil, at: now)
        reschedule(peer)
        return nil
    }

    private func consumeResponse(
        _ message: UnsafeRawBufferPointer, from endpoint: Endpoint, via source: SourceAddress?, _ arrival: Arrival?,
        now: Moment, sender: inout PublicKey?
    ) -> DropReason? {
        let index = message.baseAddress!.littleEndian32(at: Message.Response.receiver)
        guard let identity, let peer = shared.indices.initiator(index) else { return .responseUnexpected }
        sender = peer.publicKey
        guard peer.speaks(arrival) else { return .wrongDialect }
        let keys: SessionKeys
        switch peer.handshake.outstanding?.finish(
            message, identity: identity, presharedKey: peer.handshake.presharedKey)
        {
        case .success(let derived): keys = derived
        case .failure(.lowOrderKey): return .lowOrderKey
        case .failure(.undecryptable): return .responseUndecryptable
        case nil: return .responseUnexpected
        }
        forgetInitiation(of: peer)
        peer.handshake.history.roundTrip = peer.handshake.outstandingSince.map { now.instant.since($0) }
        peer.moved(to: endpoint, via: source, confirming: nil)
        peer.received(.handshake, bytes: arrival?.length ?? message.count, at: now.instant)
        if let arrival { peer.noticed(hint: arrival.hint, length: arrival.length) }
        install(keys, for: peer, now: now.instant)
        completeHandshake(of: peer, now: now)
        reschedule(peer)
        return nil
    }

    private func consumeCookieReply(
        _ message: UnsafeRawBufferPointer, _ arrival: Arrival?, now: Instant, sender: inout PublicKey?
    ) -> DropReason? {
        let index = message.baseAddress!.littleEndian32(at: Message.CookieReply.receiver)
        guard let peer = shared.indices.owner(index) else { return .cookieReplyUnexpected }
        guard peer.speaks(arrival) else {
            sender = peer.publicKey
            return .wrongDialect
        }
        return peer.handshake.cookies.accept(message, now: now) ? nil : .cookieReplyUndecryptable
    }

    /// Puts a new session into its slot. Protocol §6.
    private func install(_ keys: SessionKeys, for peer: Peer, now: Instant) {
        let timing = peer.handshake.timing
        let form = peer.path.withLock { $0.disguise?.headerForm } ?? .whole
        let limits = SessionLimits(timing, headerForm: form, random: random)
        let keypair = Keypair(keys, peer: peer, limits: limits, created: now)
        shared.indices.promote(keypair)
        var retired: [Keypair] = []
        peer.path.withLock { path in
            if keypair.isInitiator {
                retired = [path.previous, path.next == nil ? nil : path.current].compactMap { $0 }
                path.previous = path.next ?? path.current
                path.next = nil
                path.current = keypair
            } else {
                retired = [path.previous, path.next].compactMap { $0 }
                path.previous = nil
                path.next = keypair
            }
        }
        for keypair in retired { peer.release(keypair) }
        peer.handshake.eraseKeysAt = now + timing.eraseKeysAfter
    }

    /// Has a message begin as the peer's disguise wants it to, before the MACs are computed. Obfuscation §1.3.
    private func setType(
        _ kind: Message.Kind, of message: UnsafeMutableRawBufferPointer, in disguise: (any Disguise)?
    ) {
        guard let disguise else { return }
        message.baseAddress!.storeLittleEndian(disguise.messageType(of: kind, random: random), at: 0)
    }

    private func markHandshakeSent(by peer: Peer, now: Instant) {
        peer.timers.lastHandshakeSent.store(max(now.nanoseconds, 1), ordering: .relaxed)
    }

    /// A timestamp above every one that this peer was sent, also when the clock is set back. Protocol §14.
    ///
    /// Peers don't share the order: a device that calls thousands at once would else run ahead of its clock, and its
    /// initiations would look like replays once it is restarted.
    private func nextTimestamp(for peer: Peer, _ wall: WallTime) -> TAI64N {
        var timestamp = TAI64N(wall)
        if let last = peer.handshake.lastTimestampSent, timestamp <= last { timestamp = last.successor }
        peer.handshake.lastTimestampSent = timestamp
        return timestamp
    }

    func jitter(below bound: Instant.Span = Limits.maximumJitter) -> Instant.Span {
        Instant.Span(nanoseconds: random.below(bound.nanoseconds))
    }

    /// Has a handshake message sent.
    private func transmit(
        _ kind: Message.Kind, _ bytes: [UInt8], to endpoint: Endpoint, from source: SourceAddress?,
        in disguise: (any Disguise)?, peer: Peer?
    ) {
        let isMarked = disguise?.marksTraffic ?? true
        transmits.append(
            Transmit(
                kind, bytes: bytes, endpoint: endpoint, source: source,
                trafficClass: isMarked ? Limits.handshakeTrafficClass : 0, peer: peer, disguise: disguise))
    }
}
