import Control
import Glibc
import LinuxNet
import NoisePrimitives
import Quick
import Tunnel
import Wire

/// Gathers what the machine is like, as far as it matters to the interfaces that are examined.
struct HostCollector {
    let surroundings: Surroundings

    func fill(_ facts: inout Facts, running: [String], _ netlink: inout Netlink) {
        facts.host.tunFailure = Self.tunFailure()
        facts.host.hasNetAdmin = Self.hasNetAdmin()
        facts.host.hasFirewallTool = ["nft", "iptables-restore"].contains {
            Program($0, environment: surroundings.environment) != nil
        }
        facts.host.nameServers = Self.nameServers()
        facts.host.neighbours = neighbours(running, of: facts)
        askForWays(&facts, &netlink)
        facts.host.settings = Self.settings(of: facts)
        let (rules, failure) = FirewallReader(surroundings: surroundings).read()
        facts.host.firewall = rules
        if let failure { facts.blindSpots.append(failure) }
        let ports = facts.interfaces.compactMap { $0.configuration?.interface.listenPort }.filter { $0 != 0 }
        if facts.interfaces.contains(where: { $0.snapshot == nil || $0.report?.bindFailure ?? 0 != 0 }) {
            facts.host.boundPorts = BoundPorts.read(Set(ports))
        }
    }

    /// As `up` finds out whether it can have an interface.
    private static func tunFailure() -> Int32 {
        let descriptor = open("/dev/net/tun", O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { return errno }
        close(descriptor)
        return 0
    }

    private static func hasNetAdmin() -> Bool {
        guard let text = try? FileBytes.read("/proc/self/status", limit: 1 << 20) else { return true }
        let line = String(decoding: text, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix("CapEff:") }
        guard let digits = line?.split(whereSeparator: { $0 == "\t" || $0 == " " }).last,
            let bits = UInt64(digits, radix: 16)
        else { return true }
        let netAdmin: UInt64 = 12
        return bits >> netAdmin & 1 == 1
    }

    /// The servers that questions leave this machine for.
    private static func nameServers() -> [IPAddress] {
        for path in ["/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"] {
            guard let text = try? FileBytes.read(path, limit: ResolvConf.longest) else { continue }
            let servers = ResolvConf(text).nameservers.filter { !$0.isOfOneMachine }
            if !servers.isEmpty { return Array(servers.prefix(3)) }
        }
        return []
    }

    private func neighbours(_ running: [String], of facts: Facts) -> [String: HostFacts.Neighbour] {
        var neighbours: [String: HostFacts.Neighbour] = [:]
        for name in running {
            let known = facts.interfaces.first { $0.name == name }?.status
            guard
                let status = known
                    ?? (try? WireGuardDevices.open(name, in: surroundings.devicePlaces).status())
            else { continue }
            neighbours[name] = HostFacts.Neighbour(
                publicKey: status.privateKey.map { X25519.publicKey(of: $0) },
                peers: Set(status.peers.map(\.publicKey)))
        }
        return neighbours
    }

    private func askForWays(_ facts: inout Facts, _ netlink: inout Netlink) {
        let own = Set(facts.host.addresses.map(\.address.address))
        var questions = Set(Sample.farAway.map { WayQuestion($0) })
        questions.formUnion(facts.host.nameServers.map { WayQuestion($0) })
        for interface in facts.interfaces {
            for peer in interface.status?.peers ?? [] {
                if let endpoint = peer.endpoint {
                    questions.insert(WayQuestion(endpoint.address))
                    questions.insert(WayQuestion(endpoint.address, mark: interface.mark))
                }
                for prefix in peer.allowedIPs {
                    guard let address = Sample.address(in: prefix, notIn: own) else { continue }
                    questions.insert(WayQuestion(address))
                }
            }
        }
        for question in questions {
            let answer: RouteAnswer?
            do {
                answer = try netlink.route(to: question.destination, mark: question.mark)
            } catch {
                continue
            }
            guard let answer, let link = facts.host.link(answer.interface) else {
                facts.host.ways[question] = .some(.none)
                continue
            }
            facts.host.ways[question] = Way(
                interface: link.name, gateway: answer.gateway, table: answer.table, source: answer.preferredSource)
        }
    }

    private static func settings(of facts: Facts) -> [String: String] {
        var paths = [
            "ipv4/ip_forward", "ipv6/conf/all/forwarding", "ipv6/conf/all/disable_ipv6",
            "ipv6/conf/default/disable_ipv6",
        ]
        let names = Set(
            ["all"] + facts.interfaces.map(\.name) + facts.host.ways.values.compactMap { $0?.interface })
        for name in names {
            paths += ["rp_filter", "src_valid_mark", "forwarding"].map { "ipv4/conf/\(name)/\($0)" }
            paths.append("ipv6/conf/\(name)/disable_ipv6")
        }
        var settings: [String: String] = [:]
        for path in paths { settings[path] = try? KernelSetting.read("net/\(path)") }
        return settings
    }
}
