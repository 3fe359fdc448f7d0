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
        append(status.obfuscation, to: &output)
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
        // The stock tool takes no range for an answer, but passes over keys that it doesn't know.
        if let most = peer.persistentKeepaliveMaximum { output.line(.persistentKeepaliveMaximum, UInt64(most)) }
        append(peer.obfuscation, to: &output)
        for prefix in peer.allowedIPs {
            output.key(.allowedIP)
            output.append(prefix)
            output.append("\n")
        }
    }

    /// What was said about a disguise; with any of AmneziaWG's settings those, too, that its own program always prints.
    /// Obfuscation §1.2.
    private static func append(_ settings: ObfuscationSettings, to output: inout UAPIWriter) {
        if settings.isUnsaid { return }
        let printsDefaults = settings.amneziaWG != nil
        for setting in ObfuscationSetting.allCases {
            let value = settings[setting]
            let isAlwaysThere = setting.kind == .range32 || setting.kind == .flag
            if value != nil || printsDefaults && isAlwaysThere { output.line(setting, value) }
        }
    }

    /// At least as many bytes as the answer has: every line at its longest.
    private static func capacity(for status: DeviceStatus) -> Int {
        let allowedIPs = status.peers.reduce(0) { $0 + $1.allowedIPs.count }
        let settings = status.peers.reduce(longestText(status.obfuscation)) { $0 + longestText($1.obfuscation) }
        return 192 + 512 * status.peers.count + 64 * allowedIPs + settings
    }

    private static func longestText(_ settings: ObfuscationSettings) -> Int {
        if settings.isUnsaid { return 0 }
        let awg = settings.amneziaWG == nil ? 0 : 256
        return settings.said.reduce(awg) { $0 + 48 + $1.value.longestText }
    }
}
