import NoisePrimitives
import Obfuscation
import Tunnel
import Wire

/// What a device speaks: the disguises of its peers and the codecs for what comes in, made of the settings and kept while these stay.
/// Belongs to the control thread.
final class Disguises {
    private let cell: DialectCell
    private let floor: ReplayFloor
    private let random: any RandomSource

    /// By number; nil: not in use.
    private var dialects: [Dialect?] = [.plain]
    /// By number, for peers that needn't have one of their own.
    private var shared: [Int: any Disguise] = [:]
    /// By number, for whoever calls.
    private var codecs: [Int: any InboundCodec] = [:]
    /// By number.
    private var replays: [Int: ReplayGuard] = [:]
    /// Of every peer that speaks anything but `plain`.
    private var made: [PublicKey: Made] = [:]
    /// Our public key when all of these were made.
    private var own: PublicKey?
    /// From when on handshakes are taken, in milliseconds of Unix time, once something asked for it.
    private var floorTime: Int64?
    /// The numbers that the table in use has.
    private var tableNumbers: Set<Int> = [plainDialect]

    /// What was made for a peer.
    private struct Made {
        let number: Int
        let dialect: Dialect
        let isServer: Bool
        let disguise: (any Disguise)?
        /// Takes what the peer sends, if it is a server whose key both sides use.
        let codec: (any InboundCodec)?
        var endpoint: Endpoint?
    }

    init(cell: DialectCell, floor: ReplayFloor, random: any RandomSource) {
        self.cell = cell
        self.floor = floor
        self.random = random
    }

    /// Makes sure that everybody has a dialect once a change is applied.
    func check(_ change: DeviceChange, for device: Device) throws(DialectError) {
        let touchesInterface = change.obfuscation != nil
        guard touchesInterface || isInUse(device) || change.peers.contains(where: { $0.obfuscation != nil }) else {
            return
        }
        var interface = device.obfuscation
        if let obfuscation = change.obfuscation { interface.apply(obfuscation) }
        var peers: [PublicKey: ObfuscationSettings] = [:]
        // Who isn't touched by the change had a dialect before.
        if !change.replacesPeers, touchesInterface { peers = device.peers.mapValues { $0.obfuscation } }
        for peer in change.peers {
            if peer.removes {
                peers[peer.publicKey] = nil
                continue
            }
            let present = change.replacesPeers ? nil : device.peers[peer.publicKey]?.obfuscation
            guard let settings = peers[peer.publicKey] ?? present ?? (peer.updatesOnly ? nil : ObfuscationSettings())
            else { continue }
            peers[peer.publicKey] = settings
            if let obfuscation = peer.obfuscation { peers[peer.publicKey]!.apply(obfuscation) }
        }
        var isDefaultChecked = false
        for (key, settings) in peers {
            if settings.isUnsaid {
                guard !isDefaultChecked else { continue }
                isDefaultChecked = true
            }
            do throws(DialectError) {
                _ = try Dialect.resolve(settings, interface: interface)
            } catch {
                throw DialectError("\(settings.isUnsaid ? "" : "peer(\(key.short)) - ")\(error)")
            }
        }
        // Without peers, what the interface says has to make sense by itself.
        if touchesInterface, peers.isEmpty, device.peers.isEmpty || change.replacesPeers {
            _ = try Dialect.resolve(ObfuscationSettings(), interface: interface)
        }
    }

    /// Gives peers the disguises that they ought to have now that a change is applied, and the lanes what they need to take them off.
    ///
    /// - Returns: whether datagrams may have become longer or shorter.
    func update(_ device: Device, by change: DeviceChange, _ reconfiguration: Device.Reconfiguration) -> Bool {
        let isKeyNew = own != device.identity?.publicKey
        guard isInUse(device) || reconfiguration.peers.contains(where: { !$0.peer.obfuscation.isUnsaid }) else {
            own = device.identity?.publicKey
            return false
        }
        if isKeyNew {
            own = device.identity?.publicKey
            shared = [:]
            codecs = [:]
            made = [:]
        }
        device.answersUnderLoad = !(device.obfuscation.amneziaWG?.disablesCookies ?? false)
        var areServersStale = isKeyNew
        if change.replacesPeers || change.peers.contains(where: \.removes) || isKeyNew {
            let before = made.count
            made = made.filter { device.peers[$0.key] != nil }
            if made.count != before { areServersStale = true }
        }
        let isGlobal = isKeyNew || change.obfuscation != nil
        let touched = isGlobal ? Array(device.peers.values) : reconfiguration.peers.map(\.peer)
        var standard: Dialect?
        for peer in touched where device.peers[peer.publicKey] === peer {
            let dialect: Dialect
            if peer.obfuscation.isUnsaid, let standard {
                dialect = standard
            } else {
                // check(_:for:) has seen that there is one.
                dialect = (try? Dialect.resolve(peer.obfuscation, interface: device.obfuscation)) ?? .plain
                if peer.obfuscation.isUnsaid { standard = dialect }
            }
            if assign(dialect, to: peer, of: device) { areServersStale = true }
        }
        rebuild(for: device, areServersStale: areServersStale)
        return true
    }

    /// A server's endpoint is another one.
    func moved(_ publicKey: PublicKey, to endpoint: Endpoint) {
        guard made[publicKey]?.codec != nil else { return }
        made[publicKey]?.endpoint = endpoint
        cell.replace(with: table())
    }

    /// Keeps past the end of this program how new the newest handshake was.
    func saveFloor() {
        guard let floorTime else { return }
        floor.save(replays.values.reduce(floorTime) { max($0, $1.newest) })
    }

