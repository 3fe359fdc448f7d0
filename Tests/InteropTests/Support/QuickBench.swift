import Foundation
import Testing

/// A client that is brought up from a file by nightjar, behind a router, and a server that stands ready.
///
/// The client is 10.9.1.1 and fd09:1::1 on the network of the router, 10.9.1.254 and fd09:1::fe, which is also what lies
/// beyond the local network: 198.51.100.1 and 2001:db8:100::1. Inside the tunnel the server is 10.77.0.2 and fd77::2.
final class QuickBench {
    let lab: Lab
    let client: QuickMachine
    let router: Namespace
    let server: WireGuardHost
    private let privateKey: String

    static let outside = ["198.51.100.1", "2001:db8:100::1"]
    static let local = ["10.9.1.254", "fd09:1::fe"]
    static let inside = ["10.77.0.2", "fd77::2"]

    static func with(_ body: (QuickBench) async throws -> Void) async throws {
        try await Lab.with { lab in
            try await body(try await QuickBench(lab))
        }
    }

    private init(_ lab: Lab) async throws {
        self.lab = lab
        let wire = try await lab.wire(.router)
        guard let router = wire.middle else { throw Failure("there is no router") }
        self.router = router
        try await router.ip("addr add 198.51.100.1/32 dev lo", "addr add 2001:db8:100::1/128 dev lo nodad")
        server = try await WireGuardHost(.wireguardGo, at: wire.server, number: 2)
        try await server.start()
        try await server.setDevice()
        try await server.bringUp()
        client = try await QuickMachine(.nightjar, at: wire.client)
        privateKey = try await lab.run(["wg", "genkey"]).output.trimmed
        let publicKey = try await lab.run(["wg", "pubkey"], input: privateKey + "\n").output.trimmed
        try await server.set("peer \(publicKey) allowed-ips 10.77.0.1/32,fd77::1/128")
        // The first neighbour is found a moment after the link is there.
        for address in Self.local {
            guard try await eventually(within: .seconds(5), { try await reaches(address) }) else {
                throw Failure("the client doesn't reach \(address)")
            }
        }
    }

    /// The text of a file for the client.
    func text(_ interface: [String] = [], allowedIPs: String, peer: [String] = []) -> String {
        ([
            "[Interface]", "Address = 10.77.0.1/24, fd77::1/64", "PrivateKey = \(privateKey)",
        ] + interface + [
            "[Peer]", "PublicKey = \(server.publicKey)",
            "Endpoint = \(server.site.endpoint(.ipv4, port: WireGuardHost.port))", "AllowedIPs = \(allowedIPs)",
        ] + peer).joined(separator: "\n")
    }

    /// Whether the client gets answers from an address.
    func reaches(_ address: String) async throws -> Bool {
        try await client.run("ping -n -c 1 -W 1 \(address)", mayFail: true).status == 0
    }

    /// Which of some addresses the client gets answers from, or another namespace does.
    func answering(_ addresses: [String]) async throws -> [String] {
        var answering: [String] = []
        for address in addresses where try await reaches(address) { answering.append(address) }
        return answering
    }

    /// All that `up` can leave on the client, a line each.
    func traces() async throws -> [String] {
        // The kernel looks for a duplicate of a new address for a moment, and has no route to it until then.
        let script = """
            for wait in $(seq 50); do [ -z "$(ip -6 addr show tentative)" ] && break; sleep 0.1; done
            ip -o addr | sed 's/^[0-9]*: //'
            for f in -4 -6; do echo "== routes and rules $f"; ip $f route show table all | sort; ip $f rule; done
            echo == firewall
            nft list ruleset | grep -vx 'table ip6* [a-z]* {\\|.*type [a-z]* hook .*; policy accept;\\|.chain [A-Z]* {\\|.*}\\|'
            echo == files
            cat /proc/sys/net/ipv4/conf/all/src_valid_mark /etc/resolv.conf
            find /run -mindepth 1 -not -name wireguard -not -name resolvconf.notes -not -name xtables.lock | sort
            find /etc -name '*nightjar*' -o -name '*.new' -o -name '*.tmp'
            echo == sockets
            ss -Hlun
            """
        let result = try await client.run(["sh", "-c", script])
        let processes = try await client.site.namespace.processes().count
        return result.output.split(separator: "\n").map(String.init) + ["\(processes) processes"]
    }

    /// Records an issue unless the client is as it was.
    func expectTraces(
        _ expected: [String], _ comment: Comment? = nil, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let differences = Self.differences(try await traces(), expected)
        #expect(differences == [], comment, sourceLocation: sourceLocation)
    }

    /// What is too much, with a plus, and what is missing.
    static func differences(_ traces: [String], _ expected: [String]) -> [String] {
        traces.difference(from: expected).map { change in
            switch change {
            case .insert(_, let line, _): "+ \(line)"
            case .remove(_, let line, _): "- \(line)"
            }
        }
    }

    /// The process of the interface's daemon.
    func daemon() async throws -> Int32 {
        let journal = try await client.run("cat /run/nightjar/quick/wg0.json").output
        guard let range = journal.range(of: "\"identifier\" : "),
            let process = Int32(journal[range.upperBound...].prefix { $0.isNumber })
        else { throw Failure("the journal names no process: \(journal)") }
        return process
    }
}
