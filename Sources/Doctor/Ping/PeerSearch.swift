import Control
package import Quick
package import Status
import Tunnel
import Wire

/// Finds the peer that somebody means, among those of all interfaces.
package enum PeerSearch {
    package struct Match: Sendable {
        package let snapshot: InterfaceSnapshot
        package let peer: PeerSnapshot
    }

    /// - Parameter argument: a name, a public key or the beginning of one, an address, a name that an endpoint was given by, or
    ///   an interface that has only one peer.
    /// - Throws: a sentence when there is none, or more than one.
    package static func find(_ argument: String, in snapshots: [InterfaceSnapshot]) throws(QuickError) -> Match {
        let all = snapshots.flatMap { snapshot in
            snapshot.peers().filter { $0.status != nil }.map { Candidate(snapshot: snapshot, peer: $0) }
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
        let list = found.prefix(5).map { "\($0.peer.label) (\($0.peer.publicKey.base64), \($0.snapshot.name))" }
        return QuickError(
            "\(quoted(argument)) may be one of \(found.count) peers: \(list.joined(separator: ", "))"
                + (found.count > list.count ? ", …" : "") + "; give the public key, or --interface")
    }

    private static func unknown(_ argument: String, _ all: [Candidate], _ interfaces: [String]) -> QuickError {
        guard !interfaces.isEmpty else {
            return QuickError(
                "no WireGuard interface is up, so there is no peer to reach; 'nightjar up wg0' brings one up")
        }
        let known = all.prefix(6).map(\.peer.label).joined(separator: ", ")
        return QuickError(
            "no peer of \(interfaces.joined(separator: ", ")) is called \(quoted(argument))"
                + (known.isEmpty ? "; there are no peers at all" : "; there \(all.count == 1 ? "is" : "are") \(known)")
                + (all.count > 6 ? " and \(all.count - 6) others" : ""))
    }
}

private struct Candidate {
    let snapshot: InterfaceSnapshot
    let peer: PeerSnapshot

    var match: PeerSearch.Match { PeerSearch.Match(snapshot: snapshot, peer: peer) }

    func hasKey(_ text: String) -> Bool {
        let key = peer.publicKey
        return key.base64 == text || key.short == text || text.utf8.count >= 6 && key.base64.hasPrefix(text)
    }

    func hasName(_ text: String) -> Bool { peer.name == text }

    func isAlmostNamed(_ text: String) -> Bool { peer.name?.lowercased() == text.lowercased() }

    /// By the name that its endpoint was given by, or as the only peer of an interface.
    func isHinted(at text: String) -> Bool {
        if snapshot.name == text, snapshot.status.peers.count == 1 { return true }
        guard let endpoint = peer.endpointName, let colon = endpoint.lastIndex(of: ":") else { return false }
        return endpoint == text || endpoint[..<colon] == text
    }

    /// The peer that packets to an address go to, or whose endpoint it is.
    static func nearest(to address: IPAddress, in all: [Candidate]) -> Candidate? {
        var best: (candidate: Candidate, length: Int)?
        for candidate in all {
            for prefix in candidate.peer.status?.allowedIPs ?? []
            where prefix.length > best?.length ?? -1 && Prefix(address, length: prefix.length) == prefix {
                best = (candidate, prefix.length)
            }
        }
        if let best, best.length == address.bitCount { return best.candidate }
        return all.first { $0.peer.status?.endpoint?.address == address } ?? best?.candidate
    }
}
