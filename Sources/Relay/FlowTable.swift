import Tunnel
import Wire

/// The flows of a relay, by their client's address and by the endpoint's sessions, with the idlest at hand.
struct FlowTable: ~Copyable {
    private var flows: [Endpoint: Flow] = [:]
    /// Who uses an index of the endpoint's, so that a client that comes from a new address is known.
    private var users: [UInt32: Flow] = [:]
    /// Flows that the endpoint hasn't answered, and the others; the idlest first.
    private var unanswered = FlowList()
    private var answered = FlowList()

    var count: Int { flows.count }

    var all: [Flow] { Array(flows.values) }

    func flow(of client: Endpoint) -> Flow? { flows[client] }

    /// Who uses an index of the endpoint's.
    func user(of index: UInt32) -> Flow? { users[index] }

    /// Adds a flow of a client that has none.
    mutating func insert(_ flow: Flow) {
        flows[flow.client] = flow
        unanswered.append(flow)
    }

    mutating func remove(_ flow: Flow) {
        if flow.isAnswered { answered.remove(flow) } else { unanswered.remove(flow) }
        flows[flow.client] = nil
        for index in flow.endpointIndices.all where users[index] === flow { users[index] = nil }
    }

    /// Something passed.
    mutating func touch(_ flow: Flow, at now: Instant) {
        flow.lastUsed = now
        if flow.isAnswered {
            answered.moveToEnd(flow)
        } else {
            unanswered.moveToEnd(flow)
        }
    }

    /// The endpoint answered.
    mutating func markAnswered(_ flow: Flow) {
        flow.unansweredSince = nil
        guard !flow.isAnswered else { return }
        unanswered.remove(flow)
        flow.isAnswered = true
        answered.append(flow)
    }

    /// The endpoint receives under `index` what this flow's client sends.
    mutating func learn(_ index: UInt32, of flow: Flow) {
        users[index] = flow
        if let forgotten = flow.endpointIndices.insert(index), users[forgotten] === flow { users[forgotten] = nil }
    }

    /// Which flow makes room for another: the idlest that the endpoint never answered, or else the idlest.
    var mostDispensable: Flow? { unanswered.first ?? answered.first }

    /// The flow that was idle for the longest time.
    var idlest: Flow? {
        guard let first = unanswered.first, let second = answered.first else {
            return unanswered.first ?? answered.first
        }
        return first.lastUsed < second.lastUsed ? first : second
    }
}

/// Flows in the order of their last use. Each is in one list at most.
private struct FlowList {
    // Safe: a flow is removed before the table lets it go.
    unowned(unsafe) private(set) var first: Flow?
    unowned(unsafe) private var last: Flow?

    mutating func append(_ flow: Flow) {
        flow.before = last
        flow.after = nil
        if let last { last.after = flow } else { first = flow }
        last = flow
    }

    mutating func remove(_ flow: Flow) {
        if let before = flow.before { before.after = flow.after } else { first = flow.after }
        if let after = flow.after { after.before = flow.before } else { last = flow.before }
        flow.before = nil
        flow.after = nil
    }

    mutating func moveToEnd(_ flow: Flow) {
        guard last !== flow else { return }
        remove(flow)
        append(flow)
    }
}
