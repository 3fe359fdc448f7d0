package import Tunnel
import Wire

/// A `set` as bytes, in the order of lines that `wg` uses and every implementation takes. UAPI Part 1, "set".
package enum UAPISetWriter {
    /// The result holds keys: overwrite it after use. It is written into a buffer that is large enough from the start.
    /// `interfaceName` names the scope of a link-local endpoint.
    package static func bytes(_ change: DeviceChange, interfaceName: (UInt32) -> String?) -> [UInt8] {
        let allowedIPs = change.peers.reduce(0) { $0 + $1.allowedIPs.count }
        var output = UAPIWriter(capacity: 256 + 384 * change.peers.count + 64 * allowedIPs)
        output.append("set=1\n")
        if let privateKey = change.privateKey { output.line(.privateKey, secret: privateKey) }
        if let port = change.listenPort { output.line(.listenPort, UInt64(port)) }
        if let mark = change.firewallMark { output.line(.firewallMark, UInt64(mark)) }
        if change.replacesPeers { output.flag(.replacePeers) }
        for peer in change.peers { append(peer, to: &output, interfaceName) }
        output.append("\n")
        return output.bytes
    }

    private static func append(
        _ peer: PeerChange, to output: inout UAPIWriter, _ interfaceName: (UInt32) -> String?
    ) {
        output.line(.publicKey, key: peer.publicKey.bytes)
        if peer.removes {
            output.flag(.remove)
            return
        }
        if peer.updatesOnly { output.flag(.updateOnly) }
        if let presharedKey = peer.presharedKey { output.line(.presharedKey, secret: presharedKey) }
        if let endpoint = peer.endpoint {
            output.key(.endpoint)
            output.append(endpoint, interfaceName: interfaceName)
            output.append("\n")
        }
        if let seconds = peer.persistentKeepalive { output.line(.persistentKeepalive, UInt64(seconds)) }
        if peer.replacesAllowedIPs { output.flag(.replaceAllowedIPs) }
        for change in peer.allowedIPs {
            output.key(.allowedIP)
            switch change {
            case .add(let prefix): output.append(prefix)
            case .remove(let prefix):
                output.append("-")
                output.append(prefix)
            }
            output.append("\n")
        }
    }
}
