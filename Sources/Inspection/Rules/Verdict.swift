/// What a rule says of some traffic.
package enum Verdict: String, Codable, Sendable, CaseIterable {
    /// WireGuard, one of its disguises, or something that boxes in the middle block by name.
    case recognised
    /// It stands out, and doesn't prove anything alone.
    case suspicious
    case clear
    /// There was too little to tell.
    case undecided
}

/// What can be told of traffic. Numbers in comments are sections of the specification, "Obfuscation".
package enum Rule: String, Codable, Sendable, CaseIterable {
    /// §8.1, the rules of known programs.
    case ndpi42 = "ndpi-4.2"
    case ndpi2024 = "ndpi-2024-10"
    case wireshark
    case suricata
    case zeek
    case zapret
    /// Fixed or leaning bytes, by position.
    case bytes
    /// A constant number in front of a counter, as data messages have.
    case header
    case sizes
    /// §8.4, times between datagrams.
    case rhythm
    /// Bits and bytes as a whole.
    case randomness
    /// §8.2, the rule against fully encrypted traffic.
    case fullyEncrypted = "fully-encrypted"
    /// Ways to hide WireGuard that give themselves away.
    case disguise

    /// A column of the report's table.
    package enum Aspect: String, CaseIterable, Sendable {
        case signature, bytes, sizes, rhythm, random, disguise
    }

    package var aspect: Aspect {
        switch self {
        case .ndpi42, .ndpi2024, .wireshark, .suricata, .zeek, .zapret: .signature
        case .bytes, .header: .bytes
        case .sizes: .sizes
        case .rhythm: .rhythm
        case .randomness, .fullyEncrypted: .random
        case .disguise: .disguise
        }
    }

    package var title: String {
        switch self {
        case .ndpi42: "nDPI 4.2"
        case .ndpi2024: "nDPI 2024-10"
        case .wireshark: "Wireshark heuristic"
        case .suricata: "Suricata content rules"
        case .zeek: "Zeek spicy-wireguard"
        case .zapret: "zapret"
        case .bytes: "fixed bytes"
        case .header: "data header"
        case .sizes: "sizes"
        case .rhythm: "rhythm"
        case .randomness: "randomness"
        case .fullyEncrypted: "fully encrypted rule"
        case .disguise: "disguise"
        }
    }
}

/// One rule's verdict, and what it stands on.
package struct Finding: Codable, Equatable, Sendable {
    package let rule: Rule
    package let verdict: Verdict
    /// Sentences.
    package let evidence: [String]

    package init(_ rule: Rule, _ verdict: Verdict, _ evidence: [String]) {
        self.rule = rule
        self.verdict = verdict
        self.evidence = evidence
    }

    package init(_ rule: Rule, _ verdict: Verdict, _ evidence: String) {
        self.init(rule, verdict, [evidence])
    }
}
