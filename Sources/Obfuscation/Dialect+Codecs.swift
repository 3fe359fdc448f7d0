package import NoisePrimitives
package import Tunnel

extension Dialect {
    /// What puts this dialect on messages to a peer; nil when a key that it needs is missing. Peers may share it unless
    /// ``needsOwnDisguise``.
    ///
    /// - Parameter number: which of the device's dialects it is.
    package func disguise(number: Int, keys: CodecKeys) -> (any Disguise)? {
        switch self {
        case .plain: PlainDisguise()
        case .swgp(let settings) where settings.isParanoid: SWGPParanoidDisguise(settings, dialect: number)
        case .swgp(let settings): SWGPDisguise(settings, dialect: number)
        case .lwo: keys.peer.map { LWODisguise(to: $0, dialect: number) }
        case .wgObfuscator(let settings): WGObfuscatorDisguise(settings, dialect: number)
        case .amneziaWG(let settings): AmneziaWGDisguise(settings, number: number, peer: keys.peer)
        case .xor(let settings): RepeatingKey(settings).map { XORDisguise($0, dialect: number) }
        case .xorBatch: XORBatchDisguise(dialect: number)
        case .warp(let settings): WARPDisguise(settings, dialect: number)
        case .veil(let settings): VeilDisguise(settings, dialect: number, keys: keys)
        }
    }

    /// What takes this dialect off received datagrams; nil when a key that it needs is missing.
    ///
    /// - Parameters:
    ///   - number: which of the device's dialects it is.
    ///   - replays: remembers the handshakes that were taken, the same for all codecs of one dialect.
    ///   - random: seeds what a codec draws.
    package func inboundCodec(
        number: Int, keys: CodecKeys, replays: ReplayGuard, random: any RandomSource
    ) -> (any InboundCodec)? {
        switch self {
        case .plain: PlainInboundCodec()
        case .swgp(let settings) where settings.isParanoid:
            SWGPParanoidInboundCodec(settings, dialect: number, replays: replays)
        case .swgp(let settings): SWGPInboundCodec(settings, dialect: number, replays: replays)
        case .lwo: keys.own.map { LWOInboundCodec(own: $0, dialect: number) }
        case .wgObfuscator(let settings): WGObfuscatorInboundCodec(settings, dialect: number)
        case .amneziaWG(let settings): AmneziaWGInboundCodec(settings, number: number)
        case .xor(let settings): RepeatingKey(settings).map { XORInboundCodec($0, dialect: number) }
        case .xorBatch: XORBatchInboundCodec(dialect: number)
        case .warp(let settings): WARPInboundCodec(settings, dialect: number)
        case .veil(let settings): VeilInboundCodec(settings, dialect: number, keys: keys, replays: replays)
        }
    }

    /// Whether every peer needs a disguise of its own, since it follows what the peer does or has a key of its own.
    package var needsOwnDisguise: Bool {
        switch self {
        case .lwo, .wgObfuscator, .amneziaWG: true
        case .swgp(let settings): settings.isParanoid
        default: false
        }
    }

    /// Whether a codec for each peer that is called (``CodecKeys/isPeerServer``) takes its datagrams, beside the one for those who call.
    package var hasCodecPerServer: Bool {
        if case .veil = self { true } else { false }
    }
}
