import Glibc

/// The keys of the configuration socket's lines, for reading and printing alike; those of disguises are
/// ``ObfuscationSetting``'s. UAPI Part 1.
enum UAPIKey: CaseIterable {
    case allowedIP
    case publicKey
    case presharedKey
    case protocolVersion
    case endpoint
    case endpointName
    case annotationName
    case annotationExpires
    case annotationQuota
    case annotationQuotaSince
    case persistentKeepalive
    case persistentKeepaliveMaximum
    case replaceAllowedIPs
    case remove
    case updateOnly
    case privateKey
    case listenPort
    case firewallMark
    case replacePeers
    case lastHandshakeSeconds
    case lastHandshakeNanoseconds
    case transmittedBytes
    case receivedBytes
    case errno

    /// The key whose name is exactly `text`.
    init?(_ text: UnsafeRawBufferPointer) {
        guard let key = Self.all.first(where: { text.equals($0.name) }) else { return nil }
        self = key
    }

    var name: StaticString {
        switch self {
        case .allowedIP: "allowed_ip"
        case .publicKey: "public_key"
        case .presharedKey: "preshared_key"
        case .protocolVersion: "protocol_version"
        case .endpoint: "endpoint"
        case .endpointName: "endpoint_name"
        case .annotationName: "annotation_name"
        case .annotationExpires: "annotation_expires"
        case .annotationQuota: "annotation_quota"
        case .annotationQuotaSince: "annotation_quota_since"
        case .persistentKeepalive: "persistent_keepalive_interval"
        case .persistentKeepaliveMaximum: "persistent_keepalive_maximum"
        case .replaceAllowedIPs: "replace_allowed_ips"
        case .remove: "remove"
        case .updateOnly: "update_only"
        case .privateKey: "private_key"
        case .listenPort: "listen_port"
        case .firewallMark: "fwmark"
        case .replacePeers: "replace_peers"
        case .lastHandshakeSeconds: "last_handshake_time_sec"
        case .lastHandshakeNanoseconds: "last_handshake_time_nsec"
        case .transmittedBytes: "tx_bytes"
        case .receivedBytes: "rx_bytes"
        case .errno: "errno"
        }
    }

    private static let all = allCases
}

extension UnsafeRawBufferPointer {
    /// Whether the bytes are those of `text`.
    func equals(_ text: StaticString) -> Bool {
        guard let baseAddress, count == text.utf8CodeUnitCount else { return false }
        return memcmp(baseAddress, text.utf8Start, count) == 0
    }
}
