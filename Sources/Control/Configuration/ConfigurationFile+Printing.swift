package import Tunnel
import Wire

extension ConfigurationFile {
    /// The configuration that a device has now. Endpoints are addresses.
    package init(_ status: DeviceStatus) {
        if let privateKey = status.privateKey, !privateKey.isZero { interface.privateKey = privateKey }
        if status.listenPort != 0 { interface.listenPort = status.listenPort }
        if status.firewallMark != 0 { interface.firewallMark = status.firewallMark }
        interface.obfuscation = ObfuscationValues(status.obfuscation)
        peers = status.peers.map { peer in
            var section = PeerSection(peer.publicKey)
            if !peer.presharedKey.isZero { section.presharedKey = peer.presharedKey }
            section.endpoint = peer.endpoint.map { EndpointName($0) }
            section.allowedIPs = peer.allowedIPs.map { .add($0) }
            if peer.persistentKeepalive != 0 {
                section.persistentKeepalive = peer.persistentKeepalive
                section.persistentKeepaliveMaximum = peer.persistentKeepaliveMaximum
            }
            section.obfuscation = ObfuscationValues(peer.obfuscation)
            return section
        }
    }

    /// The file in its usual form; for `.wg`, as `wg showconf` prints it. It holds keys: overwrite it after use.
    package func printed(_ dialect: Dialect) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(interface.longestText + peers.reduce(0) { $0 + $1.longestText })
        text += ConfigurationKey.Section.interface.rawValue.utf8
        text.append(newline)
        for key in ConfigurationKey.allCases
        where key.sections.contains(.interface) && (dialect == .quick || !key.isOnlyQuick) {
            interface.print(key, to: &text)
        }
        text.append(newline)
        for (index, peer) in peers.enumerated() {
            if index > 0 { text.append(newline) }
            text += ConfigurationKey.Section.peer.rawValue.utf8
            text.append(newline)
            for key in ConfigurationKey.allCases where key.sections.contains(.peer) { peer.print(key, to: &text) }
        }
        return text
    }
}

extension InterfaceSection {
    /// At least as many bytes as the section is printed in.
    fileprivate var longestText: Int {
        let hooks = [preUp, postUp, preDown, postDown].joined().reduce(0) { $0 + 16 + $1.utf8.count }
        return 512 + hooks + 64 * (addresses.count + dns.count) + 272 * searchDomains.count + obfuscation.longestText
    }

    fileprivate func print(_ key: ConfigurationKey, to text: inout [UInt8]) {
        switch key {
        case .address: for address in addresses { key.print("\(address)", to: &text) }
        case .dns:
            for server in dns { key.print("\(server)", to: &text) }
            for domain in searchDomains { key.print(domain, to: &text) }
        case .mtu: if let mtu { key.print("\(mtu)", to: &text) }
        case .table: if table != .auto { key.print("\(table)", to: &text) }
        case .killSwitch: if killSwitch != .off { key.print(killSwitch.rawValue, to: &text) }
        case .saveConfig: if saveConfig { key.print("true", to: &text) }
        case .preUp: for command in preUp { key.print(command, to: &text) }
        case .postUp: for command in postUp { key.print(command, to: &text) }
        case .preDown: for command in preDown { key.print(command, to: &text) }
        case .postDown: for command in postDown { key.print(command, to: &text) }
        case .listenPort: if let listenPort { key.print("\(listenPort)", to: &text) }
        case .firewallMark:
            if let firewallMark {
                key.print(firewallMark == 0 ? "off" : "0x\(String(firewallMark, radix: 16))", to: &text)
            }
        case .privateKey: if let privateKey { key.print(privateKey, to: &text) }
        case .obfuscation(let setting): key.print(obfuscation[setting], to: &text)
        case .publicKey, .presharedKey, .allowedIPs, .endpoint, .persistentKeepalive: break
        }
    }
}

extension PeerSection {
    /// At least as many bytes as the section is printed in.
    fileprivate var longestText: Int { 512 + 64 * allowedIPs.count + obfuscation.longestText }

    fileprivate func print(_ key: ConfigurationKey, to text: inout [UInt8]) {
        switch key {
        case .publicKey: key.print(publicKey.base64, to: &text)
        case .presharedKey: if let presharedKey { key.print(presharedKey, to: &text) }
        case .allowedIPs: if !allowedIPs.isEmpty { key.print(allowedIPsText, to: &text) }
        case .endpoint: if let endpoint { key.print("\(endpoint)", to: &text) }
        case .persistentKeepalive:
            if let persistentKeepalive {
                key.print(
                    persistentKeepalive == 0
                        ? "off"
                        : ObfuscationValue.text(keepalive(persistentKeepalive, persistentKeepaliveMaximum)), to: &text)
            }
        case .obfuscation(let setting): key.print(obfuscation[setting], to: &text)
        case .address, .dns, .mtu, .table, .killSwitch, .saveConfig, .preUp, .postUp, .preDown, .postDown, .listenPort,
            .firewallMark, .privateKey:
            break
        }
    }

    private var allowedIPsText: String {
        allowedIPs.map { change in
            switch change {
            case .add(let prefix): "\(changesAllowedIPs ? "+" : "")\(prefix.commonText)"
            case .remove(let prefix): "-\(prefix.commonText)"
            }
        }.joined(separator: ", ")
    }
}

extension ConfigurationKey {
    fileprivate func print(_ value: String, to text: inout [UInt8]) {
        text += "\(name) = \(value)\n".utf8
    }

    fileprivate func print(_ value: ObfuscationValue?, to text: inout [UInt8]) {
        guard let value else { return }
        text += "\(name) = ".utf8
        value.append(to: &text, .file)
        text.append(newline)
    }

    fileprivate func print(_ secret: Secret32, to text: inout [UInt8]) {
        text += "\(name) = ".utf8
        var bytes = secret.bytes
        Base64.append(bytes, to: &text)
        bytes.withUnsafeMutableBytes { $0.wipe() }
        text.append(newline)
    }
}

private let newline = UInt8(ascii: "\n")
