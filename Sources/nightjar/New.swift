import ArgumentParser
import Control
import Glibc
import NoisePrimitives
import Quick
import Setup
import Tunnel
import Wire

struct New: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Set up a server, or a peer of it.", subcommands: [NewServerCommand.self, NewPeerCommand.self])
}

struct NewServerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "server",
        abstract: "Write the configuration of a server, with a new key, a free network and a free port.",
        discussion: """
            The file is all that is kept: peers are added to it with 'nightjar new peer', their names and what else stock \
            tools don't know are comments in it. 'nightjar up' brings the server up, lets it pass on what its peers send, \
            under its own address, and 'nightjar down' takes all that back.
            """)

    @Argument(
        help: "An interface, for /etc/wireguard/INTERFACE.conf, or the path of a file INTERFACE.conf.",
        completion: .none)
    var interface = "wg0"

    @Option(
        help:
            "Where peers reach the server, HOST or HOST:PORT; the address that this machine uses itself, unless given.")
    var endpoint: String?

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "The tunnel's networks, or the server's addresses in them; free ones, unless given.", valueName: "subnet"))
    var subnet: [String] = []

    @Option(help: "The UDP port; 51820 if it is free, unless given.")
    var port: UInt16?

    @Option(help: "The name servers for peers, parted by commas, or none; those of this machine, unless given.")
    var dns: String?

    @Option(help: "How to disguise the traffic.")
    var obfuscation: DialectName = .plain

    @Option(help: "What to do with what peers send to other networks: nat (under the server's address), on, or off.")
    var forwarding: Forwarding = .nat

    func run() throws {
        attempt {
            var request = NewServer()
            request.target = interface
            request.subnets = try subnet.flatMap { $0.split(separator: ",") }.map { text in
                guard let address = InterfaceAddress(text) else {
                    throw QuickError("\(quoted(text)) is no network; --subnet takes some as in 10.8.0.0/24")
                }
                return address
            }
            request.port = port
            request.endpoint = endpoint
            request.dns = try dns.map { try nameServers($0) }
            request.forwarding = forwarding
            request.obfuscation = obfuscation
            let outcome = try request.run(surroundings(), Machine(), SystemRandomSource())
            for note in outcome.notes { complain("Note: \(note).") }
            let addresses = outcome.addresses.map { "\($0)" }.joined(separator: " and ")
            let isUsual = outcome.path == "/etc/wireguard/\(outcome.interface).conf"
            print(
                """
                \(outcome.path) is written: a server with \(addresses), UDP port \(outcome.port).
                Peers reach it at \(outcome.endpoint).

                Bring it up:  nightjar up \(isUsual ? outcome.interface : outcome.path)
                Add a peer:   nightjar new peer NAME\(isUsual ? "" : " --interface \(outcome.path)")
                """)
        }
    }
}

struct NewPeerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "peer",
        abstract: "Add a peer to a server, and print the peer's file, in a terminal also as a QR code.",
        discussion: """
            The peer gets new keys and the next free addresses. If the server is up, the peer is known at once and \
            other peers notice nothing. The peer's private key is forgotten, so its file can't be printed again, unless \
            --keep-key is given.
            """)

    @Argument(help: "What to call the peer.")
    var name: String

    @OptionGroup var server: ServerOption
    @OptionGroup var output: ClientFileOutput

    @Flag(name: .customLong("keep-key"), help: "Keep the peer's private key in the server's file, for show-config.")
    var keepsKey = false

    @Option(
        name: .customLong("exclude"), parsing: .upToNextOption,
        help: "Send everything into the tunnel but for these networks.")
    var excluded: [String] = []

    @Option(
        name: .customLong("allowed-ips"), parsing: .upToNextOption,
        help: "Send only these networks and the tunnel's own into the tunnel; everything, unless given.")
    var allowedIPs: [String] = []

    @Option(help: "Where this peer reaches the server, HOST or HOST:PORT, if not where others do.")
    var endpoint: String?

    @Option(help: "How to disguise this peer's traffic, if not as the server does for others.")
    var obfuscation: DialectName?

    @OptionGroup var limits: LimitOptions

    @Option(help: "The name servers for this peer, parted by commas, or none.")
    var dns: String?

    func run() throws {
        attempt {
            var request = NewPeer(name: name, now: Int64(time(nil)))
            request.excluded = try networks(excluded, "--exclude")
            request.allowedIPs = allowedIPs.isEmpty ? nil : try networks(allowedIPs, "--allowed-ips")
            request.endpoint = endpoint
            request.dns = try dns.map { try nameServers($0) }
            request.keepsKey = keepsKey
            request.obfuscation = obfuscation
            request.expires = limits.expires
            request.quota = limits.quota
            try output.check()
            let edit = try server.edit()
            let plan = try request.plan(edit, SystemRandomSource())
            // What can fail about the peer's file fails before the server knows the peer.
            let code = try output.code(plan.file)
            try output.write(plan.file, code)
            let outcome: NewPeer.Outcome
            do {
                outcome = try NewPeer.commit(plan, edit)
            } catch {
                output.takeBack()
                throw error
            }
            try output.show(outcome.file, code)
            for note in outcome.notes { complain("Note: \(note).") }
            let addresses = outcome.addresses.map { "\($0.address)" }.joined(separator: " and ")
            complain("\(outcome.name) has \(addresses). \(sentence(outcome.reach, outcome.interface))")
        }
    }

    private func networks(_ texts: [String], _ option: String) throws -> [Prefix] {
        try texts.flatMap { $0.split(separator: ",") }.map { text in
            guard let prefix = InterfaceAddress(text)?.network else {
                throw QuickError("\(quoted(text)) is no network; \(option) takes some as in 192.168.0.0/16")
            }
            return prefix
        }
    }
}

extension Forwarding: ExpressibleByArgument {}
extension DialectName: ExpressibleByArgument {
    /// As in files, where "on" stands for the one that is meant for everybody.
    public init?(argument: String) {
        self.init(rawValue: argument.lowercased() == "on" ? DialectName.veil.rawValue : argument.lowercased())
    }
}

private func nameServers(_ text: String) throws -> [IPAddress] {
    if text == "none" { return [] }
    return try text.split(separator: ",").map { item in
        guard let address = IPAddress(item) else {
            throw QuickError("\(quoted(item)) is no address; --dns takes some as in 9.9.9.9, parted by commas, or none")
        }
        return address
    }
}
