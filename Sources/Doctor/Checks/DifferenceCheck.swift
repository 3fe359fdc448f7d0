import Control
import NoisePrimitives
import Tunnel
import Wire

/// Where an interface that is up isn't what its file says.
struct DifferenceCheck: Check {
    func findings(_ interface: InterfaceFacts, _ facts: Facts) -> [Finding] {
        guard let status = interface.status, let file = interface.file, let wanted = interface.configuration else {
            return []
        }
        let reload = "nightjar reload \(interface.name) makes it as the file says, without dropping anybody."
        var findings: [Finding] = []
        let own = differences(wanted.interface, status)
        if !own.isEmpty {
            findings.append(
                interface.finding(
                    .differsFromFile, .failure, "\(interface.name) isn't what its file says.", evidence: own,
                    remedy: reload))
        }
        let sections = Dictionary(wanted.peers.map { ($0.publicKey, $0) }) { $1 }
        for key in wanted.peers.map(\.publicKey) where sections.count == wanted.peers.count {
            guard let section = sections[key] else { continue }
            if let peer = interface.peerStatus(key) {
                let evidence = differences(section, peer)
                guard !evidence.isEmpty else { continue }
                findings.append(
                    interface.finding(
                        .differsFromFile, .failure, peer: key, "The peer isn't what the file says.",
                        evidence: (interface.place(key).map { ["\($0): [Peer]"] } ?? []) + evidence, remedy: reload))
            } else {
                findings.append(
                    interface.finding(
                        .differsFromFile, .failure, peer: key,
                        "The peer is in the file, but \(interface.name) doesn't know it.",
                        evidence: [
                            interface.place(key).map { "\($0): [Peer]" } ?? file.path,
                            "nightjar show \(interface.name) peers doesn't have it",
                        ],
                        remedy: reload))
            }
        }
        guard !wanted.interface.saveConfig else { return findings }
        for peer in status.peers where sections[peer.publicKey] == nil {
            findings.append(
                interface.finding(
                    .differsFromFile, .warning, peer: peer.publicKey,
                    "\(interface.name) has this peer, but the file hasn't, so it is gone after the next 'down'.",
                    evidence: ["\(file.path) has no peer \(peer.publicKey.base64)"],
                    remedy:
                        "nightjar save \(interface.name) writes it into the file; nightjar reload \(interface.name) removes it."
                ))
        }
        return findings
    }

    private func differences(_ wanted: InterfaceSection, _ status: DeviceStatus) -> [String] {
        var lines: [String] = []
        // Of a private key not every bit counts, and an interface may leave those out, so the public keys are compared.
        if let key = wanted.privateKey, !key.isZero,
            status.privateKey.map({ X25519.publicKey(of: $0) }) != X25519.publicKey(of: key)
        {
            lines.append("the private key is another one than the file's")
        }
        if let port = wanted.listenPort, port != 0, port != status.listenPort {
            lines.append("ListenPort in use is \(status.listenPort); the file says \(port)")
        }
        if let mark = wanted.firewallMark, mark != status.firewallMark, mark != 0 {
            lines.append("FwMark in use is \(status.firewallMark); the file says \(mark)")
        }
        return lines + differences(wanted.obfuscation, status.obfuscation)
    }

    /// Settings of obfuscation by their names, as some of the values are secret.
    private func differences(_ wanted: ObfuscationValues, _ status: ObfuscationSettings) -> [String] {
        (status.difference(to: wanted.settings)?.values ?? []).map { setting, value in
            value == nil
                ? "it has a setting \(setting.name); the file has none"
                : "\(setting.name) is another one than the file's"
        }
    }

    private func differences(_ wanted: PeerSection, _ status: PeerStatus) -> [String] {
        var lines: [String] = []
        if !(wanted.presharedKey ?? .zero).equals(status.presharedKey) {
            lines.append(
                wanted.presharedKey == nil || wanted.presharedKey?.isZero == true
                    ? "it has a preshared key; the file has none"
                    : status.presharedKey.isZero
                        ? "it has no preshared key; the file has one"
                        : "its preshared key is another one than the file's")
        }
        let (file, interface) = (Set(wanted.prefixes), Set(status.allowedIPs))
        if file != interface, !wanted.changesAllowedIPs {
            lines.append("AllowedIPs in use are \(list(status.allowedIPs)); the file says \(list(wanted.prefixes))")
        }
        if let name = wanted.endpoint, status.endpoint == nil {
            lines.append("it has no endpoint; the file says \(name.description.printableLine)")
        }
        let keepalive = wanted.persistentKeepalive ?? 0
        if keepalive != status.persistentKeepalive {
            lines.append("PersistentKeepalive in use is \(status.persistentKeepalive); the file says \(keepalive)")
        }
        return lines + differences(wanted.obfuscation, status.obfuscation)
    }

    private func list(_ prefixes: [Prefix]) -> String {
        guard !prefixes.isEmpty else { return "none" }
        let more = prefixes.count > 6 ? " and \(prefixes.count - 6) more" : ""
        return prefixes.prefix(6).map(\.shortText).joined(separator: ", ") + more
    }
}
