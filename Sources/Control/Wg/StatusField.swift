import NoisePrimitives
package import Tunnel
package import Wire

/// What `wg show INTERFACE FIELD` prints, for scripts. Part 3, "Fields".
enum StatusField: String, CaseIterable {
    case publicKey = "public-key"
    case privateKey = "private-key"
    case listenPort = "listen-port"
    case firewallMark = "fwmark"
    case peers
    case presharedKeys = "preshared-keys"
    case endpoints
    case allowedIPs = "allowed-ips"
    case latestHandshakes = "latest-handshakes"
    case transfer
    case persistentKeepalive = "persistent-keepalive"
    case dump

    /// The lines, each with `prefix` before it. They may hold keys.
    ///
    /// - Parameter withAmneziaWG: whether `dump` has the columns of AmneziaWG's tool.
    func lines(of status: DeviceStatus, prefix: String, withAmneziaWG: Bool = false) -> [UInt8] {
        var output = FieldWriter(prefix: prefix, capacity: 512 * (status.peers.count + 1))
        switch self {
        case .publicKey: output.line { $0.publicKey(of: status) }
        case .privateKey: output.line { $0.key(status.privateKey) }
        case .listenPort: output.line { $0.text("\(status.listenPort)") }
        case .firewallMark: output.line { $0.firewallMark(status.firewallMark) }
        case .dump:
            output.line { line in
                line.key(status.privateKey)
                line.publicKey(of: status)
                line.text("\(status.listenPort)")
                if withAmneziaWG { line.amneziaWG(of: status) }
                line.firewallMark(status.firewallMark)
            }
            for peer in status.peers { output.line { add(peer, to: &$0) } }
        default:
            for peer in status.peers { output.line { add(peer, to: &$0) } }
        }
        return output.bytes
    }

    private func add(_ peer: PeerStatus, to line: inout FieldWriter) {
        line.text(peer.publicKey.base64)
        switch self {
        case .presharedKeys: line.key(peer.presharedKey)
        case .endpoints: line.text(peer.endpoint?.commonText ?? "(none)")
        case .allowedIPs: line.list(peer.allowedIPs, separator: " ")
        case .latestHandshakes: line.text("\(peer.lastHandshake.seconds)")
        case .transfer: line.transfer(peer)
        case .persistentKeepalive: line.keepalive(peer.persistentKeepalive, peer.persistentKeepaliveMaximum)
        case .dump:
            line.key(peer.presharedKey)
            line.text(peer.endpoint?.commonText ?? "(none)")
            line.list(peer.allowedIPs, separator: ",")
            line.text("\(peer.lastHandshake.seconds)")
            line.transfer(peer)
            // A number for scripts that split these columns; the range is another field.
            line.keepalive(peer.persistentKeepalive, nil)
        case .peers, .publicKey, .privateKey, .listenPort, .firewallMark: break
        }
    }
}

/// Lines of values with tabs between them.
private struct FieldWriter {
    private(set) var bytes: [UInt8] = []
    private let prefix: String
    private var isAtStart = true

    init(prefix: String, capacity: Int) {
        self.prefix = prefix
        bytes.reserveCapacity(capacity)
    }

    mutating func line(_ body: (inout FieldWriter) -> Void) {
        bytes += prefix.utf8
        isAtStart = true
        body(&self)
        bytes.append(UInt8(ascii: "\n"))
    }

    mutating func text(_ value: String) {
        separate()
        bytes += value.utf8
    }

    mutating func key(_ value: Secret32?) {
        guard let value, !value.isZero else { return text("(none)") }
        separate()
        bytes.append(value)
    }

    mutating func publicKey(of status: DeviceStatus) {
        text(status.publicKey?.base64 ?? "(none)")
    }

    mutating func firewallMark(_ mark: UInt32) {
        text(mark == 0 ? "off" : "0x\(String(mark, radix: 16))")
    }

    mutating func keepalive(_ seconds: UInt16, _ most: UInt16?) {
        text(seconds == 0 ? "off" : ObfuscationValue.text(Control.keepalive(seconds, most)))
    }

    /// A column for each of the settings that AmneziaWG's tool prints, in its order, which is the table's.
    mutating func amneziaWG(of status: DeviceStatus) {
        let settings = ObfuscationSetting.allCases.filter { $0.isAmneziaWGs && $0.kind != .flag }
        let texts = settings.reduce(0) { $0 + 64 + (status.obfuscation[$1]?.longestText ?? 0) }
        bytes.reserveCapacity(bytes.count + texts + 512 * (status.peers.count + 1))
        for setting in settings {
            separate()
            if status.obfuscation[setting] == nil, setting.kind == .text || setting.kind == .range16 {
                bytes += "(null)".utf8
            } else {
                WgCommand.append(setting, of: status, to: &bytes)
            }
        }
    }

    mutating func transfer(_ peer: PeerStatus) {
        text("\(peer.receivedBytes)")
        text("\(peer.transmittedBytes)")
    }

    mutating func list(_ prefixes: [Prefix], separator: String) {
        text(prefixes.isEmpty ? "(none)" : prefixes.map(\.commonText).joined(separator: separator))
    }

    private mutating func separate() {
        if !isAtStart { bytes.append(UInt8(ascii: "\t")) }
        isAtStart = false
    }
}

extension DeviceStatus {
    /// The key that peers know this device by; nil without a private key.
    package var publicKey: PublicKey? {
        guard let privateKey, !privateKey.isZero else { return nil }
        return X25519.publicKey(of: privateKey)
    }
}
