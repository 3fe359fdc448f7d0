package import NoisePrimitives
package import Tunnel
import Wire

/// What a known patch of wireguard-go makes of datagrams: all bytes of one are combined with the same letter of its key "adamxiao", which
/// it chooses by the datagram's place in a batch of the sender's. Obfuscation §7.
enum LetterMask {
    static let letters = Array("adamxiao".utf8)

    /// The letter of the datagram at a place in its batch.
    @inline(__always)
    static func letter(at place: Int) -> UInt8 { letters[place & 7] }

    /// The letter that a datagram with these first four bytes has: where WireGuard has zeros it shows.
    @inline(__always)
    static func letter(of word: UInt32) -> UInt8? {
        let letter = UInt8(truncatingIfNeeded: word >> 8)
        guard (word ^ repeated(letter)) >> 8 == 0, letters.contains(letter) else { return nil }
        return letter
    }

    @inline(__always)
    static func repeated(_ letter: UInt8) -> UInt32 { UInt32(letter) &* 0x0101_0101 }

    /// Combines all bytes with a letter in place.
    static func apply(_ letter: UInt8, to target: UnsafeMutableRawBufferPointer) {
        guard let start = target.baseAddress else { return }
        let mask = SIMD4(repeating: UInt64(repeated(letter)) &* 0x1_0000_0001)
        var position = 0
        // Safe: 32 bytes are left at each step.
        while target.count &- position >= 32 {
            let value = (start + position).loadUnaligned(as: SIMD4<UInt64>.self)
            (start + position).storeBytes(of: value ^ mask, as: SIMD4<UInt64>.self)
            position &+= 32
        }
        while position < target.count {
            target[position] ^= letter
            position &+= 1
        }
    }
}

/// Sends each batch as the patched sender would, handshake messages as batches of one.
package final class XORBatchDisguise: Disguise {
    package let dialect: Int

    init(dialect: Int) {
        self.dialect = dialect
    }

    package func conceal(_ run: DataRun, random: inout KeystreamGenerator) {
        var place = run.position
        for datagram in Datagrams(run) {
            // The suffix of a raw header is zero, as its layout has it.
            LetterMask.apply(LetterMask.letter(at: place), to: datagram)
            place &+= 1
        }
    }

    package func encode(
        _ handshake: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, at now: Moment,
        random: inout KeystreamGenerator
    ) -> Int {
        output.copyMemory(from: handshake)
        let message = UnsafeMutableRawBufferPointer(rebasing: output[..<handshake.count])
        LetterMask.apply(LetterMask.letter(at: 0), to: message)
        return handshake.count
    }
}

/// Takes what the patched sender makes, whatever its batches were: it finds each datagram's letter in the datagram.
package final class XORBatchInboundCodec: InPlaceCodec {
    package let dialect: Int
    package let replyDisguise: (any Disguise)?

    init(dialect: Int) {
        self.dialect = dialect
        replyDisguise = XORBatchDisguise(dialect: dialect)
    }

    package func receiver(of datagram: UnsafeRawBufferPointer) -> UInt32? {
        guard datagram.count >= Message.Data.overhead, let start = datagram.baseAddress else { return nil }
        let word = start.littleEndian32(at: 0)
        guard let letter = LetterMask.letter(of: word) else { return nil }
        let mask = LetterMask.repeated(letter)
        guard word ^ mask == Message.Kind.data.rawValue else { return nil }
        return start.littleEndian32(at: Message.Data.receiver) ^ mask
    }

    package func uncover(_ datagram: UnsafeMutableRawBufferPointer) {
        LetterMask.apply(datagram[1], to: datagram)
    }

    package func handshake(
        in datagram: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, at now: Moment,
        isGenuine: (UnsafeRawBufferPointer) -> Bool
    ) -> HandshakeFinding {
        guard HandshakeSizes.contain(datagram.count), let start = datagram.baseAddress,
            let letter = LetterMask.letter(of: start.littleEndian32(at: 0))
        else { return .none }
        output.copyMemory(from: datagram)
        let message = UnsafeMutableRawBufferPointer(rebasing: output[..<datagram.count])
        LetterMask.apply(letter, to: message)
        return .genuine(UnsafeRawBufferPointer(message), isGenuine: isGenuine)
    }
}
