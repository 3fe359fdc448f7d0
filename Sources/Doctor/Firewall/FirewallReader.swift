import Control
import Quick

/// Asks the tools of the packet filter for the rules.
struct FirewallReader {
    let surroundings: Surroundings

    /// Returns the rules, and a sentence when a tool that is there doesn't tell them.
    func read() -> (rules: FirewallRules, failure: String?) {
        var rules = FirewallRules()
        var failures: [String] = []
        let savers = [false, true].map { isIPv6 in
            let name = isIPv6 ? "ip6tables" : "iptables"
            return (isIPv6, run("\(name)-save", ["-c"]), name)
        }
        var isToldByIptables: Set<String> = []
        for case let (isIPv6, output?, name) in savers where output.isWhole {
            rules.chains += IptablesRuleset(output.text, isIPv6: isIPv6).chains
            if output.text.contains("nf_tables") || output.text.isEmpty {
                isToldByIptables.formUnion(Self.iptablesTables.map { "\(isIPv6 ? "ip6" : "ip") \($0)" })
            }
            if (output.text + output.errors).contains("\(name)-legacy tables present"),
                let legacy = run("\(name)-legacy-save", ["-c"]), legacy.isWhole
            {
                rules.chains += IptablesRuleset(legacy.text, isIPv6: isIPv6).chains
            }
        }
        // -t leaves out the elements of sets that have a name, which may be many.
        if let json = run("nft", ["-j", "-t", "list", "ruleset"]) {
            let text = run("nft", ["-a", "-t", "list", "ruleset"])?.text ?? ""
            if json.isWhole,
                let chains = NftRuleset.chains(json: json.text, text: text, skips: isToldByIptables.contains)
            {
                rules.chains += chains
            } else {
                failures.append("the firewall's rules can't be read: \(json.reason("nft"))")
            }
        }
        return (rules, failures.first)
    }

    private static let iptablesTables = ["filter", "nat", "mangle", "raw", "security"]

    private struct Output {
        let text: String
        let errors: String
        let status: Int32

        var isWhole: Bool { status == 0 && text.utf8.count < Program.keptBytes }

        func reason(_ name: String) -> String {
            if status == 0 { return "there are too many" }
            return
                "\(name) ended with exit code \(status): \((errors.split(separator: "\n").first.map(String.init) ?? "").printableLine)"
        }
    }

    /// Nil when there is no such program.
    private func run(_ name: String, _ arguments: [String]) -> Output? {
        guard let program = Program(name, environment: surroundings.environment) else { return nil }
        var environment = surroundings.environment
        environment["LC_ALL"] = "C"
        guard let result = try? program.run(arguments, environment: environment) else { return nil }
        return Output(text: result.output, errors: result.errors, status: result.status)
    }
}
