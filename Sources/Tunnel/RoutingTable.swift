package import Synchronization
package import Wire

/// The device's allowed IPs: which peer a destination goes to and which source a peer may use. Protocol §13.
///
/// Lanes keep the answers they need often and ask again when ``version`` has changed.
package final class RoutingTable: Sendable {
    /// Goes up with every change.
    package let version = Atomic<UInt64>(0)
    private let tries = Mutex(Tries())

    private struct Tries: ~Copyable {
        var v4 = AllowedIPsTrie<Peer>()
        var v6 = AllowedIPsTrie<Peer>()
    }

    /// The peer with the longest prefix that holds `address`.
    package func peer(for address: IPAddress) -> Peer? {
        let key = AllowedIPsTrie<Peer>.Key(address)
        return tries.withLock { address.isIPv6 ? $0.v6.lookup(key) : $0.v4.lookup(key) }
    }

    /// Gives `prefix` to `peer`; returns the peer that had it before.
    func insert(_ prefix: Prefix, for peer: Peer) -> Peer? {
        let key = AllowedIPsTrie<Peer>.Key(prefix.address)
        defer { changed() }
        return tries.withLock {
            prefix.address.isIPv6
                ? $0.v6.insert(key, length: prefix.length, peer) : $0.v4.insert(key, length: prefix.length, peer)
        }
    }

    /// Takes `prefix` from `peer`; false when it wasn't its own.
    func remove(_ prefix: Prefix, of peer: Peer) -> Bool {
        let key = AllowedIPsTrie<Peer>.Key(prefix.address)
        defer { changed() }
        return tries.withLock {
            prefix.address.isIPv6
                ? $0.v6.remove(key, length: prefix.length, of: peer)
                : $0.v4.remove(key, length: prefix.length, of: peer)
        }
    }

    private func changed() {
        version.wrappingAdd(1, ordering: .releasing)
    }
}