    /// The name of a dialect by its number.
    func name(ofDialect number: Int) -> String {
        let dialect = dialects.indices.contains(number) ? dialects[number] : nil
        return (dialect?.name ?? .plain).rawValue
    }

    /// The name of a peer's dialect.
    func name(for peer: PublicKey) -> String {
        (made[peer]?.dialect.name ?? .plain).rawValue
    }

    /// Bytes of the longest datagram that a packet as long as the MTU makes.
    func longestDatagram(mtu: Int) -> Int {
        let plain = mtu + Message.Data.overhead
        // One of each kind is enough, since the rest has the same settings.
        var seen: Set<Int> = []
        return made.values.reduce(plain) { longest, made in
            guard let disguise = made.disguise, seen.insert(made.number).inserted else { return longest }
            return max(longest, disguise.layout(ofPacket: mtu, mtu: mtu, draw: .max).total)
        }
    }

    /// What finds out about strange datagrams; nil without a key of our own.
    func mismatchFinder(for device: Device) -> MismatchFinder? {
        guard let own = device.identity?.publicKey else { return nil }
        let hasPlainPeers = made.count < device.peers.count
        let spoken = dialects.compactMap { $0 }.filter { $0 != .plain || hasPlainPeers }
        return MismatchFinder(
            own: own, interface: device.obfuscation, spoken: spoken, indices: device.shared.indices, random: random)
    }

    /// Whether anything is said about disguises, or was.
    private func isInUse(_ device: Device) -> Bool {
        !made.isEmpty || !device.obfuscation.isUnsaid || tableNumbers != [plainDialect]
    }

    /// Gives a peer the disguise of a dialect; whether the servers' codecs have changed.
    private func assign(_ dialect: Dialect, to peer: Peer, of device: Device) -> Bool {
        let key = peer.publicKey
        guard dialect != .plain else {
            device.setDisguise(nil, for: key)
            return made.removeValue(forKey: key)?.codec != nil
        }
        let isServer = peer.isEndpointConfigured
        if let present = made[key], present.dialect == dialect, present.isServer == isServer {
            device.setDisguise(present.disguise, for: key)
            guard present.codec != nil, present.endpoint != peer.endpoint else { return false }
            made[key]!.endpoint = peer.endpoint
            return true
        }
        let number = number(of: dialect)
        // Equal ones share what they keep.
        let dialect = number == plainDialect ? dialect : dialects[number] ?? dialect
        let hadCodec = made[key]?.codec != nil
        let hasOwnKey = dialect.hasCodecPerServer && isServer
        let keys = CodecKeys(own: own, peer: key, isPeerServer: isServer)
        let disguise: (any Disguise)?
        if dialect.needsOwnDisguise || hasOwnKey {
            disguise = dialect.disguise(number: number, keys: keys)
        } else {
            if shared[number] == nil {
                let keys = CodecKeys(own: own, peer: nil, isPeerServer: false)
                shared[number] = dialect.disguise(number: number, keys: keys)
            }
            disguise = shared[number]
        }
        let codec =
            hasOwnKey
            ? dialect.inboundCodec(number: number, keys: keys, replays: replayGuard(number), random: random) : nil
        made[key] = Made(
            number: number, dialect: dialect, isServer: isServer, disguise: disguise, codec: codec,
            endpoint: peer.endpoint)
        device.setDisguise(disguise, for: key)
        return hadCodec || codec != nil
    }

    /// Forgets the dialects that nobody speaks any more, and gives the lanes a new table if it is another one.
    private func rebuild(for device: Device, areServersStale: Bool) {
        var used = Set(made.values.map(\.number))
        if made.count < device.peers.count { used.insert(plainDialect) }
        if device.peers.isEmpty {
            let standard = (try? Dialect.resolve(ObfuscationSettings(), interface: device.obfuscation)) ?? .plain
            used = [number(of: standard)]
        }
        for number in dialects.indices where number != plainDialect && !used.contains(number) { retire(number) }
        guard areServersStale || used != tableNumbers else { return }
        tableNumbers = used
        cell.replace(with: table())
    }

    private func table() -> DialectTable? {
        guard tableNumbers != [plainDialect] else { return nil }
        let keys = CodecKeys(own: own, peer: nil, isPeerServer: false)
        let inUse = tableNumbers.sorted().compactMap { number -> (any InboundCodec)? in
            if let codec = codecs[number] { return codec }
            guard let dialect = number == plainDialect ? .plain : dialects[number] else { return nil }
            codecs[number] = dialect.inboundCodec(
                number: number, keys: keys, replays: replayGuard(number), random: random)
            return codecs[number]
        }
        let servers = made.values.compactMap { made in made.codec.map { (endpoint: made.endpoint, codec: $0) } }
        return DialectTable(dialects: inUse, servers: servers, own: own)
    }

    private func number(of dialect: Dialect) -> Int {
        if dialect.isPlainOnTheWire { return plainDialect }
        if let known = dialects.firstIndex(of: dialect) { return known }
        guard let free = dialects.firstIndex(of: nil) else {
            dialects.append(dialect)
            return dialects.count - 1
        }
        dialects[free] = dialect
        return free
    }

    /// Frees a number. What its guard took stays refused when the dialect comes back.
    private func retire(_ number: Int) {
        guard dialects[number] != nil else { return }
        dialects[number] = nil
        shared[number] = nil
        codecs[number] = nil
        if let replays = replays.removeValue(forKey: number) { floorTime = max(floorTime ?? 0, replays.newest) }
    }

    private func replayGuard(_ number: Int) -> ReplayGuard {
        if let present = replays[number] { return present }
        let time = floorTime ?? floor.begin()
        floorTime = time
        let new = ReplayGuard(floor: time)
        replays[number] = new
        return new
    }
}
