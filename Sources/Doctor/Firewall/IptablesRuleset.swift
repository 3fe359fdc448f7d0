import Control
import Wire

/// Reads what `iptables-save -c` and `ip6tables-save -c` print. What isn't understood becomes a condition or an action
/// that nobody can tell.
struct IptablesRuleset {
    private(set) var chains: [FirewallRules.Chain] = []
    private let isIPv6: Bool
    private let tool: String
    private var table = ""
    private var positions: [String: Int] = [:]

    init(_ text: String, isIPv6: Bool) {
        self.isIPv6 = isIPv6
        tool = isIPv6 ? "ip6tables" : "iptables"
        for line in text.split(separator: "\n") {
            if line.hasPrefix("*") {
                table = String(line.dropFirst())
                positions = [:]
            } else if line.hasPrefix(":") {
                addChain(line.dropFirst().split(separator: " "))
            } else {
                addRule(line)
            }
        }
    }

    private mutating func addChain(_ words: [Substring]) {
        guard words.count >= 2 else { return }
        let name = String(words[0])
        var chain = FirewallRules.Chain(
            FirewallRules.Place(tool: tool, table: table, chain: name), isIPv6: isIPv6)
        if words[1] != "-" {
            chain.hook = FirewallRules.Hook(rawValue: name.lowercased())
            chain.dropsByDefault = words[1] == "DROP"
        }
        chain.isNat = table == "nat"
        chain.priority = Self.priorities[table] ?? 0
        positions[name] = chains.count
        chains.append(chain)
    }

    private static let priorities = ["raw": -300, "mangle": -150, "nat": -100, "filter": 0, "security": 50]

    private mutating func addRule(_ line: Substring) {
        var text = line
        var packets: UInt64?
        if text.hasPrefix("["), let end = text.firstIndex(of: "]") {
            packets = UInt64(text[text.index(after: text.startIndex)..<end].prefix { $0 != ":" })
            text = text[text.index(after: end)...].drop { $0 == " " }
        }
        let words = Self.words(text)
        guard words.count >= 2, words[0] == "-A", let position = positions[words[1]] else { return }
        var rule = IptablesRule(Array(words.dropFirst(2)), isIPv6: isIPv6)
        if case .jump(let name) = rule.action, positions[name] == nil { rule.action = .opaque }
        chains[position].rules.append(
            FirewallRules.Rule(rule.conditions, rule.action, text: String(text).printableLine, packets: packets))
    }

    /// Words, of which those in quotation marks may hold spaces.
    private static func words(_ text: Substring) -> [String] {
        var words: [String] = []
        var word = ""
        var isQuoted = false
        var isEscaped = false
        for character in text {
            if isEscaped {
                word.append(character)
                isEscaped = false
            } else if character == "\\" {
                isEscaped = true
            } else if character == "\"" {
                isQuoted.toggle()
            } else if character == " ", !isQuoted {
                if !word.isEmpty { words.append(word) }
                word = ""
            } else {
                word.append(character)
            }
        }
        if !word.isEmpty { words.append(word) }
        return words
    }
}

/// One rule, after the name of its chain.
private struct IptablesRule {
    var conditions: [FirewallRules.Condition] = []
    var action = FirewallRules.Action.goOn

    /// Modules whose name alone decides nothing.
    private static let plainModules: Set = [
        "udp", "tcp", "icmp", "icmp6", "comment", "conntrack", "state", "multiport", "mark", "addrtype",
    ]

    init(_ words: [String], isIPv6: Bool) {
        var rest = words[...]
        var isNegated = false
        while let word = rest.popFirst() {
            switch word {
            case "!":
                isNegated = true
                continue
            case "-j", "-g":
                guard let target = rest.popFirst() else { break }
                action = Self.action(target, goesTo: word == "-g", options: rest)
                return
            case "-m":
                if let module = rest.popFirst(), !Self.plainModules.contains(module) { conditions.append(.opaque) }
            case "--comment":
                _ = rest.popFirst()
            default:
                let value = rest.first.flatMap { $0.hasPrefix("-") || $0 == "!" ? nil : $0 }
                if value != nil { _ = rest.popFirst() }
                let subject = value.flatMap { Self.subject(word, $0, isIPv6: isIPv6) } ?? .opaque
                conditions.append(FirewallRules.Condition(subject, isNegated: isNegated))
                while let more = rest.first, !more.hasPrefix("-"), more != "!" { _ = rest.popFirst() }
            }
            isNegated = false
        }
    }

    private static func action(
        _ target: String, goesTo: Bool, options: ArraySlice<String>
    ) -> FirewallRules.Action {
        switch target {
        case "ACCEPT": .accept
        case "DROP", "REJECT": .drop
        case "RETURN": .goBack
        case "MASQUERADE", "SNAT": .changeSource
        case "CONNMARK": options.contains("--restore-mark") ? .restoreMark : .goOn
        case "LOG", "NFLOG", "ULOG", "MARK", "TCPMSS", "CT", "NOTRACK", "TRACE", "AUDIT", "SET", "CHECKSUM", "CLASSIFY",
            "DSCP", "TOS", "TTL", "HL", "TCPOPTSTRIP":
            .goOn
        case "QUEUE", "NFQUEUE", "DNAT", "REDIRECT", "TPROXY", "NETMAP", "SYNPROXY": .opaque
        default: goesTo ? .goTo(target) : .jump(target)
        }
    }

    private static func subject(_ option: String, _ value: String, isIPv6: Bool) -> FirewallRules.Condition.Subject? {
        switch option {
        case "-i": return .incomingInterface([pattern(value)])
        case "-o": return .outgoingInterface([pattern(value)])
        case "-p": return value == "all" ? nil : .transport([value == "icmpv6" ? "ipv6-icmp" : value])
        case "-s": return range(value).map { .source([$0]) }
        case "-d": return range(value).map { .destination([$0]) }
        case "--sport", "--sports", "--source-ports": return ports(value).map { .sourcePort($0) }
        case "--dport", "--dports", "--destination-ports": return ports(value).map { .destinationPort($0) }
        case "--ctstate", "--state": return .state(Set(value.split(separator: ",").map { $0.lowercased() }))
        case "--mark":
            let parts = value.split(separator: "/")
            guard let first = parts.first.flatMap({ number($0) }) else { return nil }
            guard parts.count == 2 else { return .mark(first, mask: .max) }
            return number(parts[1]).map { .mark(first, mask: $0) }
        default: return nil
        }
    }

    /// A `+` at the end stands for the rest of the name.
    private static func pattern(_ name: String) -> String { name.hasSuffix("+") ? name.dropLast() + "*" : name }

    private static func range(_ text: String) -> FirewallRules.ClosedAddressRange? {
        InterfaceAddress(text)?.network.flatMap { FirewallRules.ClosedAddressRange($0) }
    }

    private static func number(_ text: Substring) -> UInt32? {
        text.hasPrefix("0x") ? UInt32(text.dropFirst(2), radix: 16) : UInt32(text)
    }

    private static func ports(_ text: String) -> [ClosedRange<UInt16>]? {
        var ranges: [ClosedRange<UInt16>] = []
        for part in text.split(separator: ",") {
            let ends = part.split(separator: ":", omittingEmptySubsequences: false)
            guard let first = ends[0].isEmpty ? 0 : UInt16(ends[0]) else { return nil }
            guard ends.count == 2 else {
                ranges.append(first...first)
                continue
            }
            guard let last = ends[1].isEmpty ? .max : UInt16(ends[1]), first <= last else { return nil }
            ranges.append(first...last)
        }
        return ranges
    }
}
