import Control
import Glibc
import LinuxNet
import Quick
import Tunnel
import Wire

/// Whether the interface is there, is served, is up, and has its port and its addresses.
struct UpCheck: Check {
    func findings(_ interface: InterfaceFacts, _ facts: Facts) -> [Finding] {
        guard let link = interface.link else { return port(interface, facts.host) + absent(interface) }
        var findings = port(interface, facts.host)
        if interface.snapshot == nil, interface.blindSpots.isEmpty { findings.append(unserved(interface, link)) }
        if !link.isUp {
            findings.append(
                interface.finding(
                    .interfaceDown, .failure, "\(interface.name) is there, but it is switched off.",
                    evidence: ["ip link show \(interface.name): state DOWN"],
                    remedy: "ip link set \(interface.name) up; or, with its addresses and routes as the file has them: "
                        + "nightjar down \(interface.name); nightjar up \(interface.file?.path ?? interface.name)"))
        }
        return findings + addresses(interface)
    }

    private func port(_ interface: InterfaceFacts, _ host: HostFacts) -> [Finding] {
        let failure = interface.report?.bindFailure ?? 0
        let port = interface.configuration?.interface.listenPort ?? interface.status?.listenPort ?? 0
        if failure != 0, failure != EADDRINUSE {
            return [
                interface.finding(
                    .portInUse, .failure, "\(interface.name) has no socket, so nothing comes or goes.",
                    evidence: ["open UDP port \(port): \(SystemError.text(for: failure))"],
                    remedy: "Mend that, then: ip link set \(interface.name) down; ip link set \(interface.name) up")
            ]
        }
        guard port != 0, failure == EADDRINUSE || interface.link == nil, let owner = host.boundPorts[port] else {
            return []
        }
        return [
            interface.finding(
                .portInUse, .failure, "UDP port \(port), which \(interface.name) is to listen on, is used already.",
                evidence: ["UDP port \(port) is bound by \(owner)"],
                remedy:
                    "End that program, or give \(interface.name) another ListenPort. The clients' Endpoint has to have the same."
            )
        ]
    }

    private func absent(_ interface: InterfaceFacts) -> [Finding] {
        let up = "nightjar up \(interface.file.map { argument(interface, $0) } ?? interface.name)"
        if let record = interface.record, record.isHere {
            return [
                interface.finding(
                    .interfaceLeftBehind, .failure,
                    record.isUp
                        ? "\(interface.name) was up, but what served it has ended. Its rules and name servers are still there."
                        : "\(interface.name) was left half-way, between up and down.",
                    evidence: ["'nightjar up' has noted changes, and there is no interface \(interface.name)"],
                    remedy:
                        "\(up) takes the rest back and begins anew; 'nightjar down \(interface.name)' only takes it back. "
                        + "The system's log says why it ended: journalctl -u nightjar@\(interface.name)")
            ]
        }
        guard let file = interface.file else { return [] }
        var evidence = ["\(file.path) is there, and there is no interface \(interface.name)"]
        if let record = interface.record, !record.isHere {
            evidence.append("it is up in another network namespace")
        }
        return [
            interface.finding(
                .interfaceNotUp, .failure, "\(interface.name) isn't up.", evidence: evidence,
                remedy: "\(up). At every start of the machine: systemctl enable --now nightjar@\(interface.name)")
        ]
    }

    private func argument(_ interface: InterfaceFacts, _ file: FileFacts) -> String {
        file.path == "/etc/wireguard/\(interface.name).conf" ? interface.name : file.path
    }

    private func unserved(_ interface: InterfaceFacts, _ link: LinkState) -> Finding {
        interface.finding(
            .interfaceNotServed, .failure,
            "There is an interface \(interface.name), but no WireGuard serves it.",
            evidence: [
                "kind of the interface: \((link.kind ?? "none").printable)",
                "there is no configuration socket, as /run/wireguard/\(interface.name).sock",
            ],
            remedy:
                "If it is a leftover: ip link delete \(interface.name); nightjar up \(interface.name). If it is something else, "
                + "choose another name for the tunnel.")
    }

    private func addresses(_ interface: InterfaceFacts) -> [Finding] {
        guard interface.snapshot != nil, let file = interface.file,
            let wanted = interface.configuration?.interface.addresses
        else { return [] }
        let present = Set(interface.addresses)
        let missing = wanted.filter { !present.contains($0) }
        guard let first = missing.first else { return [] }
        let list = missing.map(\.description).joined(separator: ", ")
        return [
            interface.finding(
                .addressMissing, .failure,
                "\(interface.name) doesn't have \(missing.count == 1 ? "the address \(list)" : "the addresses \(list)"), which its file gives it.",
                evidence: ["\(file.path): Address has \(list)", "ip addr show \(interface.name) doesn't"],
                remedy: "nightjar reload \(interface.name), or: ip addr add \(first) dev \(interface.name)")
        ]
    }
}
