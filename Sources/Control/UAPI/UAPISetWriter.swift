package import Tunnel
import Wire

/// A `set` as bytes, in the order of lines that `wg` uses and every implementation takes. UAPI Part 1, "set".
///
/// It has no line that forgets a disguise as a whole: ``UserspaceDevice`` says what is to be forgotten one by one.
package enum UAPISetWriter {
    /// The result holds keys: overwrite it after use. It is written into a buffer that is large enough from the start.
    /// `interfaceName` names the scope of a link-local endpoint.
    package static func bytes(_ change: DeviceChange, interfaceName: (UInt32) -> String?) -> [UInt8] {
        let allowedIPs = change.peers.reduce(0) { $0 + $1.allowedIPs.count }
        let settings = change.peers.reduce(change.obfuscation?.longestText ?? 0) {
            $0 + ($1.obfuscation?.longestText ?? 0)
        }
        var output = UAPIWriter(capacity: 256 + 384 * change.peers.count + 64 * allowedIPs + settings)
        output.append("set=1\n")
        if let privateKey = change.privateKey { output.line(.privateKey, secret: privateKey) }
        if let port = change.listenPort { output.line(.listenPort, UInt64(port)) }
        if let mark = change.firewallMark { output.line(.firewallMark, UInt64(mark)) }
        append(change.obfuscation, to: &output)
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
        if let seconds = peer.persistentKeepalive {
            output.key(.persistentKeepalive)
            output.append(ObfuscationValue.text(keepalive(seconds, peer.persistentKeepaliveMaximum)))
            output.append("\n")
        }
        append(peer.obfuscation, to: &output)
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

    private static func append(_ change: ObfuscationChange?, to output: inout UAPIWriter) {
        for (setting, value) in change?.values ?? [] { output.line(setting, value) }
    }
}

extension ObfuscationChange {
    /// At least as many bytes as its lines have.
    fileprivate var longestText: Int {
        values.reduce(0) { $0 + 96 + ($1.value?.longestText ?? 0) }
    }
}
