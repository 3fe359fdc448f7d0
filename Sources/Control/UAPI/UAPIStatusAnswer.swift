import Glibc
package import Tunnel
import Wire

/// The answer to a `get`, whoever gives it. UAPI Part 1, "get".
package struct UAPIStatusAnswer: UAPIAnswer {
    private let limits: UAPILimits
    private let scopes: UAPIScopes
    private var device = DeviceStatus()
    private var allowedIPCount = 0

    package init(scopes: UAPIScopes, limits: UAPILimits) {
        self.scopes = scopes
        self.limits = limits
    }

    package mutating func content() -> DeviceStatus {
        for place in device.peers.indices {
            device.peers[place].dialect = device.peers[place].obfuscation.dialectName(in: device.obfuscation)
        }
        return device
    }

    package mutating func read(
        _ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer
    ) throws(UAPIFailure) {
        guard let key = UAPIKey(name) else {
            // What else other implementations add is theirs.
            if let setting = ObfuscationSetting(socketName: name) { read(setting, value) }
            return
        }
        switch key {
        case .publicKey:
            guard device.peers.count < limits.peers else { throw .tooMany }
            device.peers.append(PeerStatus(try wellFormed(UAPIValue.publicKey(value))))
        case .privateKey: device.privateKey = try wellFormed(UAPIValue.secret(value))
        case .listenPort:
            device.listenPort = UInt16(try wellFormed(UAPIValue.number(value, atMost: UInt64(UInt16.max))))
        case .firewallMark:
            device.firewallMark = UInt32(try wellFormed(UAPIValue.number(value, atMost: UInt64(UInt32.max))))
        default:
            guard !device.peers.isEmpty else { throw .malformed }
            if key == .allowedIP {
                guard allowedIPCount < limits.allowedIPs else { throw .tooMany }
                allowedIPCount += 1
            }
            try Self.read(key, value, scopes, &device.peers[device.peers.count - 1])
        }
    }

    /// A setting of the device's disguise, or of the last peer's.
    private mutating func read(_ setting: ObfuscationSetting, _ value: UnsafeRawBufferPointer) {
        guard let said = try? UAPIValue.obfuscation(value, of: setting) else { return }
        if device.peers.isEmpty {
            device.obfuscation[setting] = said
        } else if setting.isForPeers {
            device.peers[device.peers.count - 1].obfuscation[setting] = said
        }
    }

    private static func read(
        _ key: UAPIKey, _ value: UnsafeRawBufferPointer, _ scopes: UAPIScopes, _ peer: inout PeerStatus
    ) throws(UAPIFailure) {
        switch key {
        case .presharedKey: peer.presharedKey = try wellFormed(UAPIValue.secret(value))
        case .endpoint: peer.endpoint = try wellFormed(UAPIValue.shownEndpoint(value, scopes: scopes))
        case .lastHandshakeSeconds:
            peer.lastHandshake.seconds = Int64(clamping: try wellFormed(UAPIValue.counter(value)))
        case .lastHandshakeNanoseconds:
            peer.lastHandshake.nanoseconds = UInt32(try wellFormed(UAPIValue.number(value, atMost: 999_999_999)))
        case .transmittedBytes: peer.transmittedBytes = try wellFormed(UAPIValue.counter(value))
        case .receivedBytes: peer.receivedBytes = try wellFormed(UAPIValue.counter(value))
        case .persistentKeepalive:
            (peer.persistentKeepalive, peer.persistentKeepaliveMaximum) = try wellFormed(UAPIValue.keepalive(value))
        case .persistentKeepaliveMaximum:
            let most = UInt16(try wellFormed(UAPIValue.number(value, atMost: UInt64(UInt16.max))))
            peer.persistentKeepaliveMaximum = most > peer.persistentKeepalive ? most : nil
        case .allowedIP:
            guard case .add(let prefix) = try wellFormed(UAPIValue.allowedIP(value)) else { throw .malformed }
            peer.allowedIPs.append(prefix)
        default: break
        }
    }
}
