package import NoisePrimitives
package import Tunnel
package import Wire

/// Finds out what a datagram that fits nothing here would be under other settings. It costs milliseconds.
///
/// Only what proves to be meant for us is told of: its MAC1 is right under our public key, or it names a session of ours.
package struct MismatchFinder {
    private let own: PublicKey
    private let interface: ObfuscationSettings
    private let spoken: [Dialect]
    private let indices: IndexTable
    private let random: any RandomSource
    private let macs: DialectTable

    /// - Parameters:
    ///   - interface: what is said about its disguise: other dialects are tried with its keys.
    ///   - spoken: the dialects that the datagram isn't in.
    package init(
        own: PublicKey, interface: ObfuscationSettings, spoken: [Dialect], indices: IndexTable,
        random: any RandomSource
    ) {
        self.own = own
        self.interface = interface
        self.spoken = spoken
        self.indices = indices
        self.random = random
        macs = DialectTable(dialects: [], own: own)
    }

    /// A sentence that says what `datagram` would be; nil when nothing is known about it.
    package func look(at datagram: UnsafeRawBufferPointer, now: Moment) -> String? {
        guard datagram.count >= Message.Data.overhead else { return nil }
        return lookByAmneziaWG(datagram) ?? lookByDialect(datagram, now)
    }

    // MARK: Other dialects

    private func lookByDialect(_ datagram: UnsafeRawBufferPointer, _ now: Moment) -> String? {
        for name in DialectName.allCases {
            var settings = ObfuscationSettings()
            settings.dialect = name
            guard let dialect = try? Dialect.resolve(settings, interface: interface), !spoken.contains(dialect) else {
                continue
            }
            let codec = dialect.inboundCodec(
                number: .max, keys: CodecKeys(own: own, peer: nil, isPeerServer: false),
                replays: ReplayGuard(floor: 0), random: random)
            if let codec, takes(datagram, codec, now) { return sentence(name) }
        }
        return nil
    }

    private func takes(_ datagram: UnsafeRawBufferPointer, _ codec: any InboundCodec, _ now: Moment) -> Bool {
        if let receiver = codec.receiver(of: datagram), indices.session(receiver) != nil { return true }
        return withUnsafeTemporaryAllocation(byteCount: DisguiseLimits.datagram, alignment: 8) { output in
            let finding = codec.handshake(in: datagram, into: output, at: now) {
                macs.isGenuine($0, indices: indices)
            }
            guard case .message(let length, _) = finding else { return false }
            return macs.isGenuine(UnsafeRawBufferPointer(rebasing: output[..<length]), indices: indices)
        }
    }

    private func sentence(_ name: DialectName) -> String {
        let here = spoken.map { $0.name.rawValue }.joined(separator: ", ")
        return "no WireGuard under Obfuscation = \(here); it would be under Obfuscation = \(name.rawValue)"
    }

    // MARK: Other numbers of AmneziaWG's

    /// A message within a datagram.
    private struct Found {
        let kind: Message.Kind
        let prefix: Int
        /// Bytes behind it; data has none.
        let trailer: Int
        let header: UInt32
        let isProtected: Bool
    }

    private func lookByAmneziaWG(_ datagram: UnsafeRawBufferPointer) -> String? {
        guard let found = find(in: datagram, protectedBy: nil) ?? findProtected(in: datagram) else { return nil }
        let settings = spoken.lazy.compactMap { dialect -> AmneziaWGSettings? in
            if case .amneziaWG(let settings) = dialect { settings } else { nil }
        }.first
        let isPlain =
            found.prefix == 0 && found.trailer == 0 && found.header == found.kind.rawValue && !found.isProtected
        // Who has AmneziaWG's numbers wants to hear about them.
        if isPlain, settings == nil { return spoken.contains(.plain) ? nil : sentence(.plain) }
        return sentence(found, settings ?? AmneziaWGSettings())
    }

    private func sentence(_ found: Found, _ settings: AmneziaWGSettings) -> String? {
        let place = Int(found.kind.rawValue) - 1
        let (prefix, header) = (Int(settings.prefixes[place]), settings.headers[place])
        var here: [String] = []
        var there: [String] = []
        func differ(_ key: String, _ own: String, _ other: String) {
            here.append("\(key)=\(own)")
            there.append("\(key)=\(other)")
        }
        if prefix != found.prefix { differ("S\(place + 1)", "\(prefix)", "\(found.prefix)") }
        if !header.contains(found.header) {
            let range = header.count == 1 ? "\(header.lowerBound)" : "\(header.lowerBound)-\(header.upperBound)"
            differ("H\(place + 1)", range, "\(found.header)")
        }
        if found.trailer > 0, !settings.randomTrailers { differ("RandomTrailers", "off", "on") }
        if found.isProtected == settings.headerProtectionKey.isZero {
            differ("HeaderProtectionKey", found.isProtected ? "off" : "set", found.isProtected ? "set" : "off")
        }
        guard !here.isEmpty else { return nil }
        let list = { (parts: [String]) in parts.joined(separator: ", ") }
        return "no WireGuard under \(list(here)); it would be under \(list(there))"
    }

    private func findProtected(in datagram: UnsafeRawBufferPointer) -> Found? {
        guard let key = interface.amneziaWG?.headerProtectionKey, !key.isZero else { return nil }
        return find(in: datagram, protectedBy: key)
    }

    /// Looks for a message at every place of a datagram.
    ///
    /// - Parameter key: what the message's beginning is masked with, under a nonce that the datagram begins with.
    private func find(in datagram: UnsafeRawBufferPointer, protectedBy key: Secret32?) -> Found? {
        withUnsafeTemporaryAllocation(byteCount: Message.Initiation.size, alignment: 8) { scratch in
            for prefix in (key == nil ? 0 : 12)...max(12, datagram.count) {
                let rest = datagram.count - prefix
                for kind in [Message.Kind.initiation, .response, .cookieReply, .data] {
                    let size = kind.leastSize
                    guard rest >= size else { continue }
                    let message = UnsafeMutableRawBufferPointer(rebasing: scratch[..<min(size, scratch.count)])
                    message.copyMemory(
                        from: UnsafeRawBufferPointer(rebasing: datagram[prefix..<prefix + message.count]))
                    if let key, let nonce = datagram.baseAddress, let start = message.baseAddress {
                        let covered = kind == .data ? Message.Data.headerSize : size
                        ChaCha20.apply(key: key, nonce: nonce, to: start, count: covered)
                    }
                    guard let header = genuineHeader(of: UnsafeRawBufferPointer(message), kind) else { continue }
                    return Found(
                        kind: kind, prefix: prefix, trailer: kind == .data ? 0 : rest - size, header: header,
                        isProtected: key != nil)
                }
            }
            return nil
        }
    }

    /// The first four bytes of a message that is for us.
    private func genuineHeader(of message: UnsafeRawBufferPointer, _ kind: Message.Kind) -> UInt32? {
        guard let start = message.baseAddress else { return nil }
        let isGenuine =
            kind == .data
            ? indices.session(start.littleEndian32(at: Message.Data.receiver)) != nil
            : macs.isGenuine(message, indices: indices)
        return isGenuine ? start.littleEndian32(at: 0) : nil
    }
}

extension Message.Kind {
    /// Bytes that a message of this kind has at least.
    fileprivate var leastSize: Int {
        switch self {
        case .initiation: Message.Initiation.size
        case .response: Message.Response.size
        case .cookieReply: Message.CookieReply.size
        case .data: Message.Data.overhead
        }
    }
}
