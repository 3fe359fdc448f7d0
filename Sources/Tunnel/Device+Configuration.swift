import NoisePrimitives
import Synchronization
package import Wire

extension Device {
    /// Applies keys and peers of a change; ports and marks are the sockets' business. It can't fail half-way.
    package func apply(_ change: DeviceChange, now: Moment) {
        resume(configure(change), now: now)
    }

    /// Applies a change, but sends nothing yet, so that the disguises may be chosen first.
    package func configure(_ change: DeviceChange) -> Reconfiguration {
        if let privateKey = change.privateKey { setPrivateKey(privateKey) }
        if let obfuscation = change.obfuscation { self.obfuscation.apply(obfuscation) }
        if change.replacesPeers {
            for peer in peers.values { remove(peer) }
        }
        return Reconfiguration(peers: change.peers.compactMap { configure($0) })
    }

    /// Has the peers that a change was about send what they have to.
    package func resume(_ reconfiguration: Reconfiguration, now: Moment) {
        guard shared.isUp else { return }
        for (peer, startsKeepalives) in reconfiguration.peers where peers[peer.publicKey] === peer {
            let wasRunning = peer.path.withLock { $0.isRunning }
            start(peer, now: now)
            if startsKeepalives, wasRunning { startPersistentKeepalive(of: peer, at: now.instant) }
            flushStaged(of: peer, now: now)
            reschedule(peer)
        }
    }

    /// The peers that a change was about, in its order.
    package struct Reconfiguration {
        package let peers: [(peer: Peer, startsKeepalives: Bool)]
    }

    /// Has a peer called at another endpoint than before. One that is gone meanwhile isn't.
    package func call(_ publicKey: PublicKey, at endpoint: Endpoint, now: Moment) {
        guard let peer = peers[publicKey] else { return }
        peer.path.withLock { path in
            path.endpoint = endpoint
            path.source = nil
        }
        sendInitiation(to: peer, isRetry: false, now: now)
    }

    /// Sends an initiation to a peer now, unless one went a moment ago.
    package func initiate(_ publicKey: PublicKey, now: Moment) -> InitiationOutcome {
        guard let peer = peers[publicKey] else { return .noSuchPeer }
        return sendInitiation(to: peer, isRetry: false, now: now)
    }

    /// Whether all peers that `change` adds have room. A new key that it names twice counts twice.
    package func hasRoom(for change: DeviceChange) -> Bool {
        let present = change.replacesPeers ? [:] : peers
        let added = change.peers.count { !$0.removes && !$0.updatesOnly && present[$0.publicKey] == nil }
        return present.count + added <= Limits.peers
    }

    /// The configuration and counters of the device, without port and mark.
    package func status() -> DeviceStatus {
        var status = DeviceStatus()
        status.privateKey = identity?.privateKey
        status.obfuscation = obfuscation
        status.peers = peersInOrder.map { peer in
            var row = PeerStatus(peer.publicKey)
            row.presharedKey = peer.handshake.presharedKey
            row.endpoint = peer.endpoint
            if let lastCompleted = peer.handshake.lastCompleted { row.lastHandshake = lastCompleted }
            row.transmittedBytes = peer.transmittedBytes.load(ordering: .relaxed)
            row.receivedBytes = peer.receivedBytes.load(ordering: .relaxed)
            row.persistentKeepalive = peer.handshake.persistentKeepalive
            row.persistentKeepaliveMaximum = peer.handshake.persistentKeepaliveMaximum
            row.obfuscation = peer.handshake.obfuscation
            row.allowedIPs = peer.handshake.allowedIPs.sorted { $0.value < $1.value }.map(\.key)
            return row
        }
        return status
    }

    /// Sets the own key; zeros remove it. A peer with the same key goes; sessions stop sending. Protocol §6.
    private func setPrivateKey(_ privateKey: Secret32) {
        let new = privateKey.isZero ? nil : Identity(privateKey)
        if let new, let identity, new.privateKey.equals(identity.privateKey) { return }
        if new == nil, identity == nil { return }
        if let new, let twin = peers[new.publicKey] { remove(twin) }
        identity = new
        cookies = new.map { CookieChecker(own: $0.publicKey) }
        for peer in peers.values {
            peer.handshake.forgetSharedSecret()
            abandonInitiation(of: peer)
            peer.timers.lastHandshakeSent.store(0, ordering: .relaxed)
            peer.path.withLock { path in
                path.current?.endSending()
                path.next?.endSending()
            }
        }
    }

    /// The peer, unless there is none now, and whether its persistent keepalive was turned on.
    private func configure(_ change: PeerChange) -> (peer: Peer, startsKeepalives: Bool)? {
        guard change.publicKey != identity?.publicKey else { return nil }
        let existing = peers[change.publicKey]
        if change.removes {
            if let existing { remove(existing) }
            return nil
        }
        if existing == nil, change.updatesOnly { return nil }
        let peer = existing ?? addPeer(change.publicKey)
        if let presharedKey = change.presharedKey { peer.handshake.presharedKey = presharedKey }
        if let endpoint = change.endpoint {
            peer.path.withLock { path in
                if path.endpoint != endpoint { path.disguise?.moved() }
                path.endpoint = endpoint
                path.source = nil
            }
            peer.handshake.isEndpointConfigured = true
        }
        if let annotation = change.annotation { peer.handshake.annotation = annotation }
        if let obfuscation = change.obfuscation { peer.handshake.obfuscation.apply(obfuscation) }
        if change.replacesAllowedIPs {
            for prefix in peer.handshake.allowedIPs.keys { _ = shared.routes.remove(prefix, of: peer) }
            peer.handshake.allowedIPs = [:]
        }
        for allowedIP in change.allowedIPs { apply(allowedIP, to: peer) }
        var turnedOn = false
        if let seconds = change.persistentKeepalive {
            turnedOn = peer.handshake.persistentKeepalive == 0 && seconds != 0
            peer.handshake.persistentKeepalive = seconds
            peer.handshake.persistentKeepaliveMaximum = change.persistentKeepaliveMaximum
            drawPersistentInterval(of: peer)
        }
        return (peer, turnedOn)
    }

    private func apply(_ change: AllowedIPChange, to peer: Peer) {
        switch change {
        case .add(let prefix):
            let owner = shared.routes.insert(prefix, for: peer)
            if let owner, owner !== peer { owner.handshake.allowedIPs[prefix] = nil }
            if peer.handshake.allowedIPs[prefix] == nil {
                peer.handshake.allowedIPs[prefix] = nextAllowedIPNumber
                nextAllowedIPNumber += 1
            }
        case .remove(let prefix):
            if shared.routes.remove(prefix, of: peer) { peer.handshake.allowedIPs[prefix] = nil }
        }
    }

    private func addPeer(_ publicKey: PublicKey) -> Peer {
        let peer = Peer(publicKey, number: nextPeerNumber, shared: shared)
        nextPeerNumber += 1
        peers[publicKey] = peer
        return peer
    }

    /// Ends a peer and forgets it.
    func remove(_ peer: Peer) {
        for prefix in peer.handshake.allowedIPs.keys { _ = shared.routes.remove(prefix, of: peer) }
        stop(peer, countingAs: .noPeerForDestination)
        peer.handshake.forgetSharedSecret()
        peer.handshake.presharedKey = .zero
        peers[peer.publicKey] = nil
    }
}
