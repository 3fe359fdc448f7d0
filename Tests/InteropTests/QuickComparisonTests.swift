import Foundation
import Glibc
import Testing

extension Interop {
    /// The same files brought up by the stock tools and by nightjar leave the same addresses, routes, rules and firewall,
    /// and let the same packets through. Nightjar is at one end, the stock tools at the other, both ways round.
    @Suite(.enabled(if: access("/sys/module/wireguard", F_OK) != 0, "wg-quick prefers the WireGuard of this kernel"))
    struct QuickComparisonTests {
        @Test(arguments: QuickComparisonCase.all) func sameAsWgQuick(quickCase: QuickComparisonCase) async throws {
            let keys = try await Keys()
            let reference = try await report(quickCase, keys, client: .stock, server: .stock)
            let asClient = try await report(quickCase, keys, client: .nightjar, server: .stock)
            let asServer = try await report(quickCase, keys, client: .stock, server: .nightjar)
            guard let reference, let asClient, let asServer else { return }
            #expect(reference.client.differences(from: asClient.client) == [], "nightjar as the client")
            #expect(reference.server.differences(from: asServer.server) == [], "nightjar as the server")
        }

        /// Brings both ends up, sends packets, takes both down; nil when that failed, which is recorded.
        private func report(
            _ quickCase: QuickComparisonCase, _ keys: Keys, client: QuickTool, server: QuickTool
        ) async throws -> (client: MachineReport, server: MachineReport)? {
            var result: (client: MachineReport, server: MachineReport)?
            try await Lab.with { lab in
                let wire = try await lab.wire(.router)
                guard let internet = wire.middle else { throw Failure("there is no router") }
                try await internet.ip(
                    "addr add 198.51.100.1/32 dev lo", "addr add 2001:db8:100::1/128 dev lo nodad")
                if !quickCase.preparation.isEmpty { try await wire.client.namespace.ip(quickCase.preparation) }
                let client = try await QuickMachine(client, at: wire.client, hasNft: quickCase.hasNft)
                let server = try await QuickMachine(server, at: wire.server, hasNft: quickCase.hasNft)
                let files = (
                    quickCase.client.text(privateKey: keys.client.privateKey, peerKey: keys.server.publicKey),
                    quickCase.server.text(privateKey: keys.server.privateKey, peerKey: keys.client.publicKey)
                )
                try await client.configure(files.0)
                try await server.configure(files.1)
                var reports = (client: try await MachineReport(client), server: try await MachineReport(server))
                try await server.quick("up")
                try await client.quick("up")
                try await reports.client.noteUp(client)
                try await reports.server.noteUp(server)
                try await sendPackets(quickCase, client, server, internet)
                try await client.quick("down")
                try await server.quick("down")
                try await reports.client.noteDown(client)
                try await reports.server.noteDown(server)
                result = reports
            }
            return result
        }

        private func sendPackets(
            _ quickCase: QuickComparisonCase, _ client: QuickMachine, _ server: QuickMachine, _ internet: Namespace
        ) async throws {
            let pair = "\(client.tool.rawValue) to \(server.tool.rawValue)"
            for address in quickCase.reaches { try await expectAnswers(client, address, "\(pair): the client") }
            for address in quickCase.reachesBack { try await expectAnswers(server, address, "\(pair): the server") }
            if let expected = quickCase.seenAs {
                let watcher = try internet.start(["python3", "-c", Scripts.mirror, "198.51.100.1", "7777"])
                _ = try await eventually(within: .seconds(5), every: .milliseconds(10)) {
                    watcher.output.contains("ready")
                }
                let seen = try await client.run(["python3", "-c", Scripts.look, "198.51.100.1", "7777"]).output.trimmed
                #expect(seen == expected, "\(pair): the Internet sees \(seen)")
                await watcher.stop()
            }
            if let address = quickCase.guardedAddress {
                // The local network knows a way to the tunnel's own address, and still gets no packet there.
                try await internet.ip("route add \(address)/32 via 10.9.1.1")
                let result = try await internet.run("ping -n -c 2 -i 0.2 -W 1 -I 10.9.1.254 \(address)", mayFail: true)
                #expect(result.status == 1, "\(pair): the local network reaches \(address)\n\(result.output)")
                try await internet.ip("route del \(address)/32")
            }
        }

        /// The first packets may be lost, until the side with an endpoint has begun.
        private func expectAnswers(_ machine: QuickMachine, _ address: String, _ who: String) async throws {
            var output = ""
            let answers = try await eventually(within: .seconds(10)) {
                let result = try await machine.run("ping -n -c 2 -i 0.2 -W 2 \(address)", mayFail: true)
                output = result.output
                return result.status == 0
            }
            #expect(answers, "\(who) reaches \(address)\n\(output)")
        }
    }
}

/// What a machine looked like before `up`, after it, and after `down`.
private struct MachineReport {
    private let before: SystemPicture
    private var up: SystemPicture
    private var down: SystemPicture
    private var settings: [String] = []
    private var notes: [String] = []

    init(_ machine: QuickMachine) async throws {
        before = try await SystemPicture(of: machine)
        (up, down) = (before, before)
    }

    mutating func noteUp(_ machine: QuickMachine) async throws {
        up = try await SystemPicture(of: machine)
        settings = [try await machine.run("sysctl net.ipv4.conf.all.src_valid_mark").output.trimmed]
    }

    mutating func noteDown(_ machine: QuickMachine) async throws {
        down = try await SystemPicture(of: machine)
        notes = try await machine.nameServerNotes()
        notes += try await machine.run("cat /run/hooks", mayFail: true).output.split(separator: "\n").map(String.init)
    }

    func differences(from other: MachineReport) -> [String] {
        [("before", before, other.before), ("up", up, other.up), ("down", down, other.down)].flatMap {
            name, own, others in
            own.differences(from: others).map { "\(name): \($0)" }
        } + (settings == other.settings ? [] : ["\(settings) became \(other.settings)"])
            + (notes == other.notes ? [] : ["\(notes) became \(other.notes)"])
    }
}

/// Two key pairs.
private struct Keys {
    let client: Pair
    let server: Pair

    struct Pair {
        let privateKey: String
        let publicKey: String
    }

    init() async throws {
        var pairs: [Pair] = []
        try await Lab.with(load: .idle) { lab in
            for _ in 0..<2 {
                let privateKey = try await lab.run(["wg", "genkey"]).output.trimmed
                let publicKey = try await lab.run(["wg", "pubkey"], input: privateKey + "\n").output.trimmed
                pairs.append(Pair(privateKey: privateKey, publicKey: publicKey))
            }
        }
        guard pairs.count == 2 else { throw Failure("`wg` makes no keys") }
        (client, server) = (pairs[0], pairs[1])
    }
}
