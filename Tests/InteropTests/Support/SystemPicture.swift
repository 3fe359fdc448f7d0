import Foundation

/// A machine's addresses, routes, rules, firewall and WireGuard interface as the system's own tools show them, in a form
/// that can be compared between equal machines.
struct SystemPicture: Equatable {
    /// What each tool shows, an item a line.
    var parts: [String: [String]] = [:]

    init(of machine: QuickMachine) async throws {
        parts["ip addr"] = try await Self.items(machine, "ip -j addr").map(Self.link).sorted()
        parts["ip route"] = try await Self.items(machine, "ip -j route show table all")
            .filter { !Self.isKernelMade($0["dst"]) }.map(Self.line).sorted()
        parts["ip -4 rule"] = try await Self.items(machine, "ip -j -4 rule").map(Self.line)
        parts["ip -6 rule"] = try await Self.items(machine, "ip -j -6 rule").map(Self.line)
        parts["nft"] = try Self.ruleset(try await machine.nft("-j list ruleset"))
        for command in ["iptables-save", "ip6tables-save"] {
            // Without remarks, without the counters of chains, and without what guards random link-local addresses.
            let lines = try await machine.run(command).output.split(separator: "\n").filter {
                !$0.hasPrefix("#") && !$0.contains("fe80:")
            }
            parts[command] = lines.map { String($0.prefix { $0 != "[" }) }
        }
        let name = QuickMachine.interface
        for field in ["public-key", "preshared-keys", "fwmark", "allowed-ips", "persistent-keepalive"] {
            let result = try await machine.run("wg show \(name) \(field)", mayFail: true)
            parts["wg show \(field)"] = result.output.split(separator: "\n").map(Self.sortedColumns).sorted()
        }
    }

    /// The lines in which two pictures differ.
    func differences(from other: SystemPicture) -> [String] {
        parts.keys.sorted().flatMap { name -> [String] in
            let (left, right) = (parts[name] ?? [], other.parts[name] ?? [])
            return right.difference(from: left).map { change in
                switch change {
                case .insert(_, let line, _): "\(name): + \(line)"
                case .remove(_, let line, _): "\(name): - \(line)"
                }
            }
        }
    }

    private typealias Item = [String: Any]

    private static func items(_ machine: QuickMachine, _ command: String) async throws -> [Item] {
        let output = try await machine.run(command).output
        guard let items = try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [Any] else {
            throw Failure("`\(command)` says something new: \(output)")
        }
        return items.compactMap { $0 as? Item }
    }

    /// What concerns the tunnel in a link: not its index nor its queue.
    private static func link(_ item: Item) -> String {
        let flags = (item["flags"] as? [String] ?? []).filter { ["UP", "NOARP", "POINTOPOINT"].contains($0) }
        let addresses = (item["addr_info"] as? [Item] ?? []).filter { !isKernelMade($0["local"]) }
        return line([
            "ifname": item["ifname"] ?? "", "mtu": item["mtu"] ?? 0, "flags": flags.sorted(), "addresses": addresses,
        ])
    }

    /// Whether an address is link-local: random ones differ from machine to machine, and a tunnel's may be missing.
    private static func isKernelMade(_ address: Any?) -> Bool {
        (address as? String)?.hasPrefix("fe80:") ?? false
    }

    /// Lines for the firewall's tables, chains and rules, without handles and counters, table by table, and without what
    /// guards random link-local addresses.
    private static func ruleset(_ output: String) throws -> [String] {
        guard let ruleset = try JSONSerialization.jsonObject(with: Data(output.utf8)) as? Item,
            let items = ruleset["nftables"] as? [Item]
        else { throw Failure("`nft -j` says something new: \(output)") }
        var tables: [String: [String]] = [:]
        for item in items {
            guard let kind = item.keys.first, kind != "metainfo", let content = item[kind] as? Item else { continue }
            let name = content[kind == "table" ? "name" : "table"]
            let text = line(stripped(item))
            if text.contains("fe80:") { continue }
            tables["\(content["family"] ?? "") \(name ?? "")", default: []].append(text)
        }
        return tables.sorted { $0.key < $1.key }.flatMap(\.value)
    }

    private static func stripped(_ value: Any) -> Any {
        switch value {
        case let item as Item:
            item.filter { !["handle", "packets", "bytes"].contains($0.key) }.mapValues(stripped)
        case let list as [Any]: list.map(stripped)
        default: value
        }
    }

    private static func line(_ value: Any) -> String {
        let data = try? JSONSerialization.data(withJSONObject: value, options: [.sortedKeys, .withoutEscapingSlashes])
        return String(decoding: data ?? Data(), as: UTF8.self)
    }

    /// A line with what follows its first column in order, since implementations order allowed IPs differently.
    private static func sortedColumns(_ line: Substring) -> String {
        let columns = line.split { $0 == "\t" || $0 == " " }
        return ([columns.first.map(String.init) ?? ""] + columns.dropFirst().map(String.init).sorted())
            .joined(separator: " ")
    }
}
