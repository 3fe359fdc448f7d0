import Foundation
import NoisePrimitives
import TestKit
import Testing
import Wire

/// Two machines with a router between them, each with an interface `wg0` that `nightjar up` brings up from a file.
///
/// The server's machine is 10.9.2.2, fd09:2::2 and, as machines on the Internet, 198.51.100.2; the client's is 10.9.1.1 and fd09:1::1.
/// 203.0.113.1 and 2001:db8:100::1 are what lies beyond the router, and know no way to the tunnel. Inside the server is 10.77.0.1 and
/// fd77::1, the client 10.77.0.2 and fd77::2.
final class DoctorBench {
    enum Side: Sendable { case client, server }

    let lab: Lab
    let client: QuickMachine
    let server: QuickMachine
    /// Its `eth0` is the client's, its `eth1` the server's, `eth2` leads to ``beyond``.
    let router: Namespace
    let beyond: Namespace
    /// What the machines are configured with; changes count from the next ``up(_:)``.
    var files: Files

    /// Both files, and the keys in them.
    struct Files: Sendable {
        var server: ConfigurationDraft
        var client: ConfigurationDraft
        let serverKey: Secret32
        let clientKey: Secret32

        subscript(side: Side) -> ConfigurationDraft {
            get { side == .client ? client : server }
            set { if side == .client { client = newValue } else { server = newValue } }
        }
    }

    static func with(_ body: (DoctorBench) async throws -> Void) async throws {
        try await Lab.with { lab in try await body(try await DoctorBench(lab)) }
    }

    private init(_ lab: Lab) async throws {
        self.lab = lab
        let wire = try await lab.wire(.router)
        router = try #require(wire.middle)
        beyond = try await lab.namespace("beyond")
        try await router.ip(
            "link add eth2 type veth peer name eth0 netns \(beyond.name)",
            "addr add 10.9.3.254/24 dev eth2", "addr add fd09:3::fe/64 dev eth2 nodad", "link set eth2 up",
            "route add 203.0.113.1/32 via 10.9.3.1", "route add 2001:db8:100::1/128 via fd09:3::1",
            "route add 198.51.100.2/32 via 10.9.2.2")
        try await beyond.ip(
            "addr add 10.9.3.1/24 dev eth0", "addr add fd09:3::1/64 dev eth0 nodad", "link set eth0 up",
            "addr add 203.0.113.1/32 dev lo", "addr add 2001:db8:100::1/128 dev lo nodad",
            "route add 10.9.2.0/24 via 10.9.3.254", "route add fd09:2::/64 via fd09:3::fe")
        try await wire.server.namespace.ip("addr add 198.51.100.2/32 dev eth0")
        server = try await QuickMachine(.nightjar, at: wire.server)
        client = try await QuickMachine(.nightjar, at: wire.client)
        for machine in [server, client] {
            try await machine.run("rm -f /etc/resolv.conf")
            // What the daemons keep count of stays here.
            try await machine.run("mount -t tmpfs tmpfs /var/lib")
        }
        files = Files()
    }

    func machine(_ side: Side) -> QuickMachine { side == .client ? client : server }

    // MARK: - Interfaces

    /// Brings interfaces up from ``files``.
    func up(_ sides: Side...) async throws {
        for side in sides.isEmpty ? [.server, .client] : sides {
            try await machine(side).configure(files[side].text)
            try await machine(side).quick("up")
        }
    }

    func nightjar(_ side: Side, _ line: String, mayFail: Bool = false) async throws -> CommandResult {
        let words = line.split(separator: " ").map(String.init)
        return try await machine(side).run(
            [try Engine.nightjar.executable()] + words, timeout: .seconds(60), mayFail: mayFail)
    }

    /// Whether a side gets answers from an address, tried for some seconds.
    func reaches(_ side: Side, _ address: String) async throws -> Bool {
        try await eventually(within: .seconds(5)) {
            try await machine(side).run("ping -n -c 1 -W 1 \(address)", mayFail: true).status == 0
        }
    }

