package import Obfuscation
package import Tunnel
package import Wire

extension SimulatedHost {
    /// What a host speaks with one of its peers.
    package struct Conversation {
        package let peer: PublicKey
        package let dialect: Dialect
        /// Whether the peer is the one that is called.
        package let isPeerServer: Bool

        package init(_ dialect: Dialect, with peer: PublicKey, isPeerServer: Bool) {
            self.peer = peer
            self.dialect = dialect
            self.isPeerServer = isPeerServer
        }
    }

    /// Speaks with its peers as told from now on, and takes what comes in these dialects, numbered as they come; what was taken before
    /// is forgotten.
    ///
    /// - Parameter floor: from when on dated handshakes are taken, in milliseconds of Unix time.
    package func speak(_ conversations: [Conversation], floor: Int64 = 0, now: Moment) {
        var numbered: [Dialect] = [.plain]
        var codecs: [any InboundCodec] = []
        var servers: [(endpoint: Endpoint?, codec: any InboundCodec)] = []
        let random = SeededRandom(seed: UInt64(endpoint.port))
        for conversation in conversations {
            let dialect = conversation.dialect
            let isKnown = numbered.contains(dialect)
            let number = numbered.firstIndex(of: dialect) ?? numbered.count
            if !isKnown { numbered.append(dialect) }
            let keys = CodecKeys(
                own: publicKey, peer: conversation.peer, isPeerServer: conversation.isPeerServer)
            let replays = ReplayGuard(floor: floor)
            if !isKnown || dialect == .plain {
                let ownKeys = CodecKeys(own: publicKey, peer: nil, isPeerServer: false)
                codecs.append(
                    dialect.inboundCodec(number: number, keys: ownKeys, replays: replays, random: random)!)
            }
            if dialect.hasCodecPerServer, conversation.isPeerServer {
                let codec = dialect.inboundCodec(number: number, keys: keys, replays: replays, random: random)!
                servers.append((peer(conversation.peer)?.endpoint, codec))
            }
            perform(now: now) { device in
                let disguise = dialect == .plain ? nil : dialect.disguise(number: number, keys: keys)!
                device.setDisguise(disguise, for: conversation.peer)
            }
        }
        dialects = DialectTable(dialects: codecs, servers: servers, own: publicKey)
    }
}
