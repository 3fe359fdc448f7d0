extension WireGuardHost {
    /// `wg set`, words parted by spaces.
    func set(_ line: String) async throws {
        try await wg(["set", interface] + line.split(separator: " ").map(String.init))
    }

    /// Sets the host's private key and port.
    func setDevice(port: UInt16 = WireGuardHost.port) async throws {
        try await set("listen-port \(port) private-key \(keyFile(privateKey))")
    }

    /// Adds or changes `peer`, with its addresses inside as allowed IPs unless others are given.
    func setPeer(
        _ peer: WireGuardHost, endpoint: String? = nil, keepalive: Int? = nil, presharedKey: String? = nil,
        allowedIPs: String? = nil
    ) async throws {
        var line = "peer \(peer.publicKey) allowed-ips \(allowedIPs ?? "\(peer.ipv4)/32,\(peer.ipv6)/128")"
        if let endpoint { line += " endpoint \(endpoint)" }
        if let keepalive { line += " persistent-keepalive \(keepalive)" }
        if let presharedKey { line += " preshared-key \(try keyFile(presharedKey))" }
        try await set(line)
    }

    /// `wg SUBCOMMAND NAME FILE`, with a file of this text.
    func configure(_ subcommand: String, _ text: String) async throws {
        try await wg([subcommand, interface, try lab.write(text, name: "conf")])
    }

    /// Runs `wg` in the host's namespace.
    @discardableResult
    func wg(_ words: [String], mayFail: Bool = false) async throws -> CommandResult {
        try await namespace.run(["wg"] + words, mayFail: mayFail)
    }

    /// What `wg` sees.
    func status() async throws -> InterfaceStatus {
        try InterfaceStatus(dump: try await wg(["show", interface, "dump"]).output)
    }

    /// What `wg` sees of `peer`; throws when it isn't there.
    func status(of peer: WireGuardHost) async throws -> InterfaceStatus.Peer {
        guard let status = try await status().peers.first(where: { $0.publicKey == peer.publicKey }) else {
            throw Failure("\(interface) has no peer \(peer.publicKey)")
        }
        return status
    }

    /// A file that holds a key, for `wg set`.
    func keyFile(_ key: String) throws -> String {
        try lab.write(key + "\n", name: "key")
    }

    /// A new preshared key.
    func makePresharedKey() async throws -> String {
        try await lab.run(["wg", "genpsk"]).output.trimmed
    }
}
