import Glibc
package import Tunnel
import Wire

/// Reads the answer to a `get`, whoever gives it. UAPI Part 1, "get".
///
/// It does no I/O: bytes go in as they arrive, in pieces of any size.
package struct UAPIStatusReader: ~Copyable {
    private let limits: UAPILimits
    private let scopes: UAPIScopes
    private var lines: UAPILineBuffer
    private var device = DeviceStatus()
    private var allowedIPCount = 0
    private var errno: Int32?

    package init(scopes: UAPIScopes, limits: UAPILimits = UAPILimits()) {
        self.scopes = scopes
        self.limits = limits
        lines = UAPILineBuffer(limit: limits.lineLength)
    }

    /// Takes more of the answer. Returns the status when that is complete, which it is once; nil when there is more to
    /// come.
    ///
    /// - Throws: ``UAPIFailure``: `EPROTO` when this isn't such an answer, `E2BIG` when it is longer than the limits, or
    ///   the errno that it tells.
    package mutating func read(_ input: UnsafeRawBufferPointer) throws(UAPIFailure) -> DeviceStatus? {
        var rest = input
        while !rest.isEmpty {
            switch lines.take(&rest) {
            case .unfinished: return nil
            case .tooLong: throw .malformed
            case .finished(let line):
                let result = Result { () throws(UAPIFailure) in try read(line: line) }
                lines.release()
                if let status = try result.get() { return status }
            }
        }
        return nil
    }

    private mutating func read(line: UnsafeRawBufferPointer) throws(UAPIFailure) -> DeviceStatus? {
        if line.isEmpty {
            guard let errno else { throw .malformed }
            guard errno == 0 else { throw UAPIFailure(errno: errno) }
            for place in device.peers.indices {
                device.peers[place].dialect = device.peers[place].obfuscation.dialectName(in: device.obfuscation)
            }
            return device
        }
        guard errno == nil, let equals = line.firstIndex(ofByte: UInt8(ascii: "=")) else { throw .malformed }
        let name = UnsafeRawBufferPointer(rebasing: line[..<equals])
        let value = UnsafeRawBufferPointer(rebasing: line[(equals + 1)...])
        guard let key = UAPIKey(name) else {
            // What else other implementations add is theirs.
            if let setting = ObfuscationSetting(socketName: name) { read(setting, value) }
            return nil
        }
        switch key {
        case .errno: errno = try Self.errno(value)
        case .publicKey:
            guard device.peers.count < limits.peers else { throw .tooMany }
            device.peers.append(PeerStatus(try valid(UAPIValue.publicKey(value))))
        case .privateKey: device.privateKey = try valid(UAPIValue.secret(value))
        case .listenPort: device.listenPort = UInt16(try valid(UAPIValue.number(value, atMost: UInt64(UInt16.max))))
        case .firewallMark:
            device.firewallMark = UInt32(try valid(UAPIValue.number(value, atMost: UInt64(UInt32.max))))
        default:
            guard !device.peers.isEmpty else { throw .malformed }
            if key == .allowedIP {
                guard allowedIPCount < limits.allowedIPs else { throw .tooMany }
                allowedIPCount += 1
            }
            try Self.read(key, value, scopes, &device.peers[device.peers.count - 1])
        }
        return nil
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
        case .presharedKey: peer.presharedKey = try valid(UAPIValue.secret(value))
        case .endpoint: peer.endpoint = try valid(UAPIValue.shownEndpoint(value, scopes: scopes))
        case .lastHandshakeSeconds: peer.lastHandshake.seconds = Int64(clamping: try valid(UAPIValue.counter(value)))
        case .lastHandshakeNanoseconds:
            peer.lastHandshake.nanoseconds = UInt32(try valid(UAPIValue.number(value, atMost: 999_999_999)))
        case .transmittedBytes: peer.transmittedBytes = try valid(UAPIValue.counter(value))
        case .receivedBytes: peer.receivedBytes = try valid(UAPIValue.counter(value))
        case .persistentKeepalive:
            (peer.persistentKeepalive, peer.persistentKeepaliveMaximum) = try valid(UAPIValue.keepalive(value))
        case .persistentKeepaliveMaximum:
            let most = UInt16(try valid(UAPIValue.number(value, atMost: UInt64(UInt16.max))))
            peer.persistentKeepaliveMaximum = most > peer.persistentKeepalive ? most : nil
        case .allowedIP:
            guard case .add(let prefix) = try valid(UAPIValue.allowedIP(value)) else { throw .malformed }
            peer.allowedIPs.append(prefix)
        default: break
        }
    }

    /// A number with or without a sign; implementations differ.
    static func errno(_ text: UnsafeRawBufferPointer) throws(UAPIFailure) -> Int32 {
        let digits = text.first == UInt8(ascii: "-") ? UnsafeRawBufferPointer(rebasing: text[1...]) : text
        return Int32(try valid(UAPIValue.number(digits, atMost: UInt64(Int32.max))))
    }
}

private func valid<Value>(_ value: Value?) throws(UAPIFailure) -> Value {
    guard let value else { throw .malformed }
    return value
}
