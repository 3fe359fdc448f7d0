import Wire

/// What the signature rules of known programs say of a flow of UDP datagrams. Obfuscation §8.1.
struct SignatureRules {
    private var ndpi42 = NDPIRule(.april2022)
    private var ndpi2024 = NDPIRule(.october2024)
    private var wireshark = WiresharkRule()
    /// The datagrams that hit, and the first one's number in the flow.
    private var hits: [Rule: (count: Int, first: Int)] = [:]
    private var seen = 0

    mutating func see(_ datagram: FlowDatagram) {
        seen += 1
        if ndpi42.see(datagram, number: seen) { hit(.ndpi42) }
        if ndpi2024.see(datagram, number: seen) { hit(.ndpi2024) }
        if wireshark.see(datagram) { hit(.wireshark) }
        let isInitiation = datagram.word == [1, 0, 0, 0] && datagram.length == Message.Initiation.size
        let isResponse = datagram.word == [2, 0, 0, 0] && datagram.length == Message.Response.size
        if isInitiation || isResponse { hit(.suricata) }
        if isInitiation {
            hit(.zeek)
            hit(.zapret)
        }
    }

    var findings: [Finding] {
        [Rule.ndpi42, .ndpi2024, .wireshark, .suricata, .zeek, .zapret].map { rule in
            guard let hit = hits[rule] else { return Finding(rule, .clear, "no match in \(seen) datagrams") }
            let many = hit.count > 1 ? ", \(hit.count) in all" : ""
            return Finding(rule, .recognised, "WireGuard, from datagram \(hit.first) on\(many)")
        }
    }

    private mutating func hit(_ rule: Rule) {
        if let (count, first) = hits[rule] {
            hits[rule] = (count + 1, first)
        } else {
            hits[rule] = (1, seen)
        }
    }
}

/// nDPI's search for WireGuard: it follows the indices of a flow, and gives a flow up at the first datagram that doesn't fit.
struct NDPIRule {
    enum Release {
        /// 4.2, in Debian 12.
        case april2022
        /// After 4.10: also knows TunnelBear's sizes, and takes a repeated initiation without an answer.
        case october2024
    }

    /// Datagrams of a flow that it looks at.
    private static let patience = 24

    private enum Stage: Equatable {
        case nothing
        /// Who sent the initiation.
        case initiation(Side)
        /// Who sent the first data message.
        case data(Side)
        case dataOfBoth
        case detected
        case excluded
    }

    private let release: Release
    private var stage = Stage.nothing
    private var index: [Side: UInt32] = [:]

    init(_ release: Release) {
        self.release = release
    }

    /// True when this datagram decides that the flow is WireGuard.
    mutating func see(_ datagram: FlowDatagram, number: Int) -> Bool {
        guard number <= Self.patience, datagram.length > 0, stage != .detected, stage != .excluded else { return false }
        stage = next(datagram)
        return stage == .detected
    }

    private mutating func next(_ datagram: FlowDatagram) -> Stage {
        guard datagram.length >= Message.Data.overhead, datagram.word.count == 4,
            datagram.word.dropFirst().allSatisfy({ $0 == 0 })
        else { return .excluded }
        let (side, length, isNewer) = (datagram.side, datagram.length, release == .october2024)
        switch datagram.word[0] {
        case 1 where length == Message.Initiation.size || isNewer && length == 204:
            if isNewer, case .initiation = stage { return .detected }
            index[side] = datagram.head.littleEndian32(at: Message.Initiation.sender)
            return .initiation(side)
        case 2 where length == Message.Response.size || isNewer && length == 100:
            return answer(datagram, receiver: Message.Response.receiver)
        case 3 where length == Message.CookieReply.size:
            return answer(datagram, receiver: Message.CookieReply.receiver)
        case 4:
            return data(datagram)
        default:
            return .excluded
        }
    }

    private func answer(_ datagram: FlowDatagram, receiver: Int) -> Stage {
        guard stage == .initiation(datagram.side.other) else { return stage }
        let isRight = datagram.head.littleEndian32(at: receiver) == index[datagram.side.other]
        return isRight ? .detected : .excluded
    }

    private mutating func data(_ datagram: FlowDatagram) -> Stage {
        let receiver = datagram.head.littleEndian32(at: Message.Data.receiver)
        switch stage {
        case .nothing:
            index[datagram.side] = receiver
            return .data(datagram.side)
        case .data(datagram.side.other):
            index[datagram.side] = receiver
            return .dataOfBoth
        case .dataOfBoth:
            return receiver == index[datagram.side] ? .detected : .excluded
        default:
            return stage
        }
    }
}

/// Wireshark's heuristic: type and length of one datagram, reserved bytes only where Cloudflare doesn't use them. An
/// initiation makes it read all that follows in the conversation as WireGuard.
struct WiresharkRule {
    private var isPinned = false

    mutating func see(_ datagram: FlowDatagram) -> Bool {
        guard datagram.word.count == 4 else { return false }
        let hasReserved = datagram.word.dropFirst().allSatisfy { $0 == 0 }
        switch datagram.word[0] {
        case 1 where datagram.length == Message.Initiation.size:
            isPinned = true
            return true
        case 2: return datagram.length == Message.Response.size
        case 3: return datagram.length == Message.CookieReply.size && (hasReserved || isPinned)
        case 4: return datagram.length >= Message.Data.overhead && (hasReserved || isPinned)
        default: return false
        }
    }
}
