import Synchronization
import Tunnel
import Wire

/// A lane's memory of which peer an address belongs to, so that the shared table is asked once per address.
///
/// Direct-mapped: an address has one place, and the last one that needed it keeps it.
struct RouteCache: ~Copyable {
    private static let size = 1024

    private let routes: RoutingTable
    private let entries: UnsafeMutablePointer<Entry>
    private var version: UInt64

    private struct Entry {
        var address: IPAddress
        var peer: Peer?
    }

    init(_ routes: RoutingTable) {
        self.routes = routes
        version = routes.version.load(ordering: .acquiring)
        entries = .allocate(capacity: Self.size)
        entries.initialize(repeating: Self.empty, count: Self.size)
    }

    deinit {
        entries.deinitialize(count: Self.size)
        entries.deallocate()
    }

    /// Forgets everything if the table has changed; to be called once per batch.
    mutating func refresh() {
        let current = routes.version.load(ordering: .acquiring)
        guard current != version else { return }
        version = current
        entries.update(repeating: Self.empty, count: Self.size)
    }

    /// The peer that packets to or from `address` belong to.
    mutating func peer(for address: IPAddress) -> Peer? {
        let place = place(of: address)
        return isKnown(address, at: place) ? entries[place].peer : learn(address, at: place)
    }

    /// Whether packets to or from `address` belong to `peer`.
    @inline(__always)
    mutating func isPeer(_ peer: Peer, for address: IPAddress) -> Bool {
        let place = place(of: address)
        // Not by way of `peer(for:)`, which would count references.
        return isKnown(address, at: place) ? entries[place].peer === peer : learn(address, at: place) === peer
    }

    @inline(__always)
    private func isKnown(_ address: IPAddress, at place: Int) -> Bool {
        guard entries[place].peer != nil else { return false }
        switch (entries[place].address, address) {
        case (.v4(let known), .v4(let asked)): return known.value == asked.value
        case (.v6(let known), .v6(let asked)): return known.high == asked.high && known.low == asked.low
        default: return false
        }
    }

    @inline(never)
    private mutating func learn(_ address: IPAddress, at place: Int) -> Peer? {
        guard let peer = routes.peer(for: address) else { return nil }
        entries[place] = Entry(address: address, peer: peer)
        return peer
    }

    private static var empty: Entry { Entry(address: .v4(IPv4Address(0)), peer: nil) }

    /// Below the size.
    @inline(__always)
    private func place(of address: IPAddress) -> Int {
        let mixed =
            switch address {
            case .v4(let v4): UInt64(v4.value)
            case .v6(let v6): v6.high &* 3 ^ v6.low
            }
        return Int(truncatingIfNeeded: (mixed &* 0x9e37_79b9_7f4a_7c15) >> 54)
    }
}
