/// Sizes of a flow's datagrams, and at which intervals each size came again. Obfuscation §8.4.
struct SizeCounts {
    struct Key: Hashable {
        let side: Side
        /// Bytes.
        let size: Int
    }

    /// Intervals that WireGuard is known by.
    enum Beat: CaseIterable {
        /// A handshake that isn't answered is tried again after 5 s, and up to a third.
        case retry
        /// Who got something and has nothing to say sends a keepalive after 10 s.
        case passiveKeepalive
        /// The usual persistent keepalive, 25 s.
        case persistentKeepalive
        /// A new handshake with the first packet after 120 s, which may be the next keepalive.
        case rekey
    }

    struct Entry {
        var count = 0
        var first: Int64 = 0
        var last: Int64 = 0
        var beats: [Beat: Int] = [:]
        /// The size of the other side's first datagram afterwards, while it is always the same within 2 s.
        var answer: Int?
        var answers = 0
        var otherAnswers = 0
    }

    /// Sizes that are kept of each side.
    static let most = 512

    private(set) var entries: [Key: Entry] = [:]
    private var lastOf: [Side: Int64] = [:]
    private var lastOfAll: Int64?
    /// Whose last datagram is not answered yet.
    private var asked: Key?

    mutating func see(_ datagram: FlowDatagram) {
        let key = Key(side: datagram.side, size: datagram.length)
        let time = datagram.time
        defer {
            lastOf[datagram.side] = time
            lastOfAll = time
            asked = key
        }
        noteAnswer(datagram)
        guard entries[key] != nil || entries.count < Self.most * 2 else { return }
        var entry = entries[key] ?? Entry(first: time)
        if let beat = beat(of: datagram, sizeCameLast: entry.count > 0 ? entry.last : nil) {
            entry.beats[beat, default: 0] += 1
        }
        entry.count += 1
        entry.last = time
        entries[key] = entry
    }

    private mutating func noteAnswer(_ datagram: FlowDatagram) {
        guard let asked, asked.side != datagram.side, var entry = entries[asked] else { return }
        guard datagram.time - entry.last < 2_000_000_000 else { return }
        if entry.answer == nil { entry.answer = datagram.length }
        if entry.answer == datagram.length { entry.answers += 1 } else { entry.otherAnswers += 1 }
        entries[asked] = entry
    }

    private func beat(of datagram: FlowDatagram, sizeCameLast last: Int64?) -> Beat? {
        let sideCameLast = lastOf[datagram.side]
        let interval = last.map { datagram.time - $0 } ?? 0
        let isUnanswered = (lastOf[datagram.side.other] ?? 0) < last ?? 0
        if isUnanswered, last == sideCameLast, (4_900_000_000...5_600_000_000).contains(interval) { return .retry }
        if isPassiveKeepalive(datagram) { return .passiveKeepalive }
        let keepalive: ClosedRange<Int64> = 24_800_000_000...25_600_000_000
        let silences = [sideCameLast, lastOfAll].compactMap { $0 }.map { datagram.time - $0 }
        if silences.contains(where: keepalive.contains) { return .persistentKeepalive }
        if (118_000_000_000...146_000_000_000).contains(interval) { return .rekey }
        return nil
    }

    /// Whether the other side said something 10 s ago, and nobody anything since.
    private func isPassiveKeepalive(_ datagram: FlowDatagram) -> Bool {
        guard let received = lastOf[datagram.side.other], (lastOf[datagram.side] ?? 0) <= received else {
            return false
        }
        return (9_900_000_000...10_500_000_000).contains(datagram.time - received)
    }
}