    /// Brings both up and waits until they reach each other.
    func connect() async throws {
        try await up()
        guard try await reaches(.client, "10.77.0.1") else { throw Failure("the client doesn't reach the server") }
    }

    /// Sends some packets, of which nobody expects that they get anywhere.
    func knock(_ side: Side, _ address: String, count: Int = 1) async throws {
        try await machine(side).run(
            "ping -n -q -c \(count) -i 0.1 -W 1 \(address)", mayFail: true)
    }

    // MARK: - The doctor

    struct Diagnosis: Decodable {
        struct Finding: Decodable, CustomStringConvertible {
            let code: String
            let severity: String
            let peer: String?
            let summary: String
            let evidence: [String]
            let remedy: String
            let explains: [String]

            var description: String { "\(code): \(summary) \(evidence) \(explains)" }
        }

        let findings: [Finding]
        let notLookedAt: [String]
        let verdict: String
    }

    /// What the doctor says on one machine.
    func examine(_ side: Side) async throws -> (diagnosis: Diagnosis, status: Int32) {
        let result = try await nightjar(side, "doctor wg0 --json", mayFail: true)
        do {
            return (try JSONDecoder().decode(Diagnosis.self, from: Data(result.output.utf8)), result.status)
        } catch {
            throw Failure("the doctor says \(result.output)\(result.errors)")
        }
    }
}

extension DoctorBench.Files {
    fileprivate init() {
        // Keys by chance, so that no daemon of an earlier run can be mistaken for one of these.
        let random = SeededRandom(seed: .random(in: 0 ... .max))
        serverKey = random.secret()
        clientKey = random.secret()
        server = ConfigurationDraft(
            interface: [
                ("Address", "10.77.0.1/24, fd77::1/64"), ("ListenPort", "51820"), ("PrivateKey", serverKey.base64),
            ],
            peer: [
                ("# Name", "laptop"), ("PublicKey", X25519.publicKey(of: clientKey).base64),
                ("AllowedIPs", "10.77.0.2/32, fd77::2/128"),
            ])
        client = ConfigurationDraft(
            interface: [("Address", "10.77.0.2/32, fd77::2/128"), ("PrivateKey", clientKey.base64)],
            peer: [
                ("# Name", "office"), ("PublicKey", X25519.publicKey(of: serverKey).base64),
                ("AllowedIPs", "10.77.0.0/24, fd77::/64"), ("Endpoint", "10.9.2.2:51820"),
                ("PersistentKeepalive", "25"),
            ])
    }
}

/// A configuration file that is easily changed.
struct ConfigurationDraft: Sendable {
    struct Section: Sendable {
        private var lines: [(key: String, value: String)]

        init(_ lines: [(String, String)]) {
            self.lines = lines
        }

        /// The value of a key; setting nil takes it out, and what wasn't there comes last.
        subscript(key: String) -> String? {
            get { lines.first { $0.key == key }?.value }
            set {
                if let place = lines.firstIndex(where: { $0.key == key }) {
                    if let newValue { lines[place].value = newValue } else { lines.remove(at: place) }
                } else if let newValue {
                    lines.append((key, newValue))
                }
            }
        }

        var text: String { lines.map { "\($0.key) = \($0.value)\n" }.joined() }
    }

    var interface: Section
    var peer: Section
    /// What follows the first peer.
    var rest = ""

    init(interface: [(String, String)], peer: [(String, String)]) {
        self.interface = Section(interface)
        self.peer = Section(peer)
    }

    var text: String { "[Interface]\n\(interface.text)\n[Peer]\n\(peer.text)\(rest)" }
}

extension Secret32 {
    /// As files have it. Of keys that tests make, there is nothing to hide.
    var base64: String { withUnsafeBytes { Data($0).base64EncodedString() } }
}
