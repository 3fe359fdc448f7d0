import Control
import Wire

/// Reads what `nft -j list ruleset` prints. What isn't understood becomes a condition or an action that nobody can tell.
struct NftRuleset {
    /// Nil when it isn't such a text.
    static func chains(json: String, text: String, skips isSkipped: (_ table: String) -> Bool) -> [FirewallRules.Chain]?
    {
        guard let whole = ForeignJSON.read(json) as? [String: Any],
            let items = whole["nftables"] as? [[String: Any]]
        else { return nil }
        let texts = NftRuleTexts(text)
        var chains: [FirewallRules.Chain] = []
        var positions: [FirewallRules.Place: Int] = [:]
        for item in items {
            if let object = item["chain"] as? [String: Any], let chain = chain(object), !isSkipped(chain.place.table) {
                positions[chain.place] = chains.count
                chains.append(chain)
            } else if let object = item["rule"] as? [String: Any], let place = place(object, chain: "chain"),
                let position = positions[place]
            {
                let statements = object["expr"] as? [[String: Any]] ?? []
                let text = (object["handle"] as? Int).flatMap { texts[place, $0] } ?? "a rule"
                chains[position].rules += NftRule(statements, text: text).rules
            }
        }
        return chains
    }

    private static func place(_ object: [String: Any], chain key: String) -> FirewallRules.Place? {
        guard let family = object["family"] as? String, let table = object["table"] as? String,
            let chain = object[key] as? String
        else { return nil }
        return FirewallRules.Place(tool: "nft", table: "\(family) \(table)", chain: chain)
    }

    private static func chain(_ object: [String: Any]) -> FirewallRules.Chain? {
        guard let place = place(object, chain: "name"), let family = object["family"] as? String else { return nil }
        let isIPv6: Bool? =
            switch family {
            case "ip": false
            case "ip6": true
            default: nil
            }
        var chain = FirewallRules.Chain(place, isIPv6: isIPv6)
        // Bridges, ARP and devices have hooks of the same names.
        if ["ip", "ip6", "inet"].contains(family) {
            chain.hook = (object["hook"] as? String).flatMap(FirewallRules.Hook.init(rawValue:))
        }
        chain.priority = object["prio"] as? Int ?? 0
        chain.isNat = object["type"] as? String == "nat"
        chain.dropsByDefault = object["policy"] as? String == "drop"
        return chain
    }
}

/// The rules' texts by their handles, from what `nft -a list ruleset` prints.
private struct NftRuleTexts {
    private var texts: [String: String] = [:]

    init(_ text: String) {
        var table = ""
        var chain = ""
        var pending = ""
        for line in text.split(separator: "\n") {
            let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
            if words.first == "table", words.count >= 3 {
                table = "\(words[1]) \(words[2])"
            } else if words.first == "chain", words.count >= 2, words.contains("{") {
                chain = String(words[1])
                pending = ""
            } else if let mark = words.lastIndex(of: "#"), mark + 2 < words.count, words[mark + 1] == "handle" {
                // A rule with a long list takes several lines.
                let rule = (pending.isEmpty ? [] : [pending]) + words[..<mark].map(String.init)
                texts["\(table) \(chain) \(words[mark + 2])"] = rule.joined(separator: " ")
                pending = ""
            } else if line.hasPrefix("\t\t"), words.first != "type" {
                pending += (pending.isEmpty ? "" : " ") + words.joined(separator: " ")
            } else {
                pending = ""
            }
        }
    }

    subscript(_ place: FirewallRules.Place, _ handle: Int) -> String? {
        texts["\(place.table) \(place.chain) \(handle)"]
    }
}

/// One rule of nft, which may decide in several ways and so be several rules here.
private struct NftRule {
    private(set) var rules: [FirewallRules.Rule] = []

    init(_ statements: [[String: Any]], text: String) {
        let text = text.printableLine
        var conditions: [FirewallRules.Condition] = []
        var packets: UInt64?
        for statement in statements {
            guard let (kind, value) = statement.first else { continue }
            let action: FirewallRules.Action?
            switch kind {
            case "match":
                conditions.append(NftCondition.read(value))
                continue
            case "vmap":
                rules += Self.map(value, conditions, text: text)
                continue
            case "counter":
                packets = ((value as? [String: Any])?["packets"] as? Int).flatMap { UInt64(exactly: $0) }
                continue
            case "limit":
                conditions.append(.opaque)
                continue
            case "mangle":
                action = Self.restoresMark(value) ? .restoreMark : nil
            case "log", "notrack", "flow", "meter", "set", "ct helper", "quota", "last", "comment":
                action = nil
            default:
                action = Self.verdict(kind, value)
            }
            guard let action else { continue }
            rules.append(FirewallRules.Rule(conditions, action, text: text, packets: packets))
        }
    }

    private static func verdict(_ kind: String, _ value: Any) -> FirewallRules.Action {
        let target = (value as? [String: Any])?["target"] as? String
        return switch (kind, target) {
        case ("accept", _): .accept
        case ("drop", _), ("reject", _): .drop
        case ("return", _): .goBack
        case ("continue", _): .goOn
        case ("masquerade", _), ("snat", _): .changeSource
        case ("jump", let target?): .jump(target)
        case ("goto", let target?): .goTo(target)
        default: .opaque
        }
    }

    /// A map from values to verdicts: a rule for each.
    private static func map(
        _ value: Any, _ conditions: [FirewallRules.Condition], text: String
    ) -> [FirewallRules.Rule] {
        guard let value = value as? [String: Any], let key = value["key"],
            let data = (value["data"] as? [String: Any])?["set"] as? [Any]
        else { return [FirewallRules.Rule(conditions + [.opaque], .opaque, text: text)] }
        return data.map { entry in
            guard let pair = entry as? [Any], pair.count == 2, let statement = pair[1] as? [String: Any],
                let (kind, target) = statement.first
            else { return FirewallRules.Rule(conditions + [.opaque], .opaque, text: text) }
            let condition = NftCondition.read(["op": "==", "left": key, "right": pair[0]] as [String: Any])
            return FirewallRules.Rule(conditions + [condition], verdict(kind, target), text: text)
        }
    }

    private static func restoresMark(_ value: Any) -> Bool {
        guard let value = value as? [String: Any] else { return false }
        let key = ((value["key"] as? [String: Any])?["meta"] as? [String: Any])?["key"] as? String
        let source = ((value["value"] as? [String: Any])?["ct"] as? [String: Any])?["key"] as? String
        return key == "mark" && source == "mark"
    }
}
