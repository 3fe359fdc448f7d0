package import NoisePrimitives
package import Tunnel
import Wire

/// WireGuard with the three reserved bytes of each message set to what Cloudflare knows a client by. MACs are those over zeros.
/// AmneziaWG's junk may go before an initiation. Obfuscation §6.
package final class WARPDisguise: Disguise {
    package let dialect: Int
    private let reserved: (UInt8, UInt8, UInt8)
    private let prelude: AmneziaWGPrelude

    init?(_ settings: WARPSettings, dialect: Int) {
        guard settings.reserved.count == 3 else { return nil }
        self.dialect = dialect
        prelude = AmneziaWGPrelude(settings.junk)
        reserved = (settings.reserved[0], settings.reserved[1], settings.reserved[2])
    }

    package func conceal(_ run: DataRun, random: inout KeystreamGenerator) {
        for datagram in Datagrams(run) { mark(datagram) }
    }

    package func encode(
        _ handshake: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, at now: Moment,
        random: inout KeystreamGenerator
    ) -> Int {
        output.copyMemory(from: handshake)
        mark(output)
        return handshake.count
    }

    package func prelude(at now: Moment, random: inout KeystreamGenerator) -> [[UInt8]] {
        prelude.datagrams(at: now, random: &random)
    }

    private func mark(_ datagram: UnsafeMutableRawBufferPointer) {
        datagram[1] = reserved.0
        datagram[2] = reserved.1
        datagram[3] = reserved.2
    }
}

/// Takes WireGuard with anything in its reserved bytes.
package final class WARPInboundCodec: InPlaceCodec {
    package let dialect: Int
    package let replyDisguise: (any Disguise)?

    init?(_ settings: WARPSettings, dialect: Int) {
        guard let reply = WARPDisguise(settings, dialect: dialect) else { return nil }
        self.dialect = dialect
        replyDisguise = reply
    }

    package func receiver(of datagram: UnsafeRawBufferPointer) -> UInt32? {
        guard datagram.count >= Message.Data.overhead, let start = datagram.baseAddress,
            UInt32(datagram[0]) == Message.Kind.data.rawValue
        else { return nil }
        return start.littleEndian32(at: Message.Data.receiver)
    }

    package func uncover(_ datagram: UnsafeMutableRawBufferPointer) {
        Self.clear(datagram)
    }

    package func handshake(
        in datagram: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, at now: Moment,
        isGenuine: (UnsafeRawBufferPointer) -> Bool
    ) -> HandshakeFinding {
        guard HandshakeSizes.contain(datagram.count) else { return .none }
        output.copyMemory(from: datagram)
        Self.clear(output)
        let message = UnsafeRawBufferPointer(rebasing: output[..<datagram.count])
        return .genuine(message, isGenuine: isGenuine)
    }

    private static func clear(_ datagram: UnsafeMutableRawBufferPointer) {
        datagram[1] = 0
        datagram[2] = 0
        datagram[3] = 0
    }
}
