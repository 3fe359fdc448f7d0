package import Tunnel
package import Wire

/// The answers of the configuration socket, as bytes. UAPI Part 1.
///
/// The answer to a `get` holds keys. It is written into a buffer that is large enough from the start, so that no copy
/// of them is left behind by growing; whoever sends it overwrites it afterwards.
package enum UAPIResponse {
    /// The answer to a `get`. `interfaceName` names the scope of a link-local endpoint.
    package static func status(_ status: DeviceStatus, interfaceName: (UInt32) -> String?) -> [UInt8] {
        var output = UAPIWriter(capacity: capacity(for: status))
        if let privateKey = status.privateKey, !privateKey.isZero {
            output.line(.privateKey, secret: privateKey)
        }
        if status.listenPort != 0 { output.line(.listenPort, UInt64(status.listenPort)) }
        if status.firewallMark != 0 { output.line(.firewallMark, UInt64(status.firewallMark)) }
        for peer in status.peers {
            append(peer, to: &output, interfaceName: interfaceName)
        }
        output.end(errno: 0)
        return output.bytes
    }

    /// The answer to `drops`: a line `reason=count` for each of `counts`, in their order.
    package static func drops(_ counts: [(reason: String, count: UInt64)]) -> [UInt8] {
        var output = UAPIWriter(capacity: 48 * (counts.count + 1))
        for (reason, count) in counts {
            output.append(reason)
            output.append("=")
            output.append(count)
            output.append("\n")
        }
        output.end(errno: 0)
        return output.bytes
    }

    /// The answer to `endpoint_names`: a peer's key and the name that its endpoint was given by, for each that has one.
    package static func endpointNames(_ names: [(peer: PublicKey, name: String)]) -> [UInt8] {
        var output = UAPIWriter(capacity: 16 + 192 * names.count)
        for (peer, name) in names {
            output.line(.publicKey, key: peer.bytes)
            output.key(.endpointName)
            output.append(name)
            output.append("\n")
        }
        output.end(errno: 0)
        return output.bytes
    }

    /// The answer to a `set`, or to anything that failed. `errno` is 0 or positive and is printed negated.
    package static func result(errno: Int32) -> [UInt8] {
        var output = UAPIWriter(capacity: 16)
        output.end(errno: errno)
        return output.bytes
    }

    private static func append(
        _ peer: PeerStatus, to output: inout UAPIWriter, interfaceName: (UInt32) -> String?
    ) {
        output.line(.publicKey, key: peer.publicKey.bytes)
        output.line(.presharedKey, secret: peer.presharedKey)
        output.line(.protocolVersion, 1)
        if let endpoint = peer.endpoint {
            output.key(.endpoint)
            output.append(endpoint, interfaceName: interfaceName)
            output.append("\n")
        }
        // Clients read no sign; a clock before 1970 is no time that they could show.
        output.line(.lastHandshakeSeconds, UInt64(max(0, peer.lastHandshake.seconds)))
        output.line(.lastHandshakeNanoseconds, UInt64(peer.lastHandshake.nanoseconds))
        output.line(.transmittedBytes, peer.transmittedBytes)
        output.line(.receivedBytes, peer.receivedBytes)
        output.line(.persistentKeepalive, UInt64(peer.persistentKeepalive))
        for prefix in peer.allowedIPs {
            output.key(.allowedIP)
            output.append(prefix)
            output.append("\n")
        }
    }

    /// At least as many bytes as the answer has: every line at its longest.
    private static func capacity(for status: DeviceStatus) -> Int {
        let allowedIPs = status.peers.reduce(0) { $0 + $1.allowedIPs.count }
        return 192 + 448 * status.peers.count + 64 * allowedIPs
    }
}
