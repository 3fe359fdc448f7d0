package import Synchronization
package import Wire

/// The device's allowed IPs: which peer a destination goes to and which source a peer may use. Protocol §13.
///
/// Lanes keep the answers they need often and ask again when ``version`` has changed.
package final class RoutingTable: Sendable {
    /// Goes up with every change.
    package let version = Atomic<UInt64>(0)
    private let tables = Mutex(Tables())

    private struct Tables: ~Copyable {
        var v4 = AllowedIPsTable<UInt32, Peer>()
        var v6 = AllowedIPsTable<UInt128, Peer>()
    }

    /// The peer with the longest prefix that holds `address`.
    package func peer(for address: IPAddress) -> Peer? {
        tables.withLock { tables in
            switch address {
            case .v4(let v4): tables.v4.lookup(v4.value)
            case .v6(let v6): tables.v6.lookup(v6.bits)
            }
        }
    }

    /// Gives `prefix` to `peer`; returns the peer that had it before.
    func insert(_ prefix: Prefix, for peer: Peer) -> Peer? {
        defer { changed() }
        return tables.withLock { tables in
            switch prefix.address {
            case .v4(let v4): tables.v4.insert(v4.value, length: prefix.length, peer)
            case .v6(let v6): tables.v6.insert(v6.bits, length: prefix.length, peer)
            }
        }
    }

    /// Takes `prefix` from `peer`; false when it wasn't its own.
    func remove(_ prefix: Prefix, of peer: Peer) -> Bool {
        defer { changed() }
        return tables.withLock { tables in
            switch prefix.address {
            case .v4(let v4): tables.v4.remove(v4.value, length: prefix.length, of: peer)
            case .v6(let v6): tables.v6.remove(v6.bits, length: prefix.length, of: peer)
            }
        }
    }

    private func changed() {
        version.wrappingAdd(1, ordering: .releasing)
    }
}

extension IPv6Address {
    /// The address as one number.
    var bits: UInt128 { UInt128(high) << 64 | UInt128(low) }
}
