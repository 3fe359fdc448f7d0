import Foundation
import Glibc

/// A server that passes on what its peer sends, and a client behind a router, for the doctor.
///
/// Outside the server is 10.9.2.2 and the client 10.9.1.1; inside they are 10.8.0.1 and 10.8.0.2, fd08::1 and fd08::2.
/// Beyond the server's router are 198.51.100.1 and 2001:db8:100::1.
final class Clinic {
    let lab: Lab
    let router: Namespace
    let server: QuickMachine
    let client: QuickMachine

    /// What the doctor says.
    struct Diagnosis {
        let status: Int32
        /// In their order.
        let codes: [String]
        let text: String
    }

    /// Pairs of keys that are secret to nobody.
    static let serverKey = "wKdY2Mby+wayEH2z1897RNTxekIRrXOMfiPIiyy1wWo="
    static let serverPublic = "GhA6imys3fAXURKMBm2Qp7KkVk1t0ZpMtNIcBAGQWgA="
    static let clientKey = "ULnKClX26rSQxuBJX1zGU596mwn89i7XVv3Agy7K8HY="
    static let clientPublic = "Uqp4duNmRU/b5x1ZqrW1sGbRYRxVVRe8B9b+xclKAgQ="
    static let otherKey = "mEQLdZACq2n6bWE37f82Z/w7So8kMwgXtNDRFVM/E1I="
    static let otherPublic = "1Rya9PkIiIERQ5IdhsCaRDQf0nXtGn7dx+VMJYLLdGU="
    static let presharedKey = "Sb5+X3zQgEoJ83AfBAAc62Bny0gorGXkLIOjqLePhoc="

    static func with(_ body: (Clinic) async throws -> Void) async throws {
        try await Lab.with { lab in
            try await body(try await Clinic(lab))
        }
    }

    private init(_ lab: Lab) async throws {
        self.lab = lab
        let wire = try await lab.wire(.router)
        guard let router = wire.middle else { throw Failure("there is no router") }
        self.router = router
        try await router.ip("addr add 198.51.100.1/32 dev lo", "addr add 2001:db8:100::1/128 dev lo nodad")
        server = try await QuickMachine(.nightjar, at: wire.server)
        client = try await QuickMachine(.nightjar, at: wire.client)
        // Nobody here answers questions for names, and none is asked.
        for machine in [server, client] { try await machine.run("rm -f /etc/resolv.conf") }
    }

    // MARK: - Files

    static let serverInterface = [
        "PrivateKey = \(serverKey)", "Address = 10.8.0.1/24, fd08::1/64", "ListenPort = 51820", "# Forwarding = nat",
    ]
    static let laptop = ["# Name = laptop", "PublicKey = \(clientPublic)", "AllowedIPs = 10.8.0.2/32, fd08::2/128"]
    static let phone = ["# Name = phone", "PublicKey = \(otherPublic)", "AllowedIPs = 10.8.0.3/32, fd08::3/128"]
    static let clientInterface = ["PrivateKey = \(clientKey)", "Address = 10.8.0.2/24, fd08::2/64"]

    /// The server's peer in the client's file.
    static func office(_ allowedIPs: String = "10.8.0.0/24, fd08::/64", endpoint: String = "10.9.2.2:51820") -> [String]
    {
        [
            "# Name = office", "PublicKey = \(serverPublic)", "Endpoint = \(endpoint)", "AllowedIPs = \(allowedIPs)",
            "PersistentKeepalive = 25",
        ]
    }

    static func file(_ interface: [String], _ peers: [String]...) -> String {
        (["[Interface]"] + interface + peers.flatMap { ["", "[Peer]"] + $0 }).joined(separator: "\n")
    }

    /// Writes both files: those of a set-up that works, unless others are given.
    func configure(server serverFile: String? = nil, client clientFile: String? = nil) async throws {
        try await server.configure(serverFile ?? Self.file(Self.serverInterface, Self.laptop))
        try await client.configure(clientFile ?? Self.file(Self.clientInterface, Self.office()))
    }

    /// Brings both up as their files say, and has the client talk to the server.
    func start(server serverFile: String? = nil, client clientFile: String? = nil) async throws {
        try await configure(server: serverFile, client: clientFile)
        try await server.quick("up")
        try await client.quick("up")
        guard try await answers("10.8.0.1") else { throw Failure("the client doesn't reach the server") }
    }

    // MARK: - Acts

    /// Whether an address answers the client.
    func answers(_ address: String) async throws -> Bool {
        try await eventually(within: .seconds(5)) {
            try await client.run("ping -n -c 1 -W 1 \(address)", mayFail: true).status == 0
        }
    }

    /// Sends pings that nobody needs to answer.
    func ping(_ address: String, from machine: QuickMachine, count: Int = 1) async throws {
        try await machine.run("ping -n -c \(count) -i 0.2 -W 1 \(address)", mayFail: true)
    }

    /// Asks the doctor of a machine.
    ///
    /// - Parameter words: what it is started by, and the variables it has.
    func examine(
        _ machine: QuickMachine, _ interface: String? = "wg0", by words: [String] = [],
        environment: [String: String] = [:]
    ) async throws -> Diagnosis {
        let command = words + [try Engine.nightjar.executable(), "doctor", "--json"] + (interface.map { [$0] } ?? [])
        let result = try await machine.run(command, environment: environment, mayFail: true)
        let object = try? JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any]
        let findings = object?["findings"] as? [[String: Any]] ?? []
        return Diagnosis(
            status: result.status, codes: findings.compactMap { $0["code"] as? String },
            text: result.output + result.errors)
    }
}
