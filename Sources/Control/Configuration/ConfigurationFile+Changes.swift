package import Tunnel
package import Wire

extension ConfigurationFile {
    /// What makes a device as the file says, and nothing else: `wg setconf`. What the file doesn't say about the device
    /// is reset.
    ///
    /// - Parameter resolve: finds the address of an endpoint.
    package func replacement<Failure: Error>(
        resolving resolve: (EndpointName) throws(Failure) -> Endpoint
    ) throws(Failure) -> DeviceChange {
        var change = try addition(resolving: resolve)
        change.replacesPeers = true
        change.privateKey = interface.privateKey ?? .zero
        change.listenPort = interface.listenPort ?? 0
        change.firewallMark = interface.firewallMark ?? 0
        change.obfuscation = change.obfuscation ?? ObfuscationChange()
        change.obfuscation?.replacesAll = true
        return change
    }

    /// What brings the file's values and peers into a device: `wg addconf`. What the file doesn't name stays.
    package func addition<Failure: Error>(
        resolving resolve: (EndpointName) throws(Failure) -> Endpoint
    ) throws(Failure) -> DeviceChange {
        var change = DeviceChange()
        change.privateKey = interface.privateKey
        change.listenPort = interface.listenPort
        change.firewallMark = interface.firewallMark
        change.obfuscation = interface.obfuscation.change
        for peer in peers { change.peers.append(try peer.change(resolving: resolve)) }
        return change
    }

    /// What is left to do to a device of this status until it is as the file says: `wg syncconf`. Peers that are right
    /// already aren't touched, so their sessions go on.
    ///
    /// Port, mark and private key stay when the file doesn't name them; `wg` would reset them. A file for `wg-quick` often
    /// leaves them to the system and to its hooks, and a reload shouldn't end its tunnel.
    package func difference<Failure: Error>(
        from status: DeviceStatus, resolving resolve: (EndpointName) throws(Failure) -> Endpoint
    ) throws(Failure) -> DeviceChange {
        var change = DeviceChange()
        if let key = interface.privateKey, !key.equals(status.privateKey ?? .zero) { change.privateKey = key }
        if let port = interface.listenPort, port != 0, port != status.listenPort { change.listenPort = port }
        if let mark = interface.firewallMark, mark != status.firewallMark { change.firewallMark = mark }
        change.obfuscation = interface.obfuscation.difference(from: status.obfuscation)

        let goal = Goal(peers)
        let present = Dictionary(status.peers.map { ($0.publicKey, $0) }) { $1 }
        for peer in status.peers where goal.places[peer.publicKey] == nil {
            var removal = PeerChange(peer.publicKey)
            removal.removes = true
            change.peers.append(removal)
        }
        for (place, peer) in goal.peers.enumerated() {
            var wanted = try peer.change(resolving: resolve)
            if !peer.changesAllowedIPs { wanted.allowedIPs = goal.allowedIPs[place].map { .add($0) } }
            guard let now = present[peer.publicKey] else {
                change.peers.append(wanted)
                continue
            }
            if let rest = wanted.without(now, peer.obfuscation) { change.peers.append(rest) }
        }
        return change
    }
}

extension PeerSection {
    fileprivate func change<Failure: Error>(
        resolving resolve: (EndpointName) throws(Failure) -> Endpoint
    ) throws(Failure) -> PeerChange {
        var change = PeerChange(publicKey)
        change.presharedKey = presharedKey
        if let endpoint {
            change.endpoint = try resolve(endpoint)
            if endpoint.numeric == nil { change.endpointName = endpoint.description }
        }
        change.persistentKeepalive = persistentKeepalive
        change.persistentKeepaliveMaximum = persistentKeepaliveMaximum
        change.obfuscation = obfuscation.change
        change.replacesAllowedIPs = !changesAllowedIPs
        change.allowedIPs = allowedIPs
        return change
    }
}

