/// What shows only when many flows are laid side by side.
enum TogetherRules {
    /// Flows without which a shared opening says nothing.
    private static let fewestFlows = 5

    static func findings(of table: FlowTable) -> [Finding] {
        let flows = table.flows.filter { $0.transport == .udp }
        guard flows.count >= 2 else { return [] }
        var bits = BitCounts()
        for flow in flows { bits.add(flow.bits) }
        return [bytes(table), sizes(flows), bits.finding]
    }

    private static func bytes(_ table: FlowTable) -> Finding {
        let total = table.positionsOfAll.total(at: 0)
        let oddities = table.positionsOfAll.oddities
        guard oddities.isEmpty else { return Finding(.bytes, .suspicious, oddities.sentences) }
        guard total >= PositionCounts.fewest else {
            return Finding(.bytes, .undecided, "only \(Text.count(total, "datagram"))")
        }
        return Finding(
            .bytes, .clear, "nothing repeats or leans in the first \(HeadSample.width) bytes of \(total) datagrams")
    }

    /// Flows that open with the same two sizes, and sizes on a common grid.
    private static func sizes(_ flows: [Flow]) -> Finding {
        var openings: [Opening: Int] = [:]
        for flow in flows {
            if let (client, server) = flow.opening {
                openings[Opening(client: client, server: server), default: 0] += 1
            }
        }
        let answered = openings.values.reduce(0, +)
        var sentences: [String] = []
        if let (opening, count) = openings.max(by: { $0.value < $1.value }), answered >= fewestFlows,
            count * 5 >= answered * 4
        {
            sentences.append(
                "\(count) of \(answered) flows open with \(opening.client) bytes and \(opening.server) in answer")
        }
        let grid = SizeGrid(flows.reduce(into: []) { $0.formUnion($1.sizes.telling) })
        if grid.isEven, grid.onGrid * 2 >= grid.sizes {
            let remainder = grid.remainder == 0 ? "multiples of 16" : "multiples of 16 and \(grid.remainder)"
            sentences.append("\(grid.onGrid) of \(grid.sizes) different sizes are \(remainder)")
        }
        guard sentences.isEmpty else { return Finding(.sizes, .suspicious, sentences) }
        return answered < fewestFlows
            ? Finding(.sizes, .undecided, "only \(Text.count(answered, "flow")) with an answer")
            : Finding(.sizes, .clear, "\(answered) flows open with \(Text.count(openings.count, "pair")) of sizes")
    }

    private struct Opening: Hashable {
        let client: Int
        let server: Int
    }
}
