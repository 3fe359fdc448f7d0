import Wire

/// How the sizes of a flow lie on a grid of 16 bytes.
struct SizeGrid {
    /// Sizes that say something: neither a side's largest, which the MTU makes, nor of the opening.
    let sizes: Int
    /// Of these, how many leave the most frequent remainder.
    let onGrid: Int
    let remainder: Int
    let isEven: Bool

    init(_ counts: SizeCounts) {
        self.init(counts.telling)
    }

    /// - Parameter sizes: each once.
    init(_ sizes: Set<Int>) {
        var remainders = [Int](repeating: 0, count: 16)
        for size in sizes { remainders[size & 15] += 1 }
        remainder = remainders.indices.max { remainders[$0] < remainders[$1] } ?? 0
        onGrid = remainders[remainder]
        self.sizes = sizes.count
        // Sixteen grids are possible.
        isEven =
            sizes.count >= 6
            && Chance.isTooUnlikely(hits: onGrid, of: sizes.count, probability: 1 / 16, looks: 16)
    }
}

extension SizeCounts {
    /// Sizes that say something about a grid.
    var telling: Set<Int> {
        var sizes: Set<Int> = []
        for side in Side.allCases {
            let own = entries.keys.filter { $0.side == side }.map(\.size)
            guard let largest = own.max() else { continue }
            sizes.formUnion(own.filter { $0 != largest && $0 > 0 })
        }
        return sizes.subtracting([Message.Initiation.size, Message.Response.size])
    }
}

enum SizeRules {
    /// Constant sizes, sizes on a grid, and a keepalive that always has the same.
    static func finding(of flow: Flow) -> Finding {
        var sentences: [String] = []
        if let (client, server) = flow.opening, client == Message.Initiation.size, server == Message.Response.size {
            sentences.append("opened by 148 and 92 bytes, as WireGuard's handshake")
        }
        sentences += keepalives(flow)
        let all = Set(flow.sizes.entries.keys.map(\.size))
        if all.count == 1, let size = all.first, flow.packets >= 8 {
            sentences.append("every datagram has \(size) bytes")
        }
        let grid = SizeGrid(flow.sizes)
        if grid.isEven {
            let remainder = grid.remainder == 0 ? "multiples of 16" : "multiples of 16 and \(grid.remainder)"
            sentences.append("\(grid.onGrid) of \(grid.sizes) different sizes are \(remainder)")
        }
        if let sentence = repeatedHandshake(flow) { sentences.append(sentence) }
        if !sentences.isEmpty { return Finding(.sizes, .suspicious, sentences) }
        guard flow.packets >= 8 else {
            return Finding(.sizes, .undecided, "only \(Text.count(flow.packets, "datagram"))")
        }
        let (least, most) = (all.min() ?? 0, all.max() ?? 0)
        return Finding(.sizes, .clear, "\(Text.count(all.count, "size")) from \(least) to \(most), without a pattern")
    }

    /// The same sizes open the flow and come back about two minutes later.
    private static func repeatedHandshake(_ flow: Flow) -> String? {
        for (key, entry) in flow.sizes.entries.sorted(by: { $0.key.size < $1.key.size }) {
            guard entry.isHandshake, let answer = entry.answer else { continue }
            return "\(key.size) bytes and \(answer) in answer come again after two minutes"
        }
        return nil
    }

    private static func keepalives(_ flow: Flow) -> [String] {
        Side.allCases.compactMap { side in
            let smallest = flow.sizes.entries.filter { $0.key.side == side }.min { $0.key.size < $1.key.size }
            guard let (key, entry) = smallest, entry.keepalives >= 3 else { return nil }
            return "the \(side.name)'s keepalives always have \(key.size) bytes"
        }
    }
}

extension SizeCounts.Entry {
    /// Datagrams that came when a keepalive would.
    var keepalives: Int { (beats[.passiveKeepalive] ?? 0) + (beats[.persistentKeepalive] ?? 0) }

    /// Whether it behaves as an initiation does: rare, two minutes apart, and answered the same way each time.
    var isHandshake: Bool {
        guard let rekeys = beats[.rekey], rekeys >= 1, rekeys * 2 >= count - 1 else { return false }
        return rekeys >= 3 || answers >= 2 && otherAnswers == 0
    }
}
