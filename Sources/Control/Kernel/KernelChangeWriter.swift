import Glibc
import LinuxNet
import Tunnel
import Wire

/// Writes a change of a WireGuard interface for the kernel, in as many messages as it takes. UAPI Part 2.
struct KernelChangeWriter {
    /// Bytes of the largest message; also those that a request for one must reserve.
    static let messageLimit = 8192

    /// Bytes that a peer takes at most without its allowed IPs, and that an allowed IP takes at most.
    private static let peerRoom = 160
    private static let allowedIPRoom = 48

    /// Whether all has been written.
    private(set) var isFinished = false
    private let change: DeviceChange
    private let interface: String
    private var isFirst = true
    /// The peer to go on with.
    private var peerIndex = 0
    /// How many of its allowed IPs have been written; nil when nothing of it has.
    private var allowedIPsWritten: Int?

    init(_ change: DeviceChange, interface: String) {
        self.change = change
        self.interface = interface
    }

    /// Adds to an empty request as much as fits.
    mutating func write(to request: inout NetlinkRequest) {
        request.add(KernelFamily.Device.name, text: interface)
        if isFirst { writeDevice(to: &request) }
        isFirst = false
        if peerIndex < change.peers.count {
            let peers = request.beginNest(KernelFamily.Device.peers)
            while peerIndex < change.peers.count, fits(Self.peerRoom, in: request) {
                guard writePeer(change.peers[peerIndex], to: &request) else { break }
                peerIndex += 1
                allowedIPsWritten = nil
            }
            request.endNest(peers)
        }
        isFinished = peerIndex == change.peers.count
    }

    private func writeDevice(to request: inout NetlinkRequest) {
        if let key = change.privateKey { request.add(KernelFamily.Device.privateKey, key) }
        if let port = change.listenPort { request.add(KernelFamily.Device.listenPort, port) }
        if let mark = change.firewallMark { request.add(KernelFamily.Device.firewallMark, mark) }
        if change.replacesPeers { request.add(KernelFamily.Device.flags, KernelFamily.Device.replacesPeers) }
    }

    /// Whether the peer is complete.
    private mutating func writePeer(_ peer: PeerChange, to request: inout NetlinkRequest) -> Bool {
        let nest = request.beginNest(0)
        defer { request.endNest(nest) }
        peer.publicKey.bytes.withUnsafeBytes { request.add(KernelFamily.Peer.publicKey, bytes: $0) }
        let isContinued = allowedIPsWritten != nil
        var flags: UInt32 = 0
        if peer.removes { flags |= KernelFamily.Peer.removes }
        // A peer that the first part didn't create isn't to be created by the next.
        if peer.updatesOnly { flags |= KernelFamily.Peer.updatesOnly }
        if peer.replacesAllowedIPs, !isContinued { flags |= KernelFamily.Peer.replacesAllowedIPs }
        if flags != 0 { request.add(KernelFamily.Peer.flags, flags) }
        guard !peer.removes else { return true }
        if !isContinued {
            if let key = peer.presharedKey { request.add(KernelFamily.Peer.presharedKey, key) }
            if let endpoint = peer.endpoint { request.add(KernelFamily.Peer.endpoint, endpoint) }
            if let interval = peer.persistentKeepalive { request.add(KernelFamily.Peer.persistentKeepalive, interval) }
        }
        guard !peer.allowedIPs.isEmpty else { return true }
        var written = allowedIPsWritten ?? 0
        let list = request.beginNest(KernelFamily.Peer.allowedIPs)
        while written < peer.allowedIPs.count, fits(Self.allowedIPRoom, in: request) {
            write(peer.allowedIPs[written], to: &request)
            written += 1
        }
        request.endNest(list)
        allowedIPsWritten = written
        return written == peer.allowedIPs.count
    }

    private func write(_ allowedIP: AllowedIPChange, to request: inout NetlinkRequest) {
        let (prefix, isRemoved) =
            switch allowedIP {
            case .add(let prefix): (prefix, false)
            case .remove(let prefix): (prefix, true)
            }
        request.nest(0) { request in
            let family = prefix.address.isIPv6 ? AF_INET6 : AF_INET
            request.add(KernelFamily.AllowedIP.family, UInt16(truncatingIfNeeded: family))
            request.add(KernelFamily.AllowedIP.address, prefix.address)
            request.add(KernelFamily.AllowedIP.length, UInt8(clamping: prefix.length))
            if isRemoved { request.add(KernelFamily.AllowedIP.flags, KernelFamily.AllowedIP.removes) }
        }
    }

    private func fits(_ count: Int, in request: NetlinkRequest) -> Bool {
        request.bytes.count + count <= Self.messageLimit
    }
}

extension NetlinkRequest {
    fileprivate mutating func add(_ type: Int, _ secret: Secret32) {
        secret.withUnsafeBytes { add(type, bytes: $0) }
    }
}
