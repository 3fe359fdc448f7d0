import NoisePrimitives
import Synchronization
import Wire

extension Device {
    /// Starts a peer on an interface that is up, unless it is suspended.
    func start(_ peer: Peer, now: Moment) {
        let isNew = peer.path.withLock { path in
            guard !path.isSuspended else { return false }
            defer { path.isRunning = true }
            return !path.isRunning
        }
        guard isNew else { return }
        peer.timers.stop()
        peer.timers.lastHandshakeSent.store(0, ordering: .relaxed)
        drawUnansweredTimeout(of: peer)
        drawAhead(for: peer)
        if peer.handshake.persistentKeepalive != 0 { startPersistentKeepalive(of: peer, at: now.instant) }
    }

    /// Stops a peer: its keys, timers and waiting packets go, these counted under `reason`.
    func stop(_ peer: Peer, countingAs reason: DropReason) {
        let dropped = peer.path.withLock { path in
            path.isRunning = false
            return path.staged.takeAll().count
        }
        shared.drops.count(reason, dropped)
        eraseKeys(of: peer)
        peer.timers.stop()
        peer.timers.wakeAt.store(.max, ordering: .sequentiallyConsistent)
        peer.handshake.retransmitAt = nil
        peer.handshake.eraseKeysAt = nil
        peer.handshake.firstKeepaliveAt = nil
        peer.handshake.scheduledAt = nil
    }

    /// Ends all sessions of a peer and forgets a handshake under way.
    func eraseKeys(of peer: Peer) {
        var ended: [Keypair] = []
        peer.path.withLock { path in
            ended = [path.previous, path.current, path.next].compactMap { $0 }
            path.previous = nil
            path.current = nil
            path.next = nil
        }
        for keypair in ended { peer.release(keypair) }
        abandonInitiation(of: peer)
    }

    /// The first keepalive is due at once, but by a timer: there may be thousands of peers to start.
    func startPersistentKeepalive(of peer: Peer, at now: Instant) {
        peer.timers.lastTraversal.store(now.nanoseconds, ordering: .sequentiallyConsistent)
        peer.handshake.firstKeepaliveAt = now
        reschedule(peer)
    }

    /// Sends what waits for the peer, or an empty packet when nothing does; without a session, asks for one.
    func sendKeepalive(to peer: Peer, now: Moment) {
        guard let grant = peer.sendGrant(at: now.instant) else {
            sendInitiation(to: peer, isRetry: false, now: now)
            return
        }
        if peer.path.withLock({ $0.staged.count }) > 0 {
            sendStaged(of: peer, with: grant, now: now)
        } else {
            sendKeepalive(to: peer, with: grant, now: now)
        }
    }

    /// Sends what waits for the peer; without a session, asks for one if anything waits. After a new session of the
    /// initiator, something is always sent, since the responder waits for it.
    func flushStaged(of peer: Peer, now: Moment) {
        let hasStaged = peer.path.withLock { $0.staged.count } > 0
        guard let grant = peer.sendGrant(at: now.instant) else {
            if hasStaged { sendInitiation(to: peer, isRetry: false, now: now) }
            return
        }
        if hasStaged {
            sendStaged(of: peer, with: grant, now: now)
        } else if grant.keypair.isInitiator, grant.keypair.isFresh {
            sendKeepalive(to: peer, with: grant, now: now)
        }
    }

    private func sendStaged(of peer: Peer, with grant: SendGrant, now: Moment) {
        var counter: UInt64?
        let packets = peer.path.withLock { path in
            counter = grant.keypair.reserve(path.staged.count)
            return counter == nil ? [] : path.staged.takeAll()
        }
        guard let counter else {
            sendInitiation(to: peer, isRetry: false, now: now)
            return
        }
        for (position, packet) in packets.enumerated() {
            seal(packet, to: peer, with: grant, counter: counter + UInt64(position), now: now)
        }
    }

    private func sendKeepalive(to peer: Peer, with grant: SendGrant, now: Moment) {
        guard let counter = grant.keypair.reserve(1) else {
            sendInitiation(to: peer, isRetry: false, now: now)
            return
        }
        seal([], to: peer, with: grant, counter: counter, now: now)
        report(.keepaliveSent(peer.publicKey))
    }

    /// Pads, seals and transmits one packet; an empty one is a keepalive.
    private func seal(
        _ packet: [UInt8], to peer: Peer, with grant: SendGrant, counter: UInt64, now: Moment
    ) {
        let length: Int
        if let disguise = grant.disguise {
            let layout = disguise.layout(ofPacket: packet.count, mtu: shared.mtu, draw: random.uint64())
            guard layout.content >= packet.count else { return shared.drops.count(.disguiseImpossible) }
            length = layout.content
        } else {
            length = paddedLength(packet.count, mtu: shared.mtu)
        }
        var ecn = ECN.notCapable
        let bytes = [UInt8](unsafeUninitializedCapacity: length + Message.Data.overhead) { buffer, count in
            let slot = UnsafeMutableRawBufferPointer(buffer)
            let inner = UnsafeMutableRawBufferPointer(rebasing: slot[Message.Data.headerSize...])
            inner.copyBytes(from: packet)
            (inner.baseAddress! + packet.count).initializeMemory(
                as: UInt8.self, repeating: 0, count: length - packet.count)
            ecn = IPPacket(UnsafeRawBufferPointer(inner))?.ecn ?? .notCapable
            grant.keypair.seal(slot.baseAddress!, length: length, counter: counter)
            count = length + Message.Data.overhead
        }
        let isMarked = grant.disguise?.marksTraffic ?? true
        transmits.append(
            Transmit(
                .data, bytes: bytes, endpoint: grant.endpoint, source: grant.source,
                trafficClass: isMarked ? ecn.encapsulated.rawValue : 0, peer: peer, disguise: grant.disguise))
        peer.sent(
            packet.isEmpty ? .keepalive : .data, bytes: bytes.count, on: grant.keypair, at: now.instant)
    }
}
