import Glibc
import LinuxNet

/// The program that changes the firewall: `nft` where there is one, else iptables. Quick §add_default 6.
enum FirewallTool: String, Codable {
    case nft
    case iptables

    /// Nil when there is neither.
    static func find(_ surroundings: Surroundings) -> FirewallTool? {
        if surroundings.program("nft") != nil { return .nft }
        return surroundings.program("iptables-restore") != nil ? .iptables : nil
    }

    static let missing = QuickError(
        "there is neither nft nor iptables-restore, which default routes, the kill switch and forwarding under this machine's address need: "
            + "install nftables, or use Table = off, KillSwitch = off and no Forwarding = nat")
}

/// Changes the firewall by handing whole texts to the tool, each of which takes effect as a whole or not at all.
struct Firewall {
    let surroundings: Surroundings
    let tool: FirewallTool

    /// Whether the kernel has IPv6, and so a firewall for it.
    static var hasIPv6: Bool { access("/proc/sys/net/ipv6", F_OK) == 0 }

    /// Hands commands to nft.
    func nft(_ commands: String) throws {
        surroundings.console.echo("nft -f -")
        _ = try run("nft", ["-f", "-"], input: commands)
    }

    /// Hands rules to `iptables-restore`, which leaves all others as they are.
    func restore(_ rules: String, isIPv6: Bool) throws {
        let name = isIPv6 ? "ip6tables-restore" : "iptables-restore"
        surroundings.console.echo("\(name) -n")
        _ = try run(name, ["-n"], input: rules)
    }

    /// The rules that iptables has, as `iptables-save` prints them; none when the program doesn't work here, as where
    /// the kernel has no such firewall.
    func saved(isIPv6: Bool) -> [Substring] {
        let output = try? run(isIPv6 ? "ip6tables-save" : "iptables-save", [], input: "")
        return output?.split(separator: "\n") ?? []
    }

    /// What removes the rules with a comment from those that `iptables-save` has printed; nil when there are none.
    static func removal(of marker: String, from saved: [Substring]) -> String? {
        guard saved.contains(where: { $0.hasPrefix("-A") && $0.contains(marker) }) else { return nil }
        return saved.compactMap { line -> String? in
            if line.hasPrefix("*") || line == "COMMIT" { return String(line) }
            guard line.hasPrefix("-A"), line.contains(marker) else { return nil }
            return "-D" + line.dropFirst(2)
        }.map { $0 + "\n" }.joined()
    }

    private func run(_ name: String, _ arguments: [String], input: String) throws -> String {
        guard let program = surroundings.program(name) else {
            throw QuickError(
                "there is no \(name) in PATH; install it, or nftables, to change the firewall", status: 127)
        }
        let result = try program.run(
            arguments, environment: surroundings.childEnvironment, streams: .text(input))
        guard result.status == 0 else {
            let words = result.errors.split(separator: "\n").prefix(3).joined(separator: "; ")
            throw QuickError("\(name) ended with exit code \(result.status): \(words)", status: 1)
        }
        return result.output
    }

    /// An interface's name as a part of a table's or a chain's name: nft has no `=` and no `+` there.
    static func identifier(_ interface: String) -> String {
        interface.utf8.reduce(into: "") { text, byte in
            switch byte {
            case UInt8(ascii: "="), UInt8(ascii: "+"): text += "/\(String(byte, radix: 16))"
            default: text.unicodeScalars.append(Unicode.Scalar(byte))
            }
        }
    }
}
