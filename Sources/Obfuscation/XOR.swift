package import NoisePrimitives
package import Tunnel
import Wire

/// Combines every byte of each datagram with a key that repeats. It hides little from whoever looks twice: where WireGuard has zeros the
/// key shows, sizes stay, and counters count. Obfuscation §7.
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
package final class XORInboundCodec: InPlaceCodec {
    package let dialect: Int
    package let replyDisguise: (any Disguise)?
    private let key: RepeatingKey
    /// What kind and index are combined with.
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

    package func uncover(_ datagram: UnsafeMutableRawBufferPointer) {
        key.apply(to: datagram)
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
