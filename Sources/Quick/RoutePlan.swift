import Control
import LinuxNet
package import Wire

/// Which routes a tunnel's allowed IPs need. Quick §up 8.
struct RoutePlan: Equatable {
    /// The prefixes that get a route of their own, longest first.
    var routes: [Prefix] = []
    /// The table of ``routes``; nil for the main one.
    var table: UInt32?
    /// The families whose default route goes by way of a table of its own and policy rules.
    var defaults: [Bool] = []

    /// - Parameters:
    ///   - allowedIPs: those of all peers.
    ///   - present: the prefixes of the interface's routes in the main table, which make more specific ones unnecessary.
    init(allowedIPs: [Prefix], table: RoutingTableChoice, present: [Prefix]) {
        var seen: Set<Prefix> = []
        // Equal lengths stay in the peers' order, which makes no difference but to a reader.
        let sorted = allowedIPs.filter { seen.insert($0).inserted }.enumerated()
            .sorted { ($1.element.length, $0.offset) < ($0.element.length, $1.offset) }.map(\.element)
        switch table {
        case .off:
            break
        case .table(let number):
            routes = sorted
            self.table = number
        case .auto:
            defaults = [false, true].filter { isIPv6 in
                sorted.contains { $0.length == 0 && $0.address.isIPv6 == isIPv6 }
            }
            let covers = PrefixSet(present)
            routes = sorted.filter { $0.length > 0 && !covers.coversOrHolds($0) }
        }
    }

    /// As commands of iproute2.
    func commands(interface: String) -> [String] {
        routes.map { Self.command("add", $0, interface: interface, table: table) }
    }

    static func command(_ verb: String, _ prefix: Prefix, interface: String, table: UInt32?) -> String {
        let family = prefix.address.isIPv6 ? "-6" : "-4"
        return "ip \(family) route \(verb) \(prefix) dev \(interface)" + (table.map { " table \($0)" } ?? "")
    }
}

/// Prefixes that can be asked whether one of them covers another prefix.
package struct PrefixSet: Sendable {
    private let prefixes: Set<Prefix>
    private let lengths: [Int]

    package init(_ prefixes: some Sequence<Prefix>) {
        self.prefixes = Set(prefixes)
        lengths = Set(self.prefixes.map(\.length)).sorted()
    }

    /// Whether `prefix` or one that it lies within is there.
    package func coversOrHolds(_ prefix: Prefix) -> Bool {
        lengths.contains { length in
            length <= prefix.length
                && Prefix(prefix.address, length: length).map { prefixes.contains($0) } == true
        }
    }
}
