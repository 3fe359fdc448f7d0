/// What stands at the same places in a flow's datagrams.
enum ByteRules {
    /// Lengths whose datagrams are looked at apart, the most frequent ones.
    private static let mostLengths = 3

    static func finding(of flow: Flow) -> Finding {
        let looked = Side.allCases.map { flow.heads[$0]?.heads.count ?? 0 }.max() ?? 0
        guard looked >= PositionCounts.fewest else {
            return Finding(.bytes, .undecided, "only \(Text.count(looked, "datagram")) of one side")
        }
        let (client, server) = (sentences(flow, .client), sentences(flow, .server))
        let all =
            client.filter(server.contains).map { "from either side: \($0)" }
            + client.filter { !server.contains($0) }.map { "from the client: \($0)" }
            + server.filter { !client.contains($0) }.map { "from the server: \($0)" }
        guard all.isEmpty else { return Finding(.bytes, .suspicious, all) }
        return Finding(.bytes, .clear, "nothing repeats or leans in the first \(HeadSample.width) bytes")
    }

    /// What repeats in all of a side's datagrams, or else in those of one length.
    private static func sentences(_ flow: Flow, _ side: Side) -> [String] {
        let heads = flow.heads[side]?.heads ?? []
        guard heads.count >= PositionCounts.fewest else { return [] }
        let found = oddities(heads)
        guard found.isEmpty else { return found.sentences }
        return groups(heads).filter { $0.1.count >= PositionCounts.fewest }.flatMap { length, group in
            oddities(group).sentences.map { "of those with \(length) bytes, \($0)" }
        }
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
