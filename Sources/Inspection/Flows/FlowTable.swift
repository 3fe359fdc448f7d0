/// The flows of a capture: a bounded number, with a bounded sample of each.
package struct FlowTable {
    package static let mostFlows = 4096
    /// Heads of datagrams that are kept of all flows together.
    static let mostHeads = 300_000
    /// Bytes of UDP payload that an Ethernet frame carries.
    private static let largestPayload = 1472

    private var positions: [FlowKey: Int] = [:]
    private(set) var flows: [Flow] = []
    private var heads = 0
    /// All UDP datagrams of all flows.
    private(set) var positionsOfAll = PositionCounts()

    package private(set) var packets = 0
    /// Neither UDP nor TCP over IP.
    package private(set) var others = 0
    package private(set) var fragments = 0
    /// Of flows beyond ``mostFlows``.
    package private(set) var unfollowed = 0
    /// Unfragmented datagrams that are larger than an Ethernet frame carries.
    package private(set) var oversized = 0

    package init() {}

    package mutating func see(_ frame: CapturedPacket) {
        packets += 1
        switch Decoded(frame) {
        case .segment(let segment): see(segment)
        case .fragment: fragments += 1
        case .other: others += 1
        }
    }

    private mutating func see(_ segment: Segment) {
        let key = FlowKey(segment)
        let flow: Flow
        if let position = positions[key] {
            flow = flows[position]
        } else {
            guard flows.count < Self.mostFlows else {
                unfollowed += 1
                return
            }
            flow = Flow(segment)
            positions[key] = flows.count
            flows.append(flow)
        }
        if segment.transport == .udp, !segment.isFragmented, segment.payloadLength > Self.largestPayload {
            oversized += 1
        }
        heads += flow.see(segment, hasRoom: heads < Self.mostHeads)
        if segment.transport == .udp { positionsOfAll.add(segment.payload) }
    }
}
