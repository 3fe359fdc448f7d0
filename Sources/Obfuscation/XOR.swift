package import NoisePrimitives
package import Tunnel
import Wire

/// Combines every byte of each datagram with a key that repeats. It hides nothing from whoever looks twice: where WireGuard has zeros
/// the key shows, sizes stay, and counters count. Obfuscation §7.
package final class XORDisguise: Disguise {
    package let dialect: Int
    private let key: RepeatingKey

    init(_ key: RepeatingKey, dialect: Int) {
        self.key = key
        self.dialect = dialect
    }

    package func conceal(_ run: DataRun, random: inout KeystreamGenerator) {
        for datagram in Datagrams(run) { key.apply(to: datagram) }
    }

    package func encode(
        _ handshake: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, at now: Moment,
        random: inout KeystreamGenerator
    ) -> Int {
        output.copyMemory(from: handshake)
        key.apply(to: UnsafeMutableRawBufferPointer(rebasing: output[..<handshake.count]))
        return handshake.count
    }
}

/// Takes what ``XORDisguise`` makes.
package final class XORInboundCodec: InboundCodec {
    package let dialect: Int
    package let replyDisguise: (any Disguise)?
    private let key: RepeatingKey
    /// The key's first eight bytes as they meet kind and index.
    private let head: UInt64

    init(_ key: RepeatingKey, dialect: Int) {
        self.key = key
        self.dialect = dialect
        head = key.head
        replyDisguise = XORDisguise(key, dialect: dialect)
    }

    package func receiver(of datagram: UnsafeRawBufferPointer) -> UInt32? {
        guard datagram.count >= Message.Data.overhead, let start = datagram.baseAddress else { return nil }
        let words = start.littleEndian64(at: 0) ^ head
        guard UInt32(truncatingIfNeeded: words) == Message.Kind.data.rawValue else { return nil }
        return UInt32(truncatingIfNeeded: words >> 32)
    }

    package func reveal(
        _ run: ReceivedRun, receiver: UInt32, into messages: UnsafeMutablePointer<DataMessage>
    ) -> RevealedRun {
        var count = 0
        for datagram in Datagrams(run) {
            guard self.receiver(of: UnsafeRawBufferPointer(datagram)) == receiver else { break }
            key.apply(to: datagram)
            (messages + count).initialize(to: DataMessage(revealed: datagram))
            count += 1
        }
        return RevealedRun(datagrams: count, messages: count)
    }

    package func handshake(
        in datagram: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, at now: Moment,
        isGenuine: (UnsafeRawBufferPointer) -> Bool
    ) -> HandshakeFinding {
        guard HandshakeSizes.contain(datagram.count) else { return .none }
        output.copyMemory(from: datagram)
        let message = UnsafeMutableRawBufferPointer(rebasing: output[..<datagram.count])
        key.apply(to: message)
        return .genuine(UnsafeRawBufferPointer(message), isGenuine: isGenuine)
    }
}
