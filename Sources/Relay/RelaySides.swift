import NoisePrimitives
import Obfuscation
import Tunnel
import Wire

/// Which of its two sides a relay speaks to.
package enum RelaySide: String, Sendable {
    case listen = "[Listen]"
    case forward = "[Forward]"
}

/// The codecs and disguises of both sides of a relay. Toward its clients it stands for the server, toward the endpoint for its clients.
struct RelaySides {
    let clientCodec: any InboundCodec
    /// One, or one for each client's key where messages from the endpoint look different for each.
    let endpointCodecs: [any InboundCodec]
    /// Whether a datagram that looks like data to the clients' codec hardly is anything else, so that it may belong to a session
    /// that this relay hasn't seen the beginning of.
    let recognisesClientData: Bool
    let recognisesEndpointData: Bool
    let serverMACs: MACKeys?
    let clientMACs: [(key: PublicKey, macs: MACKeys)]

    private let settings: RelaySettings
    private let sharedClientDisguise: (any Disguise)?
    private let sharedEndpointDisguise: (any Disguise)?

    /// - Parameters:
    ///   - clientReplays: of dated handshakes from clients.
    ///   - endpointReplays: of those from the endpoint.
    /// - Throws: what is missing.
    init(
        _ settings: RelaySettings, clientReplays: ReplayGuard, endpointReplays: ReplayGuard, random: any RandomSource
    ) throws(RelaySettingsError) {
        self.settings = settings
        if let problem = settings.problem { throw problem }
        let listen = settings.listenDialect
        let forward = settings.forwardDialect
        let onlyClient = settings.clientKeys.count == 1 ? settings.clientKeys.first : nil
        let callers: [PublicKey?] =
            forward.dependsOnReceiver && !settings.clientKeys.isEmpty ? settings.clientKeys : [onlyClient]
        guard
            let clientCodec = listen.inboundCodec(
                number: listen.number, keys: Self.keys(toClient: onlyClient, settings), replays: clientReplays,
                random: random)
        else { throw RelaySettingsError(.listen, .unusable) }
        var endpointCodecs: [any InboundCodec] = []
        for caller in callers {
            guard
                let codec = forward.inboundCodec(
                    number: forward.number, keys: Self.keys(toServerFrom: caller, settings), replays: endpointReplays,
                    random: random)
            else { throw RelaySettingsError(.forward, .unusable) }
            endpointCodecs.append(codec)
        }
        self.clientCodec = clientCodec
        self.endpointCodecs = endpointCodecs
        recognisesClientData = listen.recognisesData
        recognisesEndpointData = forward.recognisesData
        serverMACs = settings.serverKey.map { MACKeys(of: $0) }
        clientMACs = settings.clientKeys.map { ($0, MACKeys(of: $0)) }
        sharedClientDisguise =
            listen.needsOwnDisguise
            ? nil : listen.disguise(number: listen.number, keys: Self.keys(toClient: onlyClient, settings))
        sharedEndpointDisguise =
            forward.needsOwnDisguise
            ? nil : forward.disguise(number: forward.number, keys: Self.keys(toServerFrom: onlyClient, settings))
    }

    /// What messages to a client look like; nil when it isn't known yet which of several it is and that makes a difference.
    func clientDisguise(for client: PublicKey?) -> (any Disguise)? {
        if let sharedClientDisguise { return sharedClientDisguise }
        let dialect = settings.listenDialect
        return dialect.disguise(number: dialect.number, keys: Self.keys(toClient: client, settings))
    }

    /// What messages to the endpoint look like for one flow.
    func endpointDisguise() -> (any Disguise)? {
        if let sharedEndpointDisguise { return sharedEndpointDisguise }
        let dialect = settings.forwardDialect
        return dialect.disguise(number: dialect.number, keys: Self.keys(toServerFrom: onlyClient, settings))
    }

    /// The only client's key; nil when there is none or several.
    var onlyClient: PublicKey? { settings.clientKeys.count == 1 ? settings.clientKeys.first : nil }

    private static func keys(toClient client: PublicKey?, _ settings: RelaySettings) -> CodecKeys {
        CodecKeys(own: settings.serverKey, peer: client, isPeerServer: false)
    }

    private static func keys(toServerFrom client: PublicKey?, _ settings: RelaySettings) -> CodecKeys {
        CodecKeys(own: client, peer: settings.serverKey, isPeerServer: true)
    }
}

/// Why settings don't make a relay.
package struct RelaySettingsError: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Cause: Equatable, Sendable {
        case serverKeyMissing
        case clientKeyMissing
        case unusable
    }

    package let side: RelaySide
    package let cause: Cause

    init(_ side: RelaySide, _ cause: Cause) {
        self.side = side
        self.cause = cause
    }

    package var description: String {
        switch cause {
        case .serverKeyMissing:
            "the disguise of \(side.rawValue) needs ServerPublicKey, the WireGuard server's public key, in [Relay]"
        case .clientKeyMissing:
            "the disguise of \(side.rawValue) needs ClientPublicKey, the public key of each WireGuard client, in [Relay]"
        case .unusable: "the disguise of \(side.rawValue) can't be used in a relay"
        }
    }
}

extension RelaySettings {
    /// Which key is missing for a disguise, if one is.
    package var problem: RelaySettingsError? {
        for (side, dialect) in [(RelaySide.listen, listenDialect), (.forward, forwardDialect)] {
            // MACs cover the first bytes, so only who has the receivers' keys can change these.
            let needsBoth = dialect.changesTypes
            if serverKey == nil, needsBoth || !Self.works(dialect, side, server: nil, client: .placeholder) {
                return RelaySettingsError(side, .serverKeyMissing)
            }
            if clientKeys.isEmpty, needsBoth || !Self.works(dialect, side, server: .placeholder, client: nil) {
                return RelaySettingsError(side, .clientKeyMissing)
            }
        }
        return nil
    }

    private static func works(
        _ dialect: Dialect, _ side: RelaySide, server: PublicKey?, client: PublicKey?
    ) -> Bool {
        let keys =
            switch side {
            case .listen: CodecKeys(own: server, peer: client, isPeerServer: false)
            case .forward: CodecKeys(own: client, peer: server, isPeerServer: true)
            }
        return dialect.disguise(number: dialect.number, keys: keys) != nil
            && dialect.inboundCodec(
                number: dialect.number, keys: keys, replays: ReplayGuard(floor: 0, capacity: 1),
                random: SystemRandomSource()) != nil
    }
}

extension Dialect {
    /// Of the two dialects of a relay plain is 0, as everywhere, and the other 1.
    fileprivate var number: Int { self == .plain ? plainDialect : 1 }

    /// Whether the first bytes of handshakes, which MACs cover, are others than WireGuard's.
    fileprivate var changesTypes: Bool {
        guard case .amneziaWG(let settings) = self else { return false }
        return settings.headers != AmneziaWGSettings().headers
    }

    /// Whether what is sent to somebody looks different for each public key of theirs.
    fileprivate var dependsOnReceiver: Bool { self == .lwo }

    /// Whether random bytes, or those of another dialect, hardly pass as its data. Where they do, only sessions that were seen to
    /// begin count.
    fileprivate var recognisesData: Bool {
        switch self {
        case .plain, .xor, .xorBatch, .lwo, .warp, .swgp: true
        case .veil, .amneziaWG, .wgObfuscator: false
        }
    }
}

extension PublicKey {
    /// Stands for a key that is there.
    fileprivate static var placeholder: PublicKey {
        var bytes = Bytes32()
        bytes.withUnsafeMutableBytes { $0[0] = 9 }
        return PublicKey(bytes)
    }
}
