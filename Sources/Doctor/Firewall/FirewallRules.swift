package import Wire

/// The packet filter's rules, whichever tool has made them, as far as they can be understood. What can't be is kept as a
/// condition that may hold or not.
package struct FirewallRules: Sendable {
    package var chains: [Chain] = []

    package init(chains: [Chain] = []) {
        self.chains = chains
    }

    /// Where in a packet's way a chain is asked.
    package enum Hook: String, Sendable {
        case prerouting, input, forward, output, postrouting
    }

    /// What a chain is found by. Two tools may have tables of the same name.
    package struct Place: Hashable, Sendable, CustomStringConvertible {
        /// `nft`, `iptables` or `ip6tables`.
        package var tool: String
        /// As `inet filter`, or `filter` of iptables.
        package var table: String
        package var chain: String

        package init(tool: String, table: String, chain: String) {
            self.tool = tool
            self.table = table
            self.chain = chain
        }

        package var description: String {
            tool == "nft" ? "nft, table \(table), chain \(chain)" : "\(tool) -t \(table), chain \(chain)"
        }
    }

    package struct Chain: Sendable {
        package var place: Place
        /// Nil for both families.
        package var isIPv6: Bool?
        /// Nil for a chain that others jump to.
        package var hook: Hook?
        package var priority = 0
        /// Whether it is there to change addresses.
        package var isNat = false
        /// Whether a packet that no rule decides on is dropped.
        package var dropsByDefault = false
        package var rules: [Rule] = []

        package init(_ place: Place, isIPv6: Bool? = nil, hook: Hook? = nil) {
            self.place = place
            self.isIPv6 = isIPv6
            self.hook = hook
        }
    }

    package struct Rule: Sendable {
        package var conditions: [Condition]
        package var action: Action
        /// As the tool writes it.
        package var text: String
        /// That it has been applied to; nil when it doesn't count.
        package var packets: UInt64?

        package init(_ conditions: [Condition], _ action: Action, text: String, packets: UInt64? = nil) {
            self.conditions = conditions
            self.action = action
            self.text = text
            self.packets = packets
        }
    }

    package enum Action: Equatable, Sendable {
        case accept
        /// With an answer or without.
        case drop
        case jump(String)
        case goTo(String)
        case goBack
        /// The packet gets another source address.
        case changeSource
        /// The packet gets the mark of its connection.
        case restoreMark
        /// The packet goes on to the next rule.
        case goOn
        /// Nobody knows.
        case opaque
    }

    package struct Condition: Equatable, Sendable {
        package enum Subject: Equatable, Sendable {
            case incomingInterface([String])
            case outgoingInterface([String])
            case transport(Set<String>)
            case sourcePort([ClosedRange<UInt16>])
            case destinationPort([ClosedRange<UInt16>])
            case source([ClosedAddressRange])
            case destination([ClosedAddressRange])
            /// Of the connection: `new`, `established` and so on.
            case state(Set<String>)
            case mark(UInt32, mask: UInt32)
            case family(isIPv6: Bool)
            case opaque
        }

        package var subject: Subject
        package var isNegated: Bool

        package init(_ subject: Subject, isNegated: Bool = false) {
            self.subject = subject
            self.isNegated = isNegated
        }

        package static let opaque = Condition(.opaque)
    }

    /// Addresses from one to another of the same family.
    package struct ClosedAddressRange: Equatable, Sendable {
        var isIPv6: Bool { first.isIPv6 }
        private let first: IPAddress
        private let last: IPAddress

        /// Nil unless both are of one family.
        package init?(_ first: IPAddress, _ last: IPAddress) {
            guard first.isIPv6 == last.isIPv6 else { return nil }
            self.first = first
            self.last = last
        }

        package init?(_ prefix: Prefix) {
            self.init(prefix.address, prefix.lastAddress)
        }

        package func contains(_ address: IPAddress) -> Bool {
            address.isIPv6 == first.isIPv6 && !address.isLess(than: first) && !last.isLess(than: address)
        }
    }
}

extension Prefix {
    /// The one whose host bits are all set.
    var lastAddress: IPAddress {
        switch address {
        case .v4(let v4):
            let host = length == 0 ? ~0 : length >= 32 ? 0 : ~UInt32(0) >> UInt32(length)
            return .v4(IPv4Address(v4.value | host))
        case .v6(let v6):
            let high = length >= 64 ? 0 : length == 0 ? ~0 : ~UInt64(0) >> UInt64(length)
            let low = length >= 128 ? 0 : length <= 64 ? ~0 : ~UInt64(0) >> UInt64(length - 64)
            return .v6(IPv6Address(high: v6.high | high, low: v6.low | low))
        }
    }
}

extension IPAddress {
    /// In numerical order; false for different families.
    func isLess(than other: IPAddress) -> Bool {
        switch (self, other) {
        case (.v4(let left), .v4(let right)): left.value < right.value
        case (.v6(let left), .v6(let right)): (left.high, left.low) < (right.high, right.low)
        default: false
        }
    }
}
