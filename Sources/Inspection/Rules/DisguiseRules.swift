import Wire

/// Disguises that a flow as a whole gives away.
enum DisguiseRules {
    static func findings(of flow: Flow) -> [Finding] {
        if flow.transport == .tcp { return [phantun(flow)].compactMap { $0 } }
        var findings = flow.streaming.findings
        if findings.isEmpty {
            findings = [constantXOR(flow) ?? maskedType(flow) ?? shiftedHeader(flow)].compactMap { $0 }
        }
        if findings.isEmpty { findings = [swgp(flow)].compactMap { $0 } }
        return findings.isEmpty ? [Finding(.disguise, .clear, "none that is known")] : findings
    }

    /// One constant XORed over all messages of a side: LWO, where a random byte with its top bit set marks it; a repeating
    /// key; or reserved bytes, which are a constant too. The handshake message of a side and its data messages then differ
    /// in the type alone.
    private static func constantXOR(_ flow: Flow) -> Finding? {
        for side in Side.allCases {
            let heads = flow.heads[side]?.heads ?? []
            for (size, type) in [(Message.Initiation.size, UInt8(1)), (Message.Response.size, 2)] {
                guard let handshake = heads.first(where: { $0.length == size })?.bytes.prefix(4).bytes,
                    handshake.count == 4
                else { continue }
                let data = heads.filter { head in
                    guard head.length >= Message.Data.overhead, let first = head.bytes[0] else { return false }
                    return first ^ handshake[0] == type ^ 4 && head.bytes[2] == handshake[2]
                        && head.bytes[3] == handshake[3]
                }
                let others = heads.count { $0.length != size }
                guard data.count >= 4, data.count * 5 >= others * 4 else { continue }
                let seconds = Set(data.compactMap { $0.bytes[1] } + [handshake[1]])
                let key = [handshake[0] ^ type] + handshake.dropFirst()
                let message = "the \(side.name)'s \(size) bytes and its data differ in the type alone"
                if seconds.count >= 3, seconds.allSatisfy({ $0 >= 0x80 }) {
                    return Finding(
                        .disguise, .recognised, "LWO: \(message); the top bit of byte 1, its mark, is always set")
                }
                guard seconds.count == 1, key != [0, 0, 0, 0] else { continue }
                if key[0] == 0 {
                    return Finding(
                        .disguise, .recognised,
                        "WireGuard with reserved bytes \(Text.hex(Array(key.dropFirst()))), as for WARP")
                }
                return Finding(
                    .disguise, .recognised, "XOR with a key that begins with \(Text.hex(key)): \(message)")
            }
        }
        return nil
    }

    /// wg-obfuscator without masking: datagrams of one length have one keystream, so that a random number that is XORed into
    /// both of the first two bytes cancels, and the number of padding bytes shows as a constant.
    private static func maskedType(_ flow: Flow) -> Finding? {
        var groups: [Int: [Octets]] = [:]
        for side in Side.allCases {
            for head in flow.heads[side]?.heads ?? [] where head.length >= Message.Data.overhead && head.length < 1024 {
                groups[head.length, default: []].append(head.bytes)
            }
        }
        for (length, heads) in groups.sorted(by: { ($1.value.count, $0.key) < ($0.value.count, $1.key) }) {
            guard heads.count >= 8 else { break }
            let firsts = Set(heads.map { $0[0] ?? 0 })
            let sums = Set(heads.map { ($0[0] ?? 0) ^ ($0[1] ?? 0) })
            let padding = Set(heads.map { $0.bigEndian16(at: 2) ?? 0 })
            if sums.count == 1, padding.count == 1, firsts.count >= 6 {
                return Finding(
                    .disguise, .recognised,
                    "wg-obfuscator: in all \(heads.count) datagrams of \(length) bytes the XOR of bytes 0 and 1 is the "
                        + "same, and bytes 2–3 are")
            }
        }
        return nil
    }

    /// AmneziaWG before its header protection: WireGuard's header behind a constant number of random bytes, its type
    /// replaced by another number.
    private static func shiftedHeader(_ flow: Flow) -> Finding? {
        for side in Side.allCases {
            guard let sample = flow.heads[side], let prefix = HeaderRule(sample, of: side).prefix else { continue }
            let types = sample.heads.compactMap { $0.bytes.littleEndian32(at: prefix) }
            guard prefix > 0 || !types.allSatisfy({ (1...4).contains($0) }) else { continue }
            let place = prefix == 0 ? "at the front" : "behind \(prefix) random bytes"
            var evidence = "AmneziaWG without header protection: WireGuard's data header \(place)"
            if let (client, server) = flow.opening, client >= Message.Initiation.size, server >= Message.Response.size {
                evidence +=
                    "; opened by \(client) and \(server) bytes, which are 148+\(client - 148) and "
                    + "92+\(server - 92)"
            }
            return Finding(.disguise, .recognised, evidence)
        }
        return nil
    }

    /// swgp: paranoid pads all datagrams to one size; zero-overhead leaves the sizes of data.
    private static func swgp(_ flow: Flow) -> Finding? {
        let (client, server) = (flow.packetsOf[.client] ?? 0, flow.packetsOf[.server] ?? 0)
        guard client >= 4, server >= 4 else { return nil }
        let sizes = Set(flow.sizes.entries.keys.map(\.size))
        guard flow.heads.values.allSatisfy({ HeaderRule($0, of: .client).counterOffset == nil }) else { return nil }
        if sizes.count == 1, let size = sizes.first, size >= 1000 {
            return Finding(.disguise, .suspicious, "fits swgp paranoid: every datagram has \(size) bytes")
        }
        let grid = SizeGrid(flow.sizes)
        guard grid.isEven, grid.remainder == 0, sizes.contains(Message.Data.overhead), let opening = flow.opening,
            opening.client != Message.Initiation.size, opening.client >= Message.Initiation.size + 42,
            opening.server >= Message.Response.size + 42
        else { return nil }
        return Finding(
            .disguise, .suspicious,
            "fits swgp zero-overhead: data in WireGuard's sizes, behind a handshake of other ones")
    }

    /// Fake TCP without random sequence numbers. Obfuscation §5.1.
    private static func phantun(_ flow: Flow) -> Finding? {
        guard let client = flow.handshake[.client] ?? flow.handshake[.server], client.isSYN else {
            return Finding(.disguise, .undecided, "the beginning of the connection is not in the capture")
        }
        let both = flow.handshake.values
        guard both.allSatisfy({ $0.sequence == 0 }) else {
            return Finding(.disguise, .clear, "none that is known")
        }
        let hasOptions = both.allSatisfy { $0.options.bytes == [1, 3, 3, 14] }
        let more = hasOptions ? ", no options but a window scale of 14" : ""
        return Finding(
            .disguise, both.count == 2 || hasOptions ? .recognised : .suspicious,
            "Phantun: the connection's sequence numbers begin at 0\(more)")
    }
}
