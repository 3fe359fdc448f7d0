import Synchronization
package import Tunnel

/// What a relay has done so far; one thread adds, any may read.
package final class RelayCounters: Sendable {
    package let drops = DropCounters()
    private let flows = Atomic(0)
    private let opened = Atomic(0)
    private let toEndpoint = Traffic()
    private let toClients = Traffic()

    private final class Traffic: Sendable {
        let datagrams = Atomic<UInt64>(0)
        let bytes = Atomic<UInt64>(0)

        func add(_ tally: RelayOutbox.Tally) {
            datagrams.wrappingAdd(UInt64(tally.datagrams), ordering: .relaxed)
            bytes.wrappingAdd(UInt64(tally.bytes), ordering: .relaxed)
        }

        var report: RelayReport.Traffic {
            RelayReport.Traffic(
                datagrams: datagrams.load(ordering: .relaxed), bytes: bytes.load(ordering: .relaxed))
        }
    }

    func setFlows(_ count: Int) { flows.store(count, ordering: .relaxed) }
    func countOpened() { opened.wrappingAdd(1, ordering: .relaxed) }

    func add(_ tally: RelayOutbox.Tally, toEndpoint isToEndpoint: Bool) {
        (isToEndpoint ? toEndpoint : toClients).add(tally)
        if tally.failed > 0 { drops.count(.sendFailed, tally.failed) }
        if tally.impossible > 0 { drops.count(.disguiseImpossible, tally.impossible) }
    }

    package var report: RelayReport {
        RelayReport(
            flows: flows.load(ordering: .relaxed), opened: opened.load(ordering: .relaxed),
            toEndpoint: toEndpoint.report, toClients: toClients.report,
            drops: DropReason.allCases.map { ($0, drops[$0]) }.filter { $0.1 > 0 })
    }
}

/// What a relay had done at one time.
package struct RelayReport: Sendable, CustomStringConvertible {
    package struct Traffic: Equatable, Sendable {
        package let datagrams: UInt64
        package let bytes: UInt64
    }

    /// Flows that there are now, and that there ever were.
    package let flows: Int
    package let opened: Int
    package let toEndpoint: Traffic
    package let toClients: Traffic
    /// Why datagrams were dropped, and how many.
    package let drops: [(reason: DropReason, count: UInt64)]

    package var description: String {
        let dropped =
            drops.isEmpty
            ? "nothing dropped" : "dropped: \(drops.map { "\($0.reason.name) \($0.count)" }.joined(separator: ", "))"
        return
            "\(flows) flows now, \(opened) in all; to the endpoint \(toEndpoint); to clients \(toClients); \(dropped)"
    }
}

extension RelayReport.Traffic: CustomStringConvertible {
    package var description: String { "\(datagrams) datagrams, \(bytes) bytes" }
}
