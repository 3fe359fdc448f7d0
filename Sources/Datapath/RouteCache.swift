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
        // Safe: the place is below the size.
        let entry = entries + Self.place(of: address)
        if entry.pointee.peer != nil, entry.pointee.address == address { return entry.pointee.peer }
        guard let peer = routes.peer(for: address) else { return nil }
        entry.pointee = Entry(address: address, peer: peer)
        return peer
    }

    private static var empty: Entry { Entry(address: .v4(IPv4Address(0)), peer: nil) }

    private static func place(of address: IPAddress) -> Int {
        let mixed =
            switch address {
            case .v4(let v4): UInt64(v4.value)
            case .v6(let v6): v6.high &* 3 ^ v6.low
            }
        return Int(truncatingIfNeeded: (mixed &* 0x9e37_79b9_7f4a_7c15) >> 54)
    }
}

/// A lane's memory of sessions by receiver index.
///
/// It doesn't keep a session alive, for the keys of one that has ended must go also from a lane without traffic.
struct SessionCache: ~Copyable {
    private static let size = 256

    private let indices: IndexTable
    private let entries: UnsafeMutablePointer<Entry>

    private struct Entry {
        weak var keypair: Keypair?
    }

    init(_ indices: IndexTable) {
        self.indices = indices
        entries = .allocate(capacity: Self.size)
        entries.initialize(repeating: Entry(), count: Self.size)
    }

    deinit {
        entries.deinitialize(count: Self.size)
        entries.deallocate()
    }

    /// The session that receives under `index`.
    mutating func session(_ index: UInt32) -> Keypair? {
        // Safe: the remainder is below the size. Indices are random, so their low bits spread well.
        let entry = entries + Int(index % UInt32(Self.size))
        if let keypair = entry.pointee.keypair, keypair.localIndex == index, !keypair.isRetired { return keypair }
        guard let keypair = indices.session(index) else { return nil }
        entry.pointee.keypair = keypair
        return keypair
    }
}
