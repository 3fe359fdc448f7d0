import Control
import Glibc
import LinuxNet
import Obfuscation
import Tunnel
import Wire

/// Finds the MTU that a tunnel can have. Quick §up 6; Obfuscation §1.2.
struct MTUSearch {
    /// What counts of a peer.
    struct Peer {
        var endpoint: Endpoint?
        var dialect = Dialect.plain
        var name = DialectName.plain
        /// `ObfuscationMTU`: bytes of the largest IP packet on the way, when somebody said so.
        var saidPath: Int?
    }

    /// Where nothing is known of the way.
    private static let usualPath = 1500
    /// An interface can't have less.
    private static let least = 68

    let peers: [Peer]
    /// Of the tunnel's own datagrams, when it is up; 0 for none.
    var mark: UInt32 = 0
    /// The tunnel's own interface, when it is up, whose MTU says nothing.
    var interface: UInt32?

    /// The MTU for all peers: that of the narrowest way, or of the default route when no way is known, less the headers
    /// with IPv6 and what the greediest disguise takes. Bytes.
    func find(_ netlink: inout Netlink) throws(SystemError) -> Int {
        var path = try smallestPath(&netlink)
        if path == nil { path = try Self.defaultRouteMTU(&netlink) }
        let known = path ?? Self.usualPath
        let mtu = (peers + [Peer()]).map { peer in
            // The rule for plain WireGuard leaves room for an outer IPv6 header, whatever the family: so does this.
            peer.dialect.interfaceMTU(pathMTU: min(known, peer.saidPath ?? known), isIPv6: true)
        }.min()
        return max(mtu ?? 0, Self.least)
    }

    /// A sentence for each peer with a disguise whose datagrams would be fragmented.
    ///
    /// - Parameters:
    ///   - mtu: of the interface.
    ///   - isGiven: whether the file says so.
    func warnings(mtu: Int, isGiven: Bool, _ netlink: inout Netlink) throws(SystemError) -> [String] {
        var warnings: [String] = []
        for peer in peers where peer.dialect != .plain {
            guard let endpoint = peer.endpoint, endpoint.scope == 0,
                let path = try pathMTU(endpoint.address, &netlink)
            else { continue }
            let isIPv6 = endpoint.address.isIPv6
            let most = peer.dialect.interfaceMTU(pathMTU: path, isIPv6: isIPv6)
            if isGiven, mtu > most {
                let size = path + mtu - most
                warnings.append(
                    "MTU = \(mtu) with Obfuscation = \(peer.name.rawValue) makes packets of up to \(size) bytes, and the way to "
                        + "\(endpoint) carries \(path): they will be fragmented or lost; use MTU = \(most) or less, or leave "
                        + "it out")
            }
            if case .swgp(let settings) = peer.dialect, settings.pathMTU > path {
                warnings.append(
                    "Obfuscation = \(peer.name.rawValue) fills packets up to ObfuscationMTU, which is \(settings.pathMTU), and "
                        + "the way to \(endpoint) carries \(path): set ObfuscationMTU = \(path) on both sides")
            }
        }
        return warnings
    }

    // MARK: - Ways

    private func smallestPath(_ netlink: inout Netlink) throws(SystemError) -> Int? {
        var smallest: Int?
        var known: Set<IPAddress> = []
        // A link-local address says nothing without its scope, and is on this link anyway.
        for case let endpoint? in peers.map(\.endpoint) where endpoint.scope == 0 {
            guard known.insert(endpoint.address).inserted, let mtu = try pathMTU(endpoint.address, &netlink) else {
                continue
            }
            smallest = min(smallest ?? mtu, mtu)
        }
        return smallest
    }

    private func pathMTU(_ address: IPAddress, _ netlink: inout Netlink) throws(SystemError) -> Int? {
        guard let answer = try netlink.route(to: address, mark: mark), answer.interface != interface else { return nil }
        if let mtu = answer.mtu { return Int(mtu) }
        return try Self.interfaceMTU(answer.interface, &netlink)
    }

    private static func defaultRouteMTU(_ netlink: inout Netlink) throws(SystemError) -> Int? {
        let routes = try netlink.routes(isIPv6: false, table: Route.mainTable)
        guard let route = routes.first(where: { $0.destination.length == 0 }) else { return nil }
        if let mtu = route.mtu { return Int(mtu) }
        return try route.interface.flatMap { index throws(SystemError) in try interfaceMTU(index, &netlink) }
    }

    private static func interfaceMTU(_ index: UInt32, _ netlink: inout Netlink) throws(SystemError) -> Int? {
        do throws(SystemError) {
            let mtu = try netlink.link(index: index).mtu
            return mtu > 0 ? mtu : nil
        } catch {
            if error.code == ENODEV { return nil }
            throw error
        }
    }
}

extension MTUSearch {
    /// For a device as it is, when it isn't up yet.
    init(_ status: DeviceStatus) {
        peers = status.peers.map { Peer(endpoint: $0.endpoint, $0.obfuscation, in: status.obfuscation) }
    }

    /// For a file whose device is up; `endpoints` are those of its peers.
    init(
        _ configuration: ConfigurationFile, _ endpoints: [EndpointName: Endpoint], mark: UInt32, interface: UInt32
    ) {
        let settings = configuration.interface.obfuscation.settings
        peers = configuration.peers.map { peer in
            Peer(endpoint: peer.endpoint.flatMap { endpoints[$0] }, peer.obfuscation.settings, in: settings)
        }
        self.mark = mark
        self.interface = interface
    }

    /// The same with endpoints that a device has learnt.
    func with(endpointsOf status: DeviceStatus) -> MTUSearch {
        MTUSearch(
            peers: peers + status.peers.map { Peer(endpoint: $0.endpoint) }, mark: mark, interface: interface)
    }
}

extension MTUSearch.Peer {
    fileprivate init(endpoint: Endpoint?, _ settings: ObfuscationSettings, in interface: ObfuscationSettings) {
        self.endpoint = endpoint
        // A daemon that has taken them has resolved them, and a file was checked.
        dialect = (try? Dialect.resolve(settings, interface: interface)) ?? .plain
        name = settings.dialectName(in: interface)
        saidPath = (settings.pathMTU ?? interface.pathMTU).map { Int($0) }
    }
}
