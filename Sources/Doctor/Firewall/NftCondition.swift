import Wire

/// Reads a `match` of nft.
enum NftCondition {
    static func read(_ value: Any) -> FirewallRules.Condition {
        guard let match = value as? [String: Any], let left = match["left"] as? [String: Any],
            let operation = match["op"] as? String, ["==", "!=", "in"].contains(operation),
            let values = values(match["right"]), let subject = subject(left, values)
        else { return .opaque }
        return FirewallRules.Condition(subject, isNegated: operation == "!=")
    }

    /// The values on the right: one, a list or a set. Nil for a set that has a name, whose elements aren't listed.
    private static func values(_ right: Any?) -> [Any]? {
        switch right {
        case let text as String: text.hasPrefix("@") ? nil : [text]
        case let list as [Any]: list
        case let object as [String: Any]: object["set"] as? [Any] ?? (object["set"] == nil ? [object] : nil)
        case let value?: [value]
        case nil: nil
        }
    }

    private static func subject(_ left: [String: Any], _ values: [Any]) -> FirewallRules.Condition.Subject? {
        if let meta = (left["meta"] as? [String: Any])?["key"] as? String { return self.meta(meta, values) }
        if let payload = left["payload"] as? [String: Any] { return self.payload(payload, values) }
        if let ct = left["ct"] as? [String: Any], ct["key"] as? String == "state" {
            return texts(values).map { .state(Set($0)) }
        }
        if let both = left["&"] as? [Any], both.count == 2, let mask = number(both[1]),
            ((both[0] as? [String: Any])?["meta"] as? [String: Any])?["key"] as? String == "mark",
            values.count == 1, let value = number(values[0])
        {
            return .mark(value, mask: mask)
        }
        return nil
    }

    private static func meta(_ key: String, _ values: [Any]) -> FirewallRules.Condition.Subject? {
        switch key {
        case "iifname", "iif": texts(values).map { .incomingInterface($0) }
        case "oifname", "oif": texts(values).map { .outgoingInterface($0) }
        case "l4proto": transports(values)
        case "mark": values.count == 1 ? number(values[0]).map { .mark($0, mask: .max) } : nil
        case "nfproto":
            switch texts(values) {
            case ["ipv4"]: .family(isIPv6: false)
            case ["ipv6"]: .family(isIPv6: true)
            default: nil
            }
        default: nil
        }
    }

    private static func payload(_ payload: [String: Any], _ values: [Any]) -> FirewallRules.Condition.Subject? {
        guard let header = payload["protocol"] as? String, let field = payload["field"] as? String else { return nil }
        switch (header, field) {
        case ("ip", "saddr"), ("ip6", "saddr"): return addresses(values).map { .source($0) }
        case ("ip", "daddr"), ("ip6", "daddr"): return addresses(values).map { .destination($0) }
        case ("ip", "protocol"), ("ip6", "nexthdr"): return transports(values)
        case ("udp", "dport"), ("th", "dport"): return ports(values).map { .destinationPort($0) }
        case ("udp", "sport"), ("th", "sport"): return ports(values).map { .sourcePort($0) }
        case ("tcp", _), ("sctp", _), ("icmp", _), ("icmpv6", _), ("dccp", _):
            // Whatever is asked of the header: there has to be one.
            return .transport([header == "icmpv6" ? "ipv6-icmp" : header])
        default: return nil
        }
    }

    private static func texts(_ values: [Any]) -> [String]? {
        let texts = values.compactMap { $0 as? String }
        return texts.count == values.count ? texts : nil
    }

    private static func transports(_ values: [Any]) -> FirewallRules.Condition.Subject? {
        texts(values).map { .transport(Set($0.map { $0 == "icmpv6" ? "ipv6-icmp" : $0 })) }
    }

    private static func number(_ value: Any) -> UInt32? { (value as? Int).flatMap { UInt32(exactly: $0) } }

    private static func ports(_ values: [Any]) -> [ClosedRange<UInt16>]? {
        var ranges: [ClosedRange<UInt16>] = []
        for value in values {
            if let port = (value as? Int).flatMap({ UInt16(exactly: $0) }) {
                ranges.append(port...port)
            } else if let range = (value as? [String: Any])?["range"] as? [Int], range.count == 2,
                let first = UInt16(exactly: range[0]), let last = UInt16(exactly: range[1]), first <= last
            {
                ranges.append(first...last)
            } else {
                return nil
            }
        }
        return ranges
    }

    private static func addresses(_ values: [Any]) -> [FirewallRules.ClosedAddressRange]? {
        var ranges: [FirewallRules.ClosedAddressRange] = []
        for value in values {
            guard let range = addressRange(value) else { return nil }
            ranges.append(range)
        }
        return ranges
    }

    private static func addressRange(_ value: Any) -> FirewallRules.ClosedAddressRange? {
        if let text = value as? String, let address = IPAddress(text) {
            return FirewallRules.ClosedAddressRange(address, address)
        }
        guard let object = value as? [String: Any] else { return nil }
        if let prefix = object["prefix"] as? [String: Any], let text = prefix["addr"] as? String,
            let length = prefix["len"] as? Int, let address = IPAddress(text)
        {
            return Prefix(address, length: length).flatMap { FirewallRules.ClosedAddressRange($0) }
        }
        guard let ends = object["range"] as? [String], ends.count == 2, let first = IPAddress(ends[0]),
            let last = IPAddress(ends[1])
        else { return nil }
        return FirewallRules.ClosedAddressRange(first, last)
    }
}
