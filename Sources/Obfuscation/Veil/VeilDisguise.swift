package import NoisePrimitives
package import Tunnel
import Wire

/// Nightjar's own disguise: every byte of every datagram looks random, no length is peculiar. docs/veil.md.
package final class VeilDisguise: Disguise {
    package let dialect: Int
    private let keys: VeilKeys

    /// Nil when the public key of the side that is called isn't known.
    package convenience init?(_ settings: VeilSettings, dialect: Int, keys: CodecKeys) {
        guard let keys = VeilKeys(settings, keys: keys, sending: true) else { return nil }
        self.init(dialect: dialect, keys: keys)
    }

    init(dialect: Int, keys: VeilKeys) {
        self.dialect = dialect
        self.keys = keys
    }

    package var timing: Timing { .veil }
    package var headerForm: DataHeader.Form { .compact }

    // MARK: Data

    package func layout(ofPacket length: Int, mtu: Int, draw: UInt64) -> DataLayout {
        var lengths = Self.suffixLengths(behind: length)
        // A suffix makes no datagram longer than the largest packet's.
        if mtu > 0, length + lengths > mtu + Veil.Data.suffixLengths { lengths = Veil.Data.suffixLengths }
        return Self.layout(content: length, suffixLengths: lengths, draw: draw)
    }

    package func layout(ofSealed content: Int, draw: UInt64) -> DataLayout {
        Self.layout(content: content, suffixLengths: Self.suffixLengths(behind: content), draw: draw)
    }

    /// How many lengths the suffix of a packet may have, from 0 on.
    private static func suffixLengths(behind content: Int) -> Int {
        switch content {
        case 0: 256
        case ..<128: 64
        case ..<512: 32
        default: Veil.Data.suffixLengths
        }
    }

    private static func layout(content: Int, suffixLengths: Int, draw: UInt64) -> DataLayout {
        // Each step maps all numbers to all numbers, so what was drawn uniformly stays so. Packets of different lengths in a
        // batch would otherwise show that they share their draw.
        var mixed = draw ^ UInt64(truncatingIfNeeded: content)
        mixed = (mixed ^ (mixed >> 32)) &* 0x9e37_79b9_7f4a_7c15
        mixed = (mixed ^ (mixed >> 29)) &* 0xbf58_476d_1ce4_e5b9
        let suffix = Int(truncatingIfNeeded: mixed.multipliedFullWidth(by: UInt64(suffixLengths)).high)
        return DataLayout(prefix: Veil.Data.headerSize, content: content, suffix: suffix)
    }

    package func conceal(_ run: DataRun, random: inout KeystreamGenerator) {
        var position = 0
        while position < run.length {
            let length = min(run.stride, run.length &- position)
            let body = run.start + (position &+ run.prefix)
            let end = run.start + (position &+ length)
            position &+= length
            // Safe for what lies as the layout has it: the header ends at the body, which has a tag, and the suffix is within.
            guard length >= Veil.Data.leastSize else { return }
            let suffix = (body - 1).load(as: UInt8.self)
            let mask = keys.mask(of: body)
            let header = UnsafeRawPointer(body - 9).loadUnaligned(as: UInt64.self)
            (body - 9).storeBytes(of: header ^ mask.header.littleEndian, as: UInt64.self)
            (body - 1).storeBytes(of: suffix ^ mask.suffixLength, as: UInt8.self)
            keys.writeSuffix(before: end, count: Int(suffix), sample: body, mask: mask)
            // Its session isn't found then, so it is lost, as one of 16384 packets of some lengths.
            let first = (body - 9).load(as: UInt8.self)
            if Veil.resemblesHandshake(first, size: length) { (body - 9).storeBytes(of: first ^ 0x80, as: UInt8.self) }
        }
    }

    // MARK: Handshakes

    package func encode(
        _ handshake: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, at now: Moment,
        random: inout KeystreamGenerator
    ) -> Int {
        guard let kind = Message.kind(of: handshake), let sizes = Veil.Handshake.sizes(of: kind) else { return 0 }
        let size = Int(random.number(in: sizes))
        guard size <= output.count else { return 0 }
        seal(handshake, into: UnsafeMutableRawBufferPointer(rebasing: output[..<size]), at: now, random: &random)
        return size
    }

    package func prelude(at now: Moment, random: inout KeystreamGenerator) -> [[UInt8]] {
        (0..<random.below(Veil.Handshake.mostCovers + 1)).map { _ in
            let size = Int(random.number(in: Veil.Handshake.coverSizes))
            return [UInt8](unsafeUninitializedCapacity: size) { buffer, initialized in
                seal(.empty, into: UnsafeMutableRawBufferPointer(buffer), at: now, random: &random)
                initialized = size
            }
        }
    }

    /// Makes a datagram that fills `output`, which is at least as large as the least one.
    private func seal(
        _ message: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, at now: Moment,
        random: inout KeystreamGenerator
    ) {
        // Safe: the least datagram isn't empty.
        let start = output.baseAddress.unsafelyUnwrapped
        repeat {
            random.fill(start, count: Veil.Handshake.saltSize)
        } while Veil.resemblesHandshake(start.load(as: UInt8.self), size: output.count)
        keys.sealHandshake(message, into: output, at: now.wall)
    }
}
