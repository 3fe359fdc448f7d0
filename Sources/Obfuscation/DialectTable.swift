package import Tunnel
package import Wire

/// The codecs that what a device receives is given to: a snapshot that doesn't change. Any number of threads may use it.
package final class DialectTable: Sendable {
    /// Codecs of servers that datagrams from addresses nobody knows are tried with.
    private static let maximumStrays = 64

    /// What an unknown sender may speak: the dialects under our own key, then those of servers that may have moved.
    package let codecs: [any InboundCodec]
    private let servers: [Endpoint: any InboundCodec]
    private let mac1Keys: MACKeys?

    /// - Parameters:
    ///   - dialects: one codec for each dialect, whoever sends.
    ///   - servers: codecs of their own, each with where its server is, if that is known.
    ///   - own: our public key; without one no initiation or response is for us.
    package init(
        dialects: [any InboundCodec], servers: [(endpoint: Endpoint?, codec: any InboundCodec)] = [], own: PublicKey?
    ) {
        codecs = dialects + servers.prefix(Self.maximumStrays).map(\.codec)
        var places: [Endpoint: any InboundCodec] = [:]
        for server in servers {
            if let endpoint = server.endpoint { places[endpoint] = server.codec }
        }
        self.servers = places
        mac1Keys = own.map { MACKeys(of: $0) }
    }

    /// The codec of the server at an address.
    package func server(at source: Endpoint) -> (any InboundCodec)? { servers[source] }

    /// Whether a message can be for us: its MAC1 is right, or it answers what we have sent. See
    /// ``InboundCodec/handshake(in:into:at:isGenuine:)``.
    package func isGenuine(_ message: UnsafeRawBufferPointer, indices: IndexTable) -> Bool {
        guard let start = message.baseAddress else { return false }
        switch Message.kind(ofHandshakeSize: message.count) {
        case .initiation, .response:
            // Safe: both are longer than their MACs.
            let given = Bytes16(loading: start + message.count - 2 * Message.macSize)
            return mac1Keys.map { $0.mac1(of: message) == given } ?? false
        case .cookieReply:
            return indices.isKnown(start.littleEndian32(at: Message.CookieReply.receiver))
        case .data, nil:
            return false
        }
    }

    /// What a datagram holds that isn't a data message, by the first codec that knows it.
    ///
    /// - Parameters:
    ///   - known: the codec of what came from there before, which is asked first.
    ///   - output: room for ``DisguiseLimits/datagram`` bytes.
    /// - Returns: the codec, too, and the other dialects that have the very same message in this datagram, as some are alike.
    package func handshake(
        in datagram: UnsafeRawBufferPointer, known: (any InboundCodec)?, into output: UnsafeMutableRawBufferPointer,
        at now: Moment, indices: IndexTable
    ) -> (finding: HandshakeFinding, codec: (any InboundCodec)?, alternatives: [Int]) {
        func ask(_ codec: any InboundCodec, into output: UnsafeMutableRawBufferPointer) -> HandshakeFinding {
            codec.handshake(in: datagram, into: output, at: now) { isGenuine($0, indices: indices) }
        }
        var finding = known.map { ask($0, into: output) } ?? .none
        var finder = finding == .none ? nil : known
        for codec in codecs where finder == nil && codec !== known {
            finding = ask(codec, into: output)
            if finding != .none { finder = codec }
        }
        guard let finder, case .message(let length, _) = finding else { return (finding, finder, []) }
        var alternatives: [Int] = []
        withUnsafeTemporaryAllocation(byteCount: DisguiseLimits.datagram, alignment: 8) { scratch in
            for codec in codecs where codec.dialect != finder.dialect && !alternatives.contains(codec.dialect) {
                guard case .message(length, _) = ask(codec, into: scratch),
                    output.prefix(length).elementsEqual(scratch.prefix(length))
                else { continue }
                alternatives.append(codec.dialect)
            }
        }
        return (finding, finder, alternatives)
    }
}

/// Which codec what came from an address was in: a memory of fixed size, in which the newest of two that share a place stays. Belongs to
/// one thread.
package struct CodecMemory: ~Copyable {
    private static let size = 256

    private var entries: [(source: Endpoint, codec: any InboundCodec)?]

    package init() {
        entries = Array(repeating: nil, count: Self.size)
    }

    /// The codec that is remembered for `source`.
    package func codec(for source: Endpoint) -> (any InboundCodec)? {
        guard let entry = entries[Self.place(of: source)], entry.source == source else { return nil }
        return entry.codec
    }

    package mutating func remember(_ codec: any InboundCodec, for source: Endpoint) {
        let place = Self.place(of: source)
        if let entry = entries[place], entry.codec === codec, entry.source == source { return }
        entries[place] = (source, codec)
    }

    package mutating func forget() {
        for place in entries.indices { entries[place] = nil }
    }

    /// Below the size.
    private static func place(of source: Endpoint) -> Int {
        let address =
            switch source.address {
            case .v4(let v4): UInt64(v4.value)
            case .v6(let v6): v6.high &* 3 ^ v6.low
            }
        // Safe: the arithmetic is meant to wrap.
        return Int(truncatingIfNeeded: ((address ^ UInt64(source.port) << 32) &* 0x9e37_79b9_7f4a_7c15) >> 56)
    }
}
