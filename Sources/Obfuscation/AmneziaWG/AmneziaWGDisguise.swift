package import NoisePrimitives
import Synchronization
package import Tunnel
package import Wire

/// AmneziaWG's form of the messages to one peer: random bytes before them, types from ranges, headers under a key, padding and
/// trailers of random length, datagrams that mean nothing before an initiation. Obfuscation §1.
package final class AmneziaWGDisguise: Disguise {
    package let dialect: Int
    package let timing: Timing
    package let answersUnderLoad: Bool

    private let form: AmneziaWGForm
    private let padding: Padding
    private let prelude: AmneziaWGPrelude
    /// Nil when the peer isn't known.
    private let macs: MACKeys?
    /// The longest datagram that went either way since the peer is where it is, in bytes. Obfuscation §1.6.
    private let window = Atomic<Int>(smallestWindow)
    /// What ``window`` begins with.
    static let smallestWindow = 500

    /// What is added to a packet inside of the encryption.
    private enum Padding {
        case toMultipleOf16
        case within(ClosedRange<UInt16>)
        case upToWindow
    }

    /// - Parameters:
    ///   - settings: that ``AmneziaWGSettings/validate()`` finds nothing wrong with.
    ///   - number: which of the device's dialects it is, when it isn't WireGuard's own form.
    ///   - peer: gets messages whose MACs cover types of AmneziaWG, also when those that are given cover WireGuard's.
    package init(_ settings: AmneziaWGSettings, number: Int, peer: PublicKey?) {
        dialect = settings.isPlainOnTheWire ? plainDialect : number
        timing = settings.timing
        answersUnderLoad = !settings.disablesCookies
        form = AmneziaWGForm(settings)
        prelude = AmneziaWGPrelude(settings)
        macs = peer.map { MACKeys(of: $0) }
        padding =
            if let range = settings.effectiveContentPadding {
                .within(range)
            } else {
                settings.randomTrailers ? .upToWindow : .toMultipleOf16
            }
    }

    // MARK: Data

    package func layout(ofPacket length: Int, mtu: Int, draw: UInt64) -> DataLayout {
        let content: Int
        switch padding {
        case .toMultipleOf16:
            content = paddedLength(length, mtu: mtu)
        case .within(let range):
            let added = Int(range.lowerBound) + Self.number(below: range.count, draw)
            content = length + min(added, Self.room(for: length, mtu: mtu))
        case .upToWindow:
            let longest = window.load(ordering: .relaxed) - form.data.prefix - Message.Data.overhead
            let added = longest > length ? Self.number(below: longest - length, draw) : 0
            content = length + min(added, Self.room(for: length, mtu: mtu))
        }
        return layout(ofSealed: content, draw: draw)
    }

    package func layout(ofSealed content: Int, draw: UInt64) -> DataLayout {
        DataLayout(prefix: form.data.prefix + Message.Data.headerSize, content: content, suffix: 0)
    }

    package func conceal(_ run: DataRun, random: inout KeystreamGenerator) {
        noticed(hint: 0, length: min(run.stride, run.length))
        let prefix = run.prefix &- Message.Data.headerSize
        for datagram in Datagrams(run) {
            // Safe: every datagram of a run has a prefix and a header.
            let start = datagram.baseAddress.unsafelyUnwrapped
            let header = start + prefix
            random.fill(start, count: prefix)
            header.storeLittleEndian(form.data.type(&random), at: 0)
            form.cover(header, size: Message.Data.headerSize, of: start)
        }
    }

    /// How many bytes a packet can grow by before it is longer than the interface's MTU.
    private static func room(for length: Int, mtu: Int) -> Int {
        max((mtu == 0 ? usualMTU : mtu) - length, 0)
    }

    /// Stands for an MTU that isn't known.
    private static let usualMTU = 1420

    /// A number in `0..<bound`, where a bound of zero or less counts as one.
    private static func number(below bound: Int, _ draw: UInt64) -> Int {
        Int(truncatingIfNeeded: draw.multipliedFullWidth(by: UInt64(max(bound, 1))).high)
    }

    // MARK: Handshakes

    package func messageType(of kind: Message.Kind, random: any RandomSource) -> UInt32 {
        guard let types = form[kind]?.types else { return kind.rawValue }
        let span = UInt64(types.upperBound - types.lowerBound) + 1
        // Safe: the sum is in the range.
        return types.lowerBound &+ UInt32(truncatingIfNeeded: random.below(span))
    }

    package func encode(
        _ handshake: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, at now: Moment,
        random: inout KeystreamGenerator
    ) -> Int {
        let number = Message.kind(ofHandshakeSize: handshake.count)
        guard let number, let kind = form[number], kind.prefix + kind.size <= output.count,
            let start = output.baseAddress
        else { return 0 }
        random.fill(start, count: kind.prefix)
        let message = UnsafeMutableRawBufferPointer(start: start + kind.prefix, count: kind.size)
        message.copyMemory(from: handshake)
        if !kind.accepts(UnsafeRawPointer(start + kind.prefix).littleEndian32(at: 0)) {
            guard HandshakeType.change(message, to: kind.type(&random), macs: macs) else { return 0 }
        }
        form.cover(start + kind.prefix, size: kind.size, of: start)
        var length = kind.prefix + kind.size
        if form.hasTrailers {
            let window = number == .cookieReply ? Self.smallestWindow : window.load(ordering: .relaxed)
            let room = min(window, output.count) - length
            if room > 0 {
                let trailer = Int(random.below(UInt32(truncatingIfNeeded: room)))
                random.fill(start + length, count: trailer)
                length += trailer
            }
        }
        noticed(hint: 0, length: length)
        return length
    }

    package func prelude(at now: Moment, random: inout KeystreamGenerator) -> [[UInt8]] {
        prelude.datagrams(at: now, random: &random)
    }

    // MARK: What the other side does

    package func noticed(hint: UInt8, length: Int) {
        if length > window.load(ordering: .relaxed) { window.store(length, ordering: .relaxed) }
    }

    package func moved() {
        window.store(Self.smallestWindow, ordering: .relaxed)
    }
}
