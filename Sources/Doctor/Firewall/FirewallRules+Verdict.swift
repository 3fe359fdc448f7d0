package import Wire

/// A packet that is asked about. Nil: any.
package struct FirewallPacket: Sendable {
    package var isIPv6: Bool
    package var incoming: String?
    package var outgoing: String?
    /// `udp`, `tcp`, `icmp` or `ipv6-icmp`.
    package var transport: String?
    package var sourcePort: UInt16?
    package var destinationPort: UInt16?
    package var source: IPAddress?
    package var destination: IPAddress?
    /// Of its connection: `new` or `established`.
    package var state: String?
    package var mark: UInt32?

    package init(isIPv6: Bool) {
        self.isIPv6 = isIPv6
    }
}

extension FirewallRules {
    /// What drops a packet.
    package struct Obstacle: Equatable, Sendable {
        package var place: Place
        /// Nil when it is the chain's policy.
        package var rule: String?
        package var packets: UInt64?

        /// A line that a person finds it by.
        package var evidence: String {
            let count = packets.map { $0 == 0 ? "" : " (\($0) packets so far)" } ?? ""
            return "\(place): \(rule ?? "policy drop")\(count)"
        }
    }

    /// What certainly drops a packet on its way through some hooks; nil when nothing does, or nobody can tell.
    package func obstacle(to packet: FirewallPacket, at hooks: [Hook]) -> Obstacle? {
        for hook in hooks {
            for chain in base(hook, packet, isNat: false) {
                var walk = Walk(rules: self, packet: packet)
                walk.enter(chain)
                if let obstacle = walk.certainDrop { return obstacle }
            }
        }
        return nil
    }

    /// Whether a packet that leaves may get another source address.
    package func mayChangeSource(of packet: FirewallPacket) -> Bool {
        base(.postrouting, packet, isNat: true).contains { chain in
            var walk = Walk(rules: self, packet: packet)
            walk.enter(chain)
            return walk.mayChangeSource
        }
    }

    /// Whether a packet that arrives may get the mark of its connection.
    package func mayRestoreMark(of packet: FirewallPacket) -> Bool {
        base(.prerouting, packet, isNat: false).contains { chain in
            var walk = Walk(rules: self, packet: packet)
            walk.enter(chain)
            return walk.mayRestoreMark
        }
    }

    private func base(_ hook: Hook, _ packet: FirewallPacket, isNat: Bool) -> [Chain] {
        chains.filter {
            $0.hook == hook && $0.isNat == isNat && ($0.isIPv6 == nil || $0.isIPv6 == packet.isIPv6)
        }.sorted { $0.priority < $1.priority }
    }

    /// The ways that a packet may take through a chain: more than one where a condition can't be decided.
    private struct Walk {
        let rules: FirewallRules
        let packet: FirewallPacket
        var mayPass = false
        var drop: Obstacle?
        var mayChangeSource = false
        var mayRestoreMark = false
        /// Rules that may still be looked at: chains that jump in circles, or rulesets of a size that nobody writes.
        private var patience = 100_000

        init(rules: FirewallRules, packet: FirewallPacket) {
            self.rules = rules
            self.packet = packet
        }

        var certainDrop: Obstacle? { mayPass ? nil : drop }

        mutating func enter(_ chain: Chain) {
            guard follow(chain, depth: 0) else { return }
            if chain.dropsByDefault {
                drop = Obstacle(place: chain.place)
            } else {
                mayPass = true
            }
        }

        /// Returns whether the packet may come back from the chain undecided.
        private mutating func follow(_ chain: Chain, depth: Int) -> Bool {
            var mayReturn = false
            for rule in chain.rules {
                guard patience > 0, depth < 32 else {
                    mayPass = true
                    return true
                }
                patience -= 1
                let match = rule.conditions.reduce(Truth.yes) { min($0, $1.holds(for: packet)) }
                guard match != .no else { continue }
                var ends = true
                switch rule.action {
                case .accept: mayPass = true
                case .drop: drop = Obstacle(place: chain.place, rule: rule.text, packets: rule.packets)
                case .goBack: mayReturn = true
                case .changeSource:
                    mayChangeSource = true
                    mayPass = true
                case .restoreMark:
                    mayRestoreMark = true
                    ends = false
                case .goOn: ends = false
                case .opaque:
                    mayPass = true
                    ends = false
                case .jump(let name), .goTo(let name):
                    guard let target = self.chain(name, beside: chain) else {
                        mayPass = true
                        ends = false
                        break
                    }
                    let comesBack = follow(target, depth: depth + 1)
                    if case .goTo = rule.action {
                        mayReturn = mayReturn || comesBack
                    } else {
                        ends = !comesBack
                    }
                }
                if ends, match == .yes { return mayReturn }
            }
            return true
        }

        private func chain(_ name: String, beside chain: Chain) -> Chain? {
            var place = chain.place
            place.chain = name
            return rules.chains.first { $0.place == place }
        }
    }
}

/// What is known of a statement, the less certain truth first.
enum Truth: Int, Comparable {
    case no, maybe, yes

    init(_ value: Bool) {
        self = value ? .yes : .no
    }

    var negated: Truth { Truth(rawValue: 2 - rawValue) ?? .maybe }

    static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

extension FirewallRules.Condition {
    func holds(for packet: FirewallPacket) -> Truth {
        let truth = subjectHolds(for: packet)
        return isNegated ? truth.negated : truth
    }

    private func subjectHolds(for packet: FirewallPacket) -> Truth {
        switch subject {
        case .incomingInterface(let names):
            Self.decide(packet.incoming) { name in names.contains { Self.matches($0, name) } }
        case .outgoingInterface(let names):
            Self.decide(packet.outgoing) { name in names.contains { Self.matches($0, name) } }
        case .transport(let names): Self.decide(packet.transport, names.contains)
        case .sourcePort(let ranges): Self.decide(packet.sourcePort) { port in ranges.contains { $0.contains(port) } }
        case .destinationPort(let ranges):
            Self.decide(packet.destinationPort) { port in ranges.contains { $0.contains(port) } }
        case .source(let ranges): address(packet.source, packet, ranges)
        case .destination(let ranges): address(packet.destination, packet, ranges)
        case .state(let names): Self.decide(packet.state, names.contains)
        case .mark(let value, let mask): Self.decide(packet.mark) { $0 & mask == value }
        case .family(let isIPv6): Truth(packet.isIPv6 == isIPv6)
        case .opaque: .maybe
        }
    }

    private func address(
        _ address: IPAddress?, _ packet: FirewallPacket, _ ranges: [FirewallRules.ClosedAddressRange]
    ) -> Truth {
        // A rule about IPv4 addresses doesn't hold for an IPv6 packet, nor does its opposite: nft looks at the family first.
        guard ranges.contains(where: { $0.isIPv6 == packet.isIPv6 }) else { return isNegated ? .yes : .no }
        return Self.decide(address) { address in ranges.contains { $0.contains(address) } }
    }

    private static func decide<Value>(_ value: Value?, _ test: (Value) -> Bool) -> Truth {
        value.map { Truth(test($0)) } ?? .maybe
    }

    /// Names of interfaces may end in a `*`.
    private static func matches(_ pattern: String, _ name: String) -> Bool {
        pattern.hasSuffix("*") ? name.hasPrefix(pattern.dropLast()) : pattern == name
    }
}
