import Synchronization
package import Wire

/// What an authenticated message carries, as far as the timers care. Protocol §9.
package enum Traffic: Sendable {
    case data
    case keepalive
    case handshake
}

/// Everything needed to seal and send packets to a peer, valid for one batch.
package struct SendGrant: Sendable {
    /// Seals the packets.
    package let keypair: Keypair
    /// Where they go.
    package let endpoint: Endpoint
    /// The local address to send from; nil leaves the choice to the routing table.
    package let source: SourceAddress?
    /// How the messages look on the way; nil for WireGuard's own form.
    package let disguise: (any Disguise)?
}

/// What became of a packet that found no session.
package enum Staging: Sendable {
    /// It waits for the session that the control thread was asked for.
    case staged
    /// A session has come meanwhile; ask for a grant again.
    case retry
    /// It can't be sent, and wasn't kept.
    case refused(DropReason)
}

extension Peer {
    /// The session and endpoint to send with at `now`; nil when a packet has to wait, for ``stage(_:at:)``.
    package func sendGrant(at now: Instant) -> SendGrant? {
        path.withLock { $0.grant(at: now) }
    }

    /// Keeps a copy of a packet until there is a session, and asks for one. Protocol §10.
    package func stage(_ packet: UnsafeRawBufferPointer, at now: Instant) -> Staging {
        var overflowed = false
        let result: Staging = path.withLock { path in
            guard !path.isSuspended else { return .refused(.peerSuspended) }
            guard path.isRunning else { return .refused(.interfaceDown) }
            guard path.endpoint != nil else { return .refused(.noEndpoint) }
            guard path.grant(at: now) == nil else { return .retry }
            overflowed = path.staged.append(packet)
            return .staged
        }
        if overflowed { shared.drops.count(.stagedOverflow) }
        if case .staged = result { requestInitiation(at: now) }
        return result
    }

    /// Notes messages that were sent to the peer. Protocol §9.
    ///
    /// - Parameter bytes: of UDP payload, all messages together.
    package func sent(_ traffic: Traffic, bytes: Int, on keypair: Keypair?, at now: Instant) {
        transmittedBytes.wrappingAdd(UInt64(bytes), ordering: .relaxed)
        lookAtAllowance()
        if timers.sendKeepaliveAt.load(ordering: .relaxed) != 0 {
            timers.sendKeepaliveAt.store(0, ordering: .sequentiallyConsistent)
        }
        if traffic == .data {
            lastDataSent.store(now.nanoseconds, ordering: .relaxed)
            if timers.unansweredSince.load(ordering: .relaxed) == 0 {
                timers.unansweredSince.store(now.nanoseconds, ordering: .sequentiallyConsistent)
                if let deadline = timers.unansweredDeadline { wakeControl(by: deadline) }
            }
        }
        traversed(at: now)
        if let keypair, keypair.wantsRekeyAfterSending(at: now) { requestInitiation(at: now) }
    }

    /// Notes a run of authenticated data messages that came on one session from one address. Protocol §6, §9, §11.
    ///
    /// - Parameter bytes: of UDP payload, all messages together.
    package func received(
        _ traffic: Traffic, bytes: Int, on keypair: Keypair, from endpoint: Endpoint, via source: SourceAddress?,
        at now: Instant
    ) {
        moved(to: endpoint, via: source, confirming: keypair)
        received(traffic, bytes: bytes, at: now)
        if keypair.wantsRekeyAfterReceiving(at: now), path.withLock({ $0.current === keypair }),
            !timers.lastMinuteInitiationSent.exchange(true, ordering: .relaxed)
        {
            requestInitiation(at: now)
        }
    }

    /// Notes an authenticated message's effect on the timers. Protocol §9.
    func received(_ traffic: Traffic, bytes: Int, at now: Instant) {
        receivedBytes.wrappingAdd(UInt64(bytes), ordering: .relaxed)
        lookAtAllowance()
        if timers.unansweredSince.load(ordering: .relaxed) != 0 {
            timers.unansweredSince.store(0, ordering: .sequentiallyConsistent)
        }
        if traffic == .data {
            lastDataReceived.store(now.nanoseconds, ordering: .relaxed)
            if timers.sendKeepaliveAt.load(ordering: .relaxed) == 0 {
                let deadline =
                    now + Instant.Span(nanoseconds: timers.keepaliveTimeout.load(ordering: .relaxed))
                timers.sendKeepaliveAt.store(deadline.nanoseconds, ordering: .sequentiallyConsistent)
                wakeControl(by: deadline)
            } else if !timers.needsAnotherKeepalive.load(ordering: .relaxed) {
                timers.needsAnotherKeepalive.store(true, ordering: .relaxed)
            }
        } else {
            lastHeard.store(now.nanoseconds, ordering: .relaxed)
        }
        traversed(at: now)
    }

    /// Notes a packet whose source isn't among the peer's allowed IPs.
    package func sentForeign(_ source: IPAddress) {
        foreignSources.withLock { $0 = ($0.count &+ 1, source) }
    }

    /// Takes the address that an authenticated message came from, and the session that it came on.
    func moved(to endpoint: Endpoint, via source: SourceAddress?, confirming keypair: Keypair?) {
        var raised: PeerSignals = []
        var retired: Keypair?
        path.withLock { path in
            if path.endpoint != endpoint {
                path.endpoint = endpoint
                path.disguise?.moved()
                raised.insert(.roamed)
            }
            path.source = source
            if let keypair, path.next === keypair {
                retired = path.previous
                path.previous = path.current
                path.current = keypair
                path.next = nil
                raised.insert(.sessionConfirmed)
            }
        }
        if let retired { release(retired) }
        if !raised.isEmpty { shared.signals.raise(raised, for: self) }
    }

    /// Asks the control thread for an initiation that isn't a retry; one too soon after another only resets the
    /// count of retries.
    package func requestInitiation(at now: Instant) {
        timers.attempts.store(0, ordering: .relaxed)
        guard !timers.isInitiationTooSoon(at: now) else { return }
        shared.signals.raise(.initiationWanted, for: self)
    }

    /// Ends a session: nothing is sent or received under it any more.
    func release(_ keypair: Keypair) {
        keypair.endSending()
        shared.indices.release(keypair.localIndex)
    }

    /// Tells the control thread when all that was granted is used.
    private func lookAtAllowance() {
        let allowance = allowance.load(ordering: .relaxed)
        guard allowance != .max, transferredBytes >= allowance else { return }
        shared.signals.raise(.allowanceUsed, for: self)
    }

    private func traversed(at now: Instant) {
        guard timers.persistentKeepalive.load(ordering: .relaxed) != 0 else { return }
        timers.lastTraversal.store(now.nanoseconds, ordering: .sequentiallyConsistent)
        if let deadline = timers.persistentDeadline { wakeControl(by: deadline) }
    }

    private func wakeControl(by deadline: Instant) {
        guard deadline.nanoseconds < timers.wakeAt.load(ordering: .sequentiallyConsistent) else { return }
        shared.signals.raise(.timerArmed, for: self)
    }
}

extension Peer.Path {
    func grant(at now: Instant) -> SendGrant? {
        guard isRunning, let current, let endpoint, current.canSend(at: now) else { return nil }
        return SendGrant(keypair: current, endpoint: endpoint, source: source, disguise: disguise)
    }
}
