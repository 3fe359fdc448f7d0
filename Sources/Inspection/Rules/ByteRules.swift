/// What stands at the same places in a flow's datagrams.
enum ByteRules {
    /// Lengths whose datagrams are looked at apart, the most frequent ones.
    private static let mostLengths = 3

    static func finding(of flow: Flow) -> Finding {
        var sentences: [String] = []
        var looked = 0
        for side in Side.allCases {
            let heads = flow.heads[side]?.heads ?? []
            looked = max(looked, heads.count)
            guard heads.count >= PositionCounts.fewest else { continue }
            let found = oddities(heads)
            if !found.isEmpty {
                sentences += found.sentences.map { "from the \(side.name): " + $0 }
                continue
            }
            for (length, group) in groups(heads) where group.count >= PositionCounts.fewest {
                sentences += oddities(group).sentences.map { "from the \(side.name), of \(length) bytes: " + $0 }
            }
        }
        guard looked >= PositionCounts.fewest else {
            return Finding(.bytes, .undecided, "only \(Text.count(looked, "datagram")) of one side")
        }
        guard !sentences.isEmpty else {
            return Finding(
                .bytes, .clear, "nothing repeats or leans in the first \(HeadSample.width) bytes")
        }
        return Finding(.bytes, .suspicious, sentences)
    }

    static func header(of flow: Flow) -> Finding {
        let rules = Side.allCases.map { HeaderRule(flow.heads[$0] ?? HeadSample(), of: $0) }
        let sentences = rules.compactMap(\.sentence)
        guard !sentences.isEmpty else { return Finding(.header, .clear, "no counter") }
        return Finding(.header, rules.contains { $0.prefix != nil } ? .recognised : .suspicious, sentences)
    }

    private static func oddities(_ heads: [HeadSample.Head]) -> [PositionCounts.Oddity] {
        var counts = PositionCounts()
        for head in heads { counts.add(head.bytes) }
        return counts.oddities
    }

    private static func groups(_ heads: [HeadSample.Head]) -> [(Int, [HeadSample.Head])] {
        Dictionary(grouping: heads, by: \.length).sorted { ($1.value.count, $0.key) < ($0.value.count, $1.key) }
            .prefix(mostLengths).map { ($0.key, $0.value) }
    }
}
