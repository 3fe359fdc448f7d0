package import NoisePrimitives
import Synchronization
package import Tunnel
import Wire

/// What is told about the form of a wg-obfuscator's datagrams.
struct WGObfuscatorForm: OptionSet, Sendable {
    let rawValue: UInt8

    /// Version 0, which adds nothing to a message.
    static let isOld = Self(rawValue: 1)
    /// Inside of a STUN message.
    static let isMasked = Self(rawValue: 2)
}

/// wg-obfuscator, version 1: random bytes in the header and behind the message, a keystream over both, and a STUN message around that if
/// so wished. Without that wish, and in the version, it does as the other side does. Obfuscation §3.
///
///     u8 kind ^ r, u8 r, u16 length of what stands behind ‖ the rest of the message ‖ 0xff …
package final class WGObfuscatorDisguise: Disguise {
    /// Datagrams that are longer have nothing behind their message.
    private static let paddedBelow = 1024
    private static let mostBehindHandshake = 512
    private static let mostBehindOthers = 4

    package let dialect: Int
    private let keystream: WGObfuscatorKeystream
    private let usesSTUN: Bool
    private let form: Atomic<UInt8>

    init(_ settings: WGObfuscatorSettings, dialect: Int) {
        self.dialect = dialect
        keystream = settings.keystream
        usesSTUN = settings.usesSTUN
        form = Atomic((settings.usesSTUN ? WGObfuscatorForm.isMasked : []).rawValue)
    }

    private var currentForm: WGObfuscatorForm { WGObfuscatorForm(rawValue: form.load(ordering: .relaxed)) }

    package func noticed(hint: UInt8, length: Int) {
        var noticed = WGObfuscatorForm(rawValue: hint)
        if usesSTUN { noticed.insert(.isMasked) }
        if form.load(ordering: .relaxed) != noticed.rawValue { form.store(noticed.rawValue, ordering: .relaxed) }
    }

    // MARK: Data

    package func layout(ofSealed content: Int, draw: UInt64) -> DataLayout {
        let form = currentForm
        let length = content + Message.Data.overhead
        let room = min(Self.paddedBelow - length, Self.mostBehindOthers)
        let mask = form.contains(.isMasked) ? STUN.dataHeaderSize : 0
        return DataLayout(
            prefix: mask + Message.Data.headerSize, content: content,
            suffix: form.contains(.isOld) || room <= 0 ? 0 : Int(draw % UInt64(room)))
    }

    /// The form is the one that the layout had, whatever was noticed since: the prefix tells whether there is a mask, and nothing behind a
    /// message suits both versions.
    package func conceal(_ run: DataRun, random: inout KeystreamGenerator) {
        let mask = run.prefix &- Message.Data.headerSize
        let isOld = currentForm.contains(.isOld)
        for datagram in Datagrams(run) {
            // Safe: a datagram is as long as its layout says.
            let start = datagram.baseAddress.unsafelyUnwrapped
            let message = UnsafeMutableRawBufferPointer(start: start + mask, count: datagram.count &- mask)
            let suffix = DataHeader.takeSuffix(start + mask)
            if suffix > 0 || !isOld { Self.mix(message, behind: suffix, random: &random) }
            keystream.apply(to: message)
            if mask > 0 { STUN.storeDataHeader(at: start, length: message.count, random: &random) }
        }
    }

    // MARK: Handshakes

    package func encode(
        _ handshake: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, at now: Moment,
        random: inout KeystreamGenerator
    ) -> Int {
        let form = currentForm
        let mask = form.contains(.isMasked) ? STUN.dataHeaderSize : 0
        let behind = form.contains(.isOld) ? 0 : lengthBehind(handshake, random: &random)
        let length = handshake.count + behind
        guard mask + length <= output.count, let start = output.baseAddress else { return 0 }
        let message = output.part(mask, length)
        message.copyMemory(from: handshake)
        if !form.contains(.isOld) { Self.mix(message, behind: behind, random: &random) }
        keystream.apply(to: message)
        if mask > 0 { STUN.storeDataHeader(at: start, length: length, random: &random) }
        return mask + length
    }

    package func prelude(at now: Moment, random: inout KeystreamGenerator) -> [[UInt8]] {
        currentForm.contains(.isMasked) ? [STUN.bindingRequest(random: &random)] : []
    }

    private func lengthBehind(_ handshake: UnsafeRawBufferPointer, random: inout KeystreamGenerator) -> Int {
        let isCookieReply = Message.kind(of: handshake) == .cookieReply
        let most = isCookieReply ? Self.mostBehindOthers : Self.mostBehindHandshake
        let room = min(Self.paddedBelow - handshake.count, most)
        return room > 0 ? Int(random.below(UInt32(truncatingIfNeeded: room))) : 0
    }

    /// Writes the header of version 1, and what stands behind the message.
    @inline(__always)
    private static func mix(
        _ message: UnsafeMutableRawBufferPointer, behind: Int, random: inout KeystreamGenerator
    ) {
        let mixed = UInt8(truncatingIfNeeded: 1 + random.below(255))
        message[0] ^= mixed
        message[1] = mixed
        message[2] = UInt8(truncatingIfNeeded: behind)
        message[3] = UInt8(truncatingIfNeeded: behind >> 8)
        var position = message.count &- behind
        while position < message.count {
            message[position] = 0xff
            position &+= 1
        }
    }
}
