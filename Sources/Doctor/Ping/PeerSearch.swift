package import Quick
package import Status
package import Tunnel
package import Wire

/// Finds the peer that somebody means, among those of all interfaces.
package enum PeerSearch {
    package struct Match: Sendable {
        package let snapshot: InterfaceSnapshot
        package let peer: PeerStatus
        /// Its name or short key, fit for a terminal.
        package let label: String
    }

    /// - Parameter argument: a name, a public key or the beginning of one, an address, a name that an endpoint was given by, or
    ///   an interface that has only one peer.
    /// - Throws: a sentence when there is none, or more than one.
    package static func find(_ argument: String, in snapshots: [InterfaceSnapshot]) throws(QuickError) -> Match {
        let all = snapshots.flatMap { snapshot in
            snapshot.status.peers.map { Candidate(snapshot, $0) }
        }
        for isMeant in [Candidate.hasKey, Candidate.hasName, Candidate.isAlmostNamed] {
            let found = all.filter { isMeant($0)(argument) }
            if found.count == 1 { return found[0].match }
            if found.count > 1 { throw ambiguous(argument, found) }
        }
        if let address = IPAddress(argument), let found = Candidate.nearest(to: address, in: all) { return found.match }
        let found = all.filter { $0.isHinted(at: argument) }
        if found.count == 1 { return found[0].match }
        if found.count > 1 { throw ambiguous(argument, found) }
        throw unknown(argument, all, snapshots.map(\.name))
    }

    private static func ambiguous(_ argument: String, _ found: [Candidate]) -> QuickError {
        let list = found.prefix(5).map { "\($0.label) (\($0.peer.publicKey.base64), \($0.snapshot.name))" }
        return QuickError(
            "\(quoted(argument)) may be one of \(found.count) peers: \(list.joined(separator: ", "))"
                + (found.count > list.count ? ", …" : "") + "; give the public key, or --interface")
    }

    private static func unknown(_ argument: String, _ all: [Candidate], _ interfaces: [String]) -> QuickError {
        guard !interfaces.isEmpty else {
            return QuickError("no WireGuard interface is up, so there is no peer to reach; 'nightjar up wg0' brings one up")
        }
        let known = all.prefix(6).map(\.label).joined(separator: ", ")
        return QuickError(
            "no peer of \(interfaces.joined(separator: ", ")) is called \(quoted(argument))"
                + (known.isEmpty ? "; there are no peers at all" : "; there \(all.count == 1 ? "is" : "are") \(known)")
                + (all.count > 6 ? " and \(all.count - 6) others" : ""))
    }
}

private struct Candidate {
    let snapshot: InterfaceSnapshot
    let peer: PeerStatus
    let name: String?
    let label: String

    init(_ snapshot: InterfaceSnapshot, _ peer: PeerStatus) {
        self.snapshot = snapshot
        self.peer = peer
        let written = snapshot.configuration?.peers.first {
            $0.isEnabled && $0.section?.publicKey == peer.publicKey
        }?.name
        let told = snapshot.report?.peers.first { $0.publicKey == peer.publicKey }?.annotation.name
        name = written ?? (told?.isEmpty == false ? told : nil)
        label = name.map(printable) ?? peer.publicKey.short
    }

    var match: PeerSearch.Match { PeerSearch.Match(snapshot: snapshot, peer: peer, label: label) }

    func hasKey(_ text: String) -> Bool {
        let key = peer.publicKey
        return key.base64 == text || key.short == text || text.utf8.count >= 6 && key.base64.hasPrefix(text)
    }

    func hasName(_ text: String) -> Bool { name == text }

    func isAlmostNamed(_ text: String) -> Bool { name?.lowercased() == text.lowercased() }

    /// By the name that its endpoint was given by, or as the only peer of an interface.
    func isHinted(at text: String) -> Bool {
        if snapshot.name == text, snapshot.status.peers.count == 1 { return true }
        let endpoint = snapshot.report?.peers.first { $0.publicKey == peer.publicKey }?.endpointName
        guard let endpoint, let colon = endpoint.lastIndex(of: ":") else { return false }
        return endpoint == text || endpoint[..<colon] == text
    }

    /// The peer that packets to an address go to, or whose endpoint it is.
    static func nearest(to address: IPAddress, in all: [Candidate]) -> Candidate? {
        let routed = all.compactMap { candidate -> (Candidate, Int)? in
            let lengths = candidate.peer.allowedIPs.filter { Prefix(address, length: $0.length) == $0 }.map(\.length)
            return lengths.max().map { (candidate, $0) }
        }
        if let exact = routed.first(where: { $0.1 == address.bitCount }) { return exact.0 }
        if let outside = all.first(where: { $0.peer.endpoint?.address == address }) { return outside }
        return routed.max { $0.1 < $1.1 }?.0
    }
}
