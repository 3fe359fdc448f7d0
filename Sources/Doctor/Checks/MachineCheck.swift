import Control
import Glibc
import LinuxNet
import Quick
import Wire

/// What the machine has to have before an interface can be.
struct MachineCheck: Check {
    func findings(_ interface: InterfaceFacts, _ facts: Facts) -> [Finding] {
        guard interface.link == nil else { return ipv6(interface, facts.host) }
        return tun(facts.host) + permission(facts.host) + firewallTool(interface, facts.host)
            + ipv6(interface, facts.host)
    }

    private func tun(_ host: HostFacts) -> [Finding] {
        guard host.tunFailure != 0 else { return [] }
        let isMissing = host.tunFailure == ENOENT || host.tunFailure == ENODEV || host.tunFailure == ENXIO
        return [
            Finding(
                .noTunDevice, .failure,
                summary: isMissing
                    ? "There is no /dev/net/tun here, which every tunnel in user space needs."
                    : "/dev/net/tun can't be opened, which every tunnel in user space needs.",
                evidence: ["open /dev/net/tun: \(SystemError.text(for: host.tunFailure))"],
                remedy: """
                    Load the module: modprobe tun. In a container the host has to pass the device in: for Docker \
                    --device /dev/net/tun, for LXC an entry for c 10:200, for systemd-nspawn --bind=/dev/net/tun.
                    """)
        ]
    }

    private func permission(_ host: HostFacts) -> [Finding] {
        guard !host.hasNetAdmin else { return [] }
        return [
            Finding(
                .noNetAdmin, .failure,
                summary: "Root may not change interfaces here: the capability CAP_NET_ADMIN is missing.",
                evidence: ["CapEff in /proc/self/status lacks bit 12"],
                remedy: """
                    Give it to the container (Docker: --cap-add NET_ADMIN) or to the service \
                    (CapabilityBoundingSet and AmbientCapabilities of its unit).
                    """)
        ]
    }

    private func firewallTool(_ interface: InterfaceFacts, _ host: HostFacts) -> [Finding] {
        guard !host.hasFirewallTool, let file = interface.file, let configuration = interface.configuration else {
            return []
        }
        let settings = configuration.interface
        var reasons: [String] = []
        if settings.killSwitch != .off { reasons.append("KillSwitch = \(settings.killSwitch.rawValue)") }
        if file.forwarding != .off { reasons.append("# Forwarding = \(file.forwarding.rawValue)") }
        if settings.table == .auto, configuration.peers.contains(where: { $0.prefixes.contains { $0.length == 0 } }) {
            reasons.append("AllowedIPs with a default route")
        }
        guard !reasons.isEmpty else { return [] }
        return [
            interface.finding(
                .noFirewallTool, .failure, "The file needs the firewall, and there is no program to set it.",
                evidence: reasons.map { "\(file.path): \($0)" } + ["neither nft nor iptables-restore is in PATH"],
                remedy: "Install nftables: apt-get install nftables")
        ]
    }

    private func ipv6(_ interface: InterfaceFacts, _ host: HostFacts) -> [Finding] {
        let addresses = interface.configuration?.interface.addresses.filter(\.address.isIPv6) ?? []
        guard let first = addresses.first, let file = interface.file else { return [] }
        let path = interface.link == nil ? "ipv6/conf/default/disable_ipv6" : "ipv6/conf/\(interface.name)/disable_ipv6"
        let evidence: String
        let remedy: String
        if host.settings["ipv6/conf/all/disable_ipv6"] == nil {
            evidence = "/proc/sys/net/ipv6 isn't there"
            remedy = "Boot without ipv6.disable=1, or take the IPv6 addresses out of \(file.path)."
        } else if host.settings[path] == "1" {
            evidence = "\(sysctlName(path)) = 1"
            remedy = "sysctl -w \(sysctlName(path))=0, or take the IPv6 addresses out of \(file.path)."
        } else {
            return []
        }
        return [
            interface.finding(
                .ipv6Off, .failure, "IPv6 is off here, and \(interface.name) is to have the address \(first).",
                evidence: [evidence], remedy: remedy)
        ]
    }
}

/// The name that `sysctl` takes for a file below /proc/sys/net. Names of interfaces may hold dots, which it takes as slashes.
func sysctlName(_ path: String) -> String {
    let parts = path.split(separator: "/")
    if parts.contains(where: { $0.contains(".") }) { return "net/\(path)" }
    return (["net"] + parts).joined(separator: ".")
}