extension PeerChange {
    /// What of this section of a file a peer doesn't have yet; nil when it has all.
    fileprivate func without(_ now: PeerStatus, _ obfuscation: ObfuscationValues) -> PeerChange? {
        var rest = PeerChange(publicKey)
        let presharedKey = presharedKey ?? .zero
        if !presharedKey.equals(now.presharedKey) { rest.presharedKey = presharedKey }
        if let endpoint, endpoint != now.endpoint { rest.endpoint = endpoint }
        // It isn't part of a status, and costs nothing when it is known already.
        rest.endpointName = endpointName
        let keepalive = persistentKeepalive ?? 0
        if keepalive != now.persistentKeepalive || persistentKeepaliveMaximum != now.persistentKeepaliveMaximum {
            rest.persistentKeepalive = keepalive
            rest.persistentKeepaliveMaximum = persistentKeepaliveMaximum
        }
        rest.obfuscation = obfuscation.difference(from: now.obfuscation)
        let isSame =
            replacesAllowedIPs
            ? hasExactly(now.allowedIPs) : allowedIPs.isEmpty
        if !isSame {
            rest.replacesAllowedIPs = replacesAllowedIPs
            rest.allowedIPs = allowedIPs
        }
        let isNothing =
            rest.presharedKey == nil && rest.endpoint == nil && rest.persistentKeepalive == nil && isSame
            && rest.endpointName == nil && rest.obfuscation == nil
        return isNothing ? nil : rest
    }

    private func hasExactly(_ prefixes: [Prefix]) -> Bool {
        guard allowedIPs.count == prefixes.count else { return false }
        if zip(allowedIPs, prefixes).allSatisfy({ $0 == .add($1) }) { return true }
        let present = Set(prefixes)
        return allowedIPs.allSatisfy { if case .add(let prefix) = $0 { present.contains(prefix) } else { false } }
    }
}

/// How a device looks after a file's peers were applied in order, each key once.
private struct Goal {
    var peers: [PeerSection] = []
    /// Where a peer is in `peers`.
    var places: [PublicKey: Int] = [:]
    /// What each of `peers` has in the end; an allowed IP belongs to the last one that names it.
    var allowedIPs: [[Prefix]]

    init(_ sections: [PeerSection]) {
        for section in sections {
            guard let place = places[section.publicKey] else {
                places[section.publicKey] = peers.count
                peers.append(section)
                continue
            }
            peers[place].take(section)
        }
        var owners: [Prefix: Int] = [:]
        for section in sections {
            guard let place = places[section.publicKey] else { continue }
            for change in section.allowedIPs {
                switch change {
                case .add(let prefix): owners[prefix] = place
                case .remove(let prefix): if owners[prefix] == place { owners[prefix] = nil }
                }
            }
        }
        allowedIPs = peers.enumerated().map { place, peer in
            var seen: Set<Prefix> = []
            return peer.prefixes.filter { owners[$0] == place && seen.insert($0).inserted }
        }
    }
}

extension PeerSection {
    /// Becomes what is left of both when `later` is applied after it.
    fileprivate mutating func take(_ later: PeerSection) {
        presharedKey = later.presharedKey ?? presharedKey
        endpoint = later.endpoint ?? endpoint
        if let seconds = later.persistentKeepalive {
            persistentKeepalive = seconds
            persistentKeepaliveMaximum = later.persistentKeepaliveMaximum
        }
        obfuscation.take(later.obfuscation)
        guard later.changesAllowedIPs else {
            allowedIPs = later.allowedIPs
            changesAllowedIPs = false
            return
        }
        allowedIPs += later.allowedIPs
        guard !changesAllowedIPs else { return }
        // After a whole list the outcome is a whole list again.
        var prefixes: [Prefix] = []
        for change in allowedIPs {
            switch change {
            case .add(let prefix): prefixes.append(prefix)
            case .remove(let prefix): prefixes.removeAll { $0 == prefix }
            }
        }
        allowedIPs = prefixes.map { .add($0) }
    }
}
