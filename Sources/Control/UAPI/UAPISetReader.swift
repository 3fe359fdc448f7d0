import Tunnel
import Wire

/// Reads the lines of one `set` into a change. UAPI Part 1, "set".
///
/// Nothing takes effect before the last line is read, so a failed `set` changes nothing.
struct UAPISetReader {
    private var change = DeviceChange()
    private var allowedIPCount = 0

    /// The change that the lines so far ask for. The reader is empty afterwards.
    mutating func takeChange() -> DeviceChange {
        defer { self = UAPISetReader() }
        return change
    }

    /// Takes the next line, without its end.
    mutating func read(
        _ line: UnsafeRawBufferPointer, limits: UAPILimits, scopes: UAPIScopes
    ) throws(UAPIFailure) {
        guard let equals = line.firstIndex(of: UInt8(ascii: "=")) else { throw .malformed }
        let name = UnsafeRawBufferPointer(rebasing: line[..<equals])
        let value = UnsafeRawBufferPointer(rebasing: line[(equals + 1)...])
        guard let key = UAPIKey(name) else {
            try readSetting(ObfuscationSetting(socketName: name), value)
            return
        }
        if key == .publicKey {
            guard change.peers.count < limits.peers else { throw .tooMany }
            change.peers.append(PeerChange(try valid(UAPIValue.publicKey(value))))
        } else if change.peers.isEmpty {
            try readDeviceLine(key, value)
        } else {
            if key == .allowedIP {
                guard allowedIPCount < limits.allowedIPs else { throw .tooMany }
                allowedIPCount += 1
            }
            try Self.readPeerLine(key, value, scopes: scopes, peer: &change.peers[change.peers.count - 1])
        }
    }

    /// A setting of the device's disguise, or of the last peer's.
    private mutating func readSetting(
        _ setting: ObfuscationSetting?, _ value: UnsafeRawBufferPointer
    ) throws(UAPIFailure) {
        guard let setting, change.peers.isEmpty || setting.isForPeers else { throw .invalid }
        let entry = (setting, try UAPIValue.obfuscation(value, of: setting))
        if change.peers.isEmpty {
            change.obfuscation = change.obfuscation ?? ObfuscationChange()
            change.obfuscation?.values.append(entry)
        } else {
            let last = change.peers.count - 1
            change.peers[last].obfuscation = change.peers[last].obfuscation ?? ObfuscationChange()
            change.peers[last].obfuscation?.values.append(entry)
        }
    }

    private mutating func readDeviceLine(_ key: UAPIKey, _ value: UnsafeRawBufferPointer) throws(UAPIFailure) {
        switch key {
        case .privateKey:
            change.privateKey = try valid(UAPIValue.secret(value))
        case .listenPort:
            change.listenPort = UInt16(try valid(UAPIValue.number(value, atMost: UInt64(UInt16.max))))
        case .firewallMark:
            change.firewallMark = UInt32(try valid(UAPIValue.number(value, atMost: UInt64(UInt32.max))))
        case .replacePeers:
            try expect(value, "true")
            change.replacesPeers = true
        default:
            throw .invalid
        }
    }

    private static func readPeerLine(
        _ key: UAPIKey, _ value: UnsafeRawBufferPointer, scopes: UAPIScopes, peer: inout PeerChange
    ) throws(UAPIFailure) {
        switch key {
        case .remove:
            try expect(value, "true")
            peer.removes = true
        case .updateOnly:
            try expect(value, "true")
            peer.updatesOnly = true
        case .presharedKey:
            peer.presharedKey = try valid(UAPIValue.secret(value))
        case .endpoint:
            peer.endpoint = try valid(UAPIValue.endpoint(value, scopes: scopes))
        case .endpointName:
            peer.endpointName = try valid(UAPIValue.endpointName(value))
        case .annotationName, .annotationExpires, .annotationQuota, .annotationQuotaSince:
            var annotation = peer.annotation ?? PeerAnnotation()
            try readAnnotation(key, value, &annotation)
            peer.annotation = annotation
        case .persistentKeepalive:
            let (least, most) = try valid(UAPIValue.keepalive(value))
            peer.persistentKeepalive = least
            peer.persistentKeepaliveMaximum = most
        case .persistentKeepaliveMaximum:
            // It goes with the line before it, as the answer to a `get` has them.
            let most = UInt16(try valid(UAPIValue.number(value, atMost: UInt64(UInt16.max))))
            guard let least = peer.persistentKeepalive, least != 0, most >= least else { throw .invalid }
            peer.persistentKeepaliveMaximum = most == least ? nil : most
        case .replaceAllowedIPs:
            try expect(value, "true")
            peer.replacesAllowedIPs = true
            // What came before it in the same section would be replaced as well.
            peer.allowedIPs.removeAll()
        case .allowedIP:
            peer.allowedIPs.append(try valid(UAPIValue.allowedIP(value)))
        case .protocolVersion:
            try expect(value, "1")
        default:
            throw .invalid
        }
    }

    /// One of the lines that together say what there is beyond the protocol: what they don't name isn't so any more.
    private static func readAnnotation(
        _ key: UAPIKey, _ value: UnsafeRawBufferPointer, _ annotation: inout PeerAnnotation
    ) throws(UAPIFailure) {
        switch key {
        case .annotationName: annotation.name = try valid(UAPIValue.annotationName(value))
        case .annotationExpires: annotation.expires = try valid(UAPIValue.time(value))
        case .annotationQuota: annotation.quota = try valid(UAPIValue.counter(value))
        default: annotation.quotaSince = try valid(UAPIValue.time(value))
        }
    }
}

private func valid<Value>(_ value: Value?) throws(UAPIFailure) -> Value {
    guard let value else { throw .invalid }
    return value
}

private func expect(_ value: UnsafeRawBufferPointer, _ text: StaticString) throws(UAPIFailure) {
    guard value.equals(text) else { throw .invalid }
}
