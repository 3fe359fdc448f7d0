package import NoisePrimitives
package import Tunnel
import Wire

/// Mullvad's lightweight obfuscation: the receiver's public key over handshake messages and over the first 32 bytes of data messages; a
/// bit in the second byte tells that it is there. Obfuscation §4.1.
enum LWO {
    /// Bytes of a data message that are changed.
    static let dataRegion = 32
    /// Set in the second byte of each datagram.
    static let marker: UInt8 = 0x80

    /// Combines the beginning of a data message, which has that many bytes, with the key.
    @inline(__always)
    static func apply(_ key: SIMD4<UInt64>, toDataAt start: UnsafeMutableRawPointer) {
        start.storeBytes(of: start.loadUnaligned(as: SIMD4<UInt64>.self) ^ key, as: SIMD4<UInt64>.self)
    }

    static func words(of key: PublicKey) -> SIMD4<UInt64> {
        key.bytes.withUnsafeBytes { $0.loadUnaligned(as: SIMD4<UInt64>.self) }
    }
}

package final class LWODisguise: Disguise {
    package let dialect: Int
    private let key: RepeatingKey
    private let words: SIMD4<UInt64>

    /// - Parameter receiver: the public key of the other side.
    init(to receiver: PublicKey, dialect: Int) {
        self.dialect = dialect
        key = RepeatingKey(receiver.bytes.array)
        words = LWO.words(of: receiver)
    }

    package func conceal(_ run: DataRun, random: inout KeystreamGenerator) {
        for datagram in Datagrams(run) {
            // Safe: a data message has a header and a tag, 32 bytes at least.
            LWO.apply(words, toDataAt: datagram.baseAddress.unsafelyUnwrapped)
            datagram[1] = UInt8(truncatingIfNeeded: random.next()) | LWO.marker
        }
    }

    package func encode(
        _ handshake: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, at now: Moment,
        random: inout KeystreamGenerator
    ) -> Int {
        output.copyMemory(from: handshake)
        key.apply(to: UnsafeMutableRawBufferPointer(rebasing: output[..<handshake.count]))
        output[1] = UInt8(truncatingIfNeeded: random.next()) | LWO.marker
        return handshake.count
    }
}

/// Takes what goes to this side's public key. Who isn't known yet gets no cookie reply, since its public key isn't known either.
package final class LWOInboundCodec: InPlaceCodec {
    package let dialect: Int
    private let key: RepeatingKey
    private let words: SIMD4<UInt64>

    init(own: PublicKey, dialect: Int) {
        self.dialect = dialect
        key = RepeatingKey(own.bytes.array)
        words = LWO.words(of: own)
    }

    package func receiver(of datagram: UnsafeRawBufferPointer) -> UInt32? {
        guard datagram.count >= LWO.dataRegion, let start = datagram.baseAddress, datagram[1] & LWO.marker != 0 else {
            return nil
        }
        let head = start.littleEndian64(at: 0) ^ key.head
        // The second byte is random.
        guard UInt32(truncatingIfNeeded: head) & 0xffff_00ff == Message.Kind.data.rawValue else { return nil }
        return UInt32(truncatingIfNeeded: head >> 32)
    }

    package func uncover(_ datagram: UnsafeMutableRawBufferPointer) {
        // Safe: what has a receiver has 32 bytes.
        LWO.apply(words, toDataAt: datagram.baseAddress.unsafelyUnwrapped)
        datagram[1] = 0
    }

    package func handshake(
        in datagram: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, at now: Moment,
        isGenuine: (UnsafeRawBufferPointer) -> Bool
    ) -> HandshakeFinding {
        guard HandshakeSizes.contain(datagram.count), datagram[1] & LWO.marker != 0 else { return .none }
        output.copyMemory(from: datagram)
        let message = UnsafeMutableRawBufferPointer(rebasing: output[..<datagram.count])
        key.apply(to: message)
        message[1] = 0
        return .genuine(UnsafeRawBufferPointer(message), isGenuine: isGenuine)
    }
}
