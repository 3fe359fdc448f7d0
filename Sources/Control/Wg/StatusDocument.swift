import FoundationEssentials
import Tunnel
import Wire

/// What `nightjar show --json` prints. docs/show-json.md describes it; a change that a reader could trip over needs a new
/// version.
struct StatusDocument: Encodable {
    let version = 1
    let interfaces: [Interface]

    struct Interface: Encodable {
        let name: String
        let publicKey: String?
        let hasPrivateKey: Bool
        let privateKey: String?
        let listenPort: UInt16?
        let firewallMark: UInt32?
        let obfuscation: String?
        let amneziaWG: [String: String]?
        let peers: [Peer]
    }

    struct Peer: Encodable {
        let publicKey: String
        let hasPresharedKey: Bool
        let presharedKey: String?
        let endpoint: String?
        let allowedIPs: [String]
        let latestHandshake: Int64?
        let receivedBytes: UInt64
        let sentBytes: UInt64
        let persistentKeepalive: UInt16?
        let persistentKeepaliveMaximum: UInt16?
        let obfuscation: String?
    }

    /// - Parameter showsKeys: whether private and preshared keys are in it.
    init(_ statuses: [(name: String, status: DeviceStatus)], showsKeys: Bool) {
        interfaces = statuses.map { Interface($0.name, $0.status, showsKeys: showsKeys) }
    }

    /// UTF-8 text that ends with a line end.
    func encoded() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(self)) + [UInt8(ascii: "\n")]
    }
}

extension StatusDocument.Interface {
    fileprivate init(_ name: String, _ status: DeviceStatus, showsKeys: Bool) {
        let key = status.privateKey.flatMap { $0.isZero ? nil : $0 }
        self.name = name
        publicKey = status.publicKey?.base64
        hasPrivateKey = key != nil
        privateKey = showsKeys ? key.map { Base64.encode($0.bytes) } : nil
        listenPort = status.listenPort == 0 ? nil : status.listenPort
        firewallMark = status.firewallMark == 0 ? nil : status.firewallMark
        obfuscation = status.obfuscation.dialect.map(\.rawValue)
        amneziaWG = Self.amneziaWG(status.obfuscation, showsKeys: showsKeys)
        peers = status.peers.map { StatusDocument.Peer($0, showsKeys: showsKeys) }
    }

    /// AmneziaWG's settings by their names in files, nil when there are none.
    private static func amneziaWG(_ settings: ObfuscationSettings, showsKeys: Bool) -> [String: String]? {
        let said = settings.said.filter { $0.setting.isAmneziaWGs }
        guard !said.isEmpty else { return nil }
        return said.reduce(into: [:]) { result, entry in
            if entry.setting.kind == .secret, !showsKeys { return result[entry.setting.name] = "(hidden)" }
            var text: [UInt8] = []
            entry.value.append(to: &text, .file)
            result[entry.setting.name] = String(decoding: text, as: UTF8.self)
        }
    }
}

extension StatusDocument.Peer {
    fileprivate init(_ peer: PeerStatus, showsKeys: Bool) {
        publicKey = peer.publicKey.base64
        hasPresharedKey = !peer.presharedKey.isZero
        presharedKey = showsKeys && hasPresharedKey ? Base64.encode(peer.presharedKey.bytes) : nil
        endpoint = peer.endpoint?.commonText
        allowedIPs = peer.allowedIPs.map(\.commonText)
        latestHandshake = peer.lastHandshake.seconds == 0 ? nil : peer.lastHandshake.seconds
        receivedBytes = peer.receivedBytes
        sentBytes = peer.transmittedBytes
        persistentKeepalive = peer.persistentKeepalive == 0 ? nil : peer.persistentKeepalive
        persistentKeepaliveMaximum = peer.persistentKeepaliveMaximum
        obfuscation = peer.dialect == .plain ? nil : peer.dialect.rawValue
    }
}
