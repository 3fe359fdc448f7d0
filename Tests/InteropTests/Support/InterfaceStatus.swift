/// What `wg show NAME dump` says.
struct InterfaceStatus: Equatable {
    var privateKey: String?
    var publicKey: String?
    var listenPort: UInt16
    /// 0 when off.
    var firewallMark: UInt32
    /// In the order of the daemon.
    var peers: [Peer]

    struct Peer: Equatable {
        var publicKey: String
        var presharedKey: String?
        var endpoint: String?
        /// Sorted, since daemons order them differently.
        var allowedIPs: [String]
        /// Unix seconds, 0 when never.
        var latestHandshake: Int
        var receivedBytes: Int
        var sentBytes: Int
        /// Seconds, 0 when off.
        var keepalive: Int
    }

    init(dump: String) throws {
        let lines = dump.split(separator: "\n").map { $0.split(separator: "\t").map(String.init) }
        guard let device = lines.first, device.count == 4, let port = UInt16(device[2]) else {
            throw Failure("`wg show dump` says something new: \(dump)")
        }
        privateKey = Self.value(device[0])
        publicKey = Self.value(device[1])
        listenPort = port
        firewallMark = device[3] == "off" ? 0 : UInt32(device[3].dropFirst(2), radix: 16) ?? 0
        peers = try lines.dropFirst().map { columns in
            guard columns.count == 8, let time = Int(columns[4]), let received = Int(columns[5]),
                let sent = Int(columns[6])
            else { throw Failure("`wg show dump` says something new: \(dump)") }
            return Peer(
                publicKey: columns[0], presharedKey: Self.value(columns[1]), endpoint: Self.value(columns[2]),
                allowedIPs: (Self.value(columns[3]) ?? "").split(separator: ",").map(String.init).sorted(),
                latestHandshake: time, receivedBytes: received, sentBytes: sent, keepalive: Int(columns[7]) ?? 0)
        }
    }

    private static func value(_ text: String) -> String? {
        text == "(none)" ? nil : text
    }
}
