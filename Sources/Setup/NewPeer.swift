package import Control
package import NoisePrimitives
package import Quick
package import Tunnel
package import Wire

/// Adds a peer to a server: new keys, the next free addresses, and the file for the other side.
package struct NewPeer {
    package let name: String
    /// Networks that the peer reaches without the tunnel.
    package var excluded: [Prefix] = []
    /// What the peer sends into the tunnel; nil: everything, if the server passes it on, else the tunnel's own networks.
    package var allowedIPs: [Prefix]?
    package var endpoint: String?
    package var dns: [IPAddress]?
    /// Whether the server's file keeps the peer's private key, so that the peer's file can be shown again.
    package var keepsKey = false
    /// The disguise of this peer's traffic; nil: its server's.
    package var obfuscation: DialectName?
    /// Until when it may be used; nil: for ever.
    package var expires: PeerLimits.End?
    /// How much it may transfer; nil: any amount.
    package var quota: PeerLimits.Grant?
    private let now: Int64

    /// - Parameter now: Unix time in seconds.
    package init(name: String, now: Int64) {
        self.name = name
        self.now = now
    }

    package struct Outcome {
        package let interface: String
        package let name: String
        package let addresses: [Prefix]
        /// The peer's file, which holds its keys.
        package let file: [UInt8]
        package let reach: ConfigurationEdit.Reach
        package var notes: [String]
    }

    /// What is to be done, before the server's file is touched.
    package struct Plan {
        package let file: [UInt8]
        package let addresses: [Prefix]
        fileprivate let name: String
        fileprivate let section: PeerSection
        fileprivate let annotation: PeerAnnotation
        fileprivate let lines: [String]
        fileprivate let notes: [String]
    }

    /// - Throws: a sentence; then nothing has changed.
    package func plan(
        _ edit: ConfigurationEdit, _ random: any RandomSource,
        resolve: (EndpointName) throws -> [IPAddress] = { try $0.lookUpAll().map(\.address) }
    ) throws -> Plan {
        let name = try PeerName.checked(name)
        let text = edit.text
        if let other = text.peers.first(where: { $0.name.map { PeerName.areAlike($0, name) } ?? false }) {
            throw QuickError(
                "\(edit.path):\(text.line(of: other)): there is a peer called \(quoted(other.name ?? name)) already"
                    + (other.isEnabled ? "" : ", which is switched off"))
        }
        let server = try ServerView(text, path: edit.path)
        let taken = text.peers.flatMap { $0.section?.prefixes ?? [] }
        let addresses = try AddressPool(server: server.addresses, taken: taken).next()
        var notes: [String] = []
        let endpoint = try server.endpoint(self.endpoint)
        let allowedIPs = allowed(server, endpoint, &notes, resolve)
        let client = ClientFile(
            privateKey: Base64Key.newPrivateKey(random), presharedKey: random.secret(), addresses: addresses,
            nameServers: nameServers(server, allowedIPs, &notes), allowedIPs: allowedIPs, endpoint: endpoint,
            serverKey: server.publicKey)

        var section = PeerSection(X25519.publicKey(of: client.privateKey))
        section.presharedKey = client.presharedKey
        section.allowedIPs = addresses.map { .add($0) }
        let interface = text.configuration.interface.obfuscation
        if let obfuscation {
            section.obfuscation = try NewDisguise.values(ofPeer: obfuscation, of: interface, path: edit.path, random)
        }
        let (limits, annotation) = try PeerLimits.ofNewPeer(expires: expires, quota: quota, name: name, now: now)
        return Plan(
            file: client.text(NewDisguise.otherSide(section.obfuscation, of: interface)), addresses: addresses,
            name: name, section: section, annotation: annotation,
            lines: FileText.peer(section, comments: comments(name, client, limits)), notes: notes)
    }

    /// Adds the peer to the server's file, and to its interface if that is up.
    package static func commit(_ plan: Plan, _ edit: ConfigurationEdit) throws -> Outcome {
        let reach = try edit.commit(edit.text.adding(plan.lines), .adds(plan.section, plan.annotation))
        return Outcome(
            interface: edit.interface, name: plan.name, addresses: plan.addresses, file: plan.file, reach: reach,
            notes: plan.notes)
    }

    private func comments(_ name: String, _ client: ClientFile, _ limits: [String]) -> [String] {
        var comments = [CommentKey.name.line(name)] + limits
        guard keepsKey else { return comments }
        comments.append(CommentKey.clientPrivateKey.line(Base64Key.text(client.privateKey)))
        if allowedIPs != nil || !excluded.isEmpty {
            comments.append(CommentKey.clientAllowedIPs.line(client.allowedIPs.map { "\($0)" }.joined(separator: ", ")))
        }
        if endpoint != nil { comments.append(CommentKey.clientEndpoint.line("\(client.endpoint)")) }
        if dns != nil {
            comments.append(CommentKey.clientDNS.line(client.nameServers.map { "\($0)" }.joined(separator: ", ")))
        }
        return comments
    }
}

// MARK: - What goes into the tunnel

extension NewPeer {
    /// The tunnel's own networks are always in. The server's address is always out, once there is no default route for
    /// which the system keeps it out by itself: the tunnel's datagrams would go into the tunnel.
    private func allowed(
        _ server: ServerView, _ endpoint: EndpointName, _ notes: inout [String],
        _ resolve: (EndpointName) throws -> [IPAddress]
    ) -> [Prefix] {
        let wanted = allowedIPs ?? server.usualAllowedIPs
        let base = wanted.subtracting(excluded)
        var result = (base + server.networks).subtracting([])
        let isSplit = result.contains { $0.length > 0 && !server.networks.contains($0) }
        guard isSplit else { return result }
        let addresses: [IPAddress]
        do {
            addresses = try endpoint.numeric.map { [$0.address] } ?? resolve(endpoint)
        } catch {
            notes.append(
                "the server's address wasn't found (\(error)), so it may be among AllowedIPs; a Linux client then needs it "
                    + "in --exclude")
            return result
        }
        let own = addresses.compactMap { Prefix($0, length: $0.bitCount) }
        // A default route of that family keeps the tunnel's datagrams out by their mark.
        let holes = own.filter { address in
            result.contains { $0.holds(address) && $0.length > 0 }
        }
        result = result.subtracting(holes)
        return result
    }

    /// Name servers that the tunnel leads to; a peer would ask others in its own network, where they aren't.
    private func nameServers(_ server: ServerView, _ allowedIPs: [Prefix], _ notes: inout [String]) -> [IPAddress] {
        if let dns { return dns }
        let reachable = server.nameServers.filter { address in
            Prefix(address, length: address.bitCount).map { own in allowedIPs.contains { $0.holds(own) } } ?? false
        }
        if reachable.count < server.nameServers.count, !allowedIPs.isEmpty, server.forwarding != .off {
            let missing = server.nameServers.filter { !reachable.contains($0) }.map { "\($0)" }
            notes.append(
                "the tunnel doesn't lead to the name server \(missing.joined(separator: ", ")), so the peer's file doesn't "
                    + "name it; --dns names another one")
        }
        return reachable
    }
}
