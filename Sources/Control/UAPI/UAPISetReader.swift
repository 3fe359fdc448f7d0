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
        guard let key = UAPIKey(UnsafeRawBufferPointer(rebasing: line[..<equals])) else { throw .invalid }
        let value = UnsafeRawBufferPointer(rebasing: line[(equals + 1)...])
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
        case .persistentKeepalive:
            peer.persistentKeepalive = UInt16(try valid(UAPIValue.number(value, atMost: UInt64(UInt16.max))))
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
}

private func valid<Value>(_ value: Value?) throws(UAPIFailure) -> Value {
    guard let value else { throw .invalid }
    return value
}

private func expect(_ value: UnsafeRawBufferPointer, _ text: StaticString) throws(UAPIFailure) {
    guard value.equals(text) else { throw .invalid }
}
