import Glibc

/// One end of a tunnel: a machine on the wire, a daemon, and an interface with addresses inside the tunnel.
final class WireGuardHost {
    let site: Site
    let engine: Engine
    let interface: String
    /// The address inside, in 10.77.0.0/24.
    let ipv4: String
    /// The address inside, in fd77::/64.
    let ipv6: String
    let lab: Lab
    /// More variables for the daemon.
    let environment: [String: String]
    private(set) var daemon: Child?
    private(set) var privateKey = ""
    private(set) var publicKey = ""

    static let port: UInt16 = 51820

    var namespace: Namespace { site.namespace }
    var socketPath: String { "\(Leftovers.socketDirectory)/\(interface).sock" }

    /// `number` makes the last part of the addresses inside.
    init(
        _ engine: Engine, at site: Site, number: Int, environment: [String: String] = [:]
    ) async throws {
        self.site = site
        self.engine = engine
        self.environment = environment
        lab = site.namespace.lab
        interface = Names.interface()
        ipv4 = "10.77.0.\(number)"
        ipv6 = "fd77::\(number)"
        try await makeKey()
    }

    func address(_ family: Family) -> String { family == .ipv4 ? ipv4 : ipv6 }

    /// Gives the host a new key pair, which the daemon learns by ``set(_:)``.
    func makeKey() async throws {
        privateKey = try await lab.run(["wg", "genkey"]).output.trimmed
        publicKey = try await lab.run(["wg", "pubkey"], input: privateKey + "\n").output.trimmed
    }

    /// Starts the daemon in the foreground and waits until its socket answers.
    ///
    /// - Parameter wrapper: the words of a command that runs it.
    func start(under wrapper: [String] = []) async throws {
        let words = wrapper + [try engine.executable(), "-f", interface]
        let variables = ["LOG_LEVEL": "verbose"].merging(environment) { $1 }
        let child = try namespace.start(words, environment: variables, log: "\(engine.rawValue) at \(namespace.name)")
        daemon = child
        let answers = try await eventually(within: .seconds(10), every: .milliseconds(5)) {
            child.status() != nil || (try? ConfigurationSocket(interface)) != nil
        }
        guard answers, child.status() == nil else { throw Failure("\(engine.rawValue) didn't start: \(child.errors)") }
    }

    /// Gives the interface its addresses and brings it up.
    func bringUp(mtu: Int = 1420) async throws {
        let hasIPv6 = try await namespace.run("cat /proc/sys/net/ipv6/conf/\(interface)/disable_ipv6").output.trimmed
        var lines = ["link set \(interface) mtu \(mtu) up", "addr add \(ipv4)/24 dev \(interface)"]
        if hasIPv6 == "0" { lines.append("addr add \(ipv6)/64 dev \(interface) nodad") }
        try await namespace.ip(lines)
    }

    /// Ends the daemon well, and returns its exit status.
    @discardableResult
    func stop(signal: Int32 = SIGTERM) async throws -> Int32 {
        guard let daemon else { throw Failure("there is no daemon at \(namespace.name)") }
        daemon.signal(signal)
        return try await daemon.end(within: .seconds(5))
    }

    /// Kills the daemon as a crash would, which leaves its socket.
    func crash() {
        daemon?.crash()
    }
}

/// Waits until `condition` holds; false when that doesn't happen within `limit`.
func eventually(
    within limit: Duration, every pause: Duration = .milliseconds(50), _ condition: () async throws -> Bool
) async throws -> Bool {
    let deadline = ContinuousClock.now + limit
    while ContinuousClock.now < deadline {
        if try await condition() { return true }
        try await Task.sleep(for: pause)
    }
    return try await condition()
}

extension String {
    var trimmed: String {
        String(drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed())
    }
}
