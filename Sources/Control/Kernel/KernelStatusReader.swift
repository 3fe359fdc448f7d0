import Glibc
import LinuxNet
import Tunnel
import Wire

/// Reads what the kernel tells of a WireGuard interface: several messages, which may part a peer. UAPI Part 2.
enum KernelStatusReader {
    /// What one message holds. Peers without a key are left out, and what has an unknown form or length counts as absent.
    static func part(_ attributes: NetlinkAttributes) -> DeviceStatus {
        var status = DeviceStatus()
        for attribute in attributes {
            switch attribute.type {
            case KernelFamily.Device.privateKey: status.privateKey = secret(attribute)
            case KernelFamily.Device.listenPort: status.listenPort = attribute.integer() ?? 0
            case KernelFamily.Device.firewallMark: status.firewallMark = attribute.number ?? 0
            case KernelFamily.Device.peers: status.peers += attribute.nested.compactMap { peer($0.nested) }
            default: break
            }
        }
        return status
    }

    /// The parts together. Only the first has the interface's own values; a peer that is repeated goes on.
    static func joined(_ parts: [DeviceStatus]) -> DeviceStatus {
        guard var status = parts.first else { return DeviceStatus() }
        for part in parts.dropFirst() {
            var peers = part.peers[...]
            if let more = peers.first, let last = status.peers.indices.last,
                status.peers[last].publicKey == more.publicKey
            {
                status.peers[last].allowedIPs += more.allowedIPs
                peers.removeFirst()
            }
            status.peers += peers
        }
        return status
    }

    private static func peer(_ attributes: NetlinkAttributes) -> PeerStatus? {
        guard let key = attributes.first(where: { $0.type == KernelFamily.Peer.publicKey }).flatMap(bytes) else {
            return nil
        }
        var peer = PeerStatus(PublicKey(key))
        for attribute in attributes {
            switch attribute.type {
            case KernelFamily.Peer.presharedKey: peer.presharedKey = secret(attribute) ?? .zero
            case KernelFamily.Peer.endpoint: peer.endpoint = attribute.endpoint
            case KernelFamily.Peer.persistentKeepalive: peer.persistentKeepalive = attribute.integer() ?? 0
            case KernelFamily.Peer.lastHandshake: peer.lastHandshake = time(attribute) ?? peer.lastHandshake
            case KernelFamily.Peer.receivedBytes: peer.receivedBytes = attribute.integer() ?? 0
            case KernelFamily.Peer.transmittedBytes: peer.transmittedBytes = attribute.integer() ?? 0
            case KernelFamily.Peer.allowedIPs: peer.allowedIPs += attribute.nested.compactMap { allowedIP($0.nested) }
            default: break
            }
        }
        return peer
    }

    private static func allowedIP(_ attributes: NetlinkAttributes) -> Prefix? {
        var address: IPAddress?
        var length: UInt8?
        for attribute in attributes {
            switch attribute.type {
            case KernelFamily.AllowedIP.address: address = attribute.address
            case KernelFamily.AllowedIP.length: length = attribute.integer()
            default: break
            }
        }
        guard let address, let length else { return nil }
        return Prefix(address, length: Int(length))
    }

    private static func bytes(_ attribute: NetlinkAttributes.Attribute) -> Bytes32? {
        guard attribute.value.count == Bytes32.count, let start = attribute.value.baseAddress else { return nil }
        return Bytes32(loading: start)
    }

    private static func secret(_ attribute: NetlinkAttributes.Attribute) -> Secret32? {
        guard attribute.value.count == Bytes32.count else { return nil }
        return Secret32 { $0.copyMemory(from: attribute.value) }
    }

    /// Seconds and nanoseconds, eight bytes each.
    private static func time(_ attribute: NetlinkAttributes.Attribute) -> WallTime? {
        guard attribute.value.count == 16 else { return nil }
        let nanoseconds = attribute.value.loadUnaligned(fromByteOffset: 8, as: Int64.self)
        guard (0..<1_000_000_000).contains(nanoseconds) else { return nil }
        return WallTime(
            seconds: attribute.value.loadUnaligned(as: Int64.self),
            nanoseconds: UInt32(truncatingIfNeeded: nanoseconds))
    }
}
