package import Control
import Glibc
import LinuxNet
package import NoisePrimitives
package import Quick
package import Tunnel
package import Wire

/// Writes the configuration of a server that peers can be added to.
package struct NewServer {
    /// An interface's name or a file.
    package var target = "wg0"
    /// Networks, or the server's addresses in them; free ones are looked for when there is none.
    package var subnets: [InterfaceAddress] = []
    package var port: UInt16?
    /// Where peers reach the server: `HOST` or `HOST:PORT`; found out when nil.
    package var endpoint: String?
    /// The name servers for peers; those of this machine when nil.
    package var dns: [IPAddress]?
    package var forwarding = Forwarding.nat
    package var obfuscation = DialectName.plain

    package init() {}

    package struct Outcome: Sendable {
        package let interface: String
        package let path: String
        package let addresses: [InterfaceAddress]
        package let port: UInt16
        package let endpoint: EndpointName
        /// What people should know.
        package var notes: [String]
    }

    /// - Throws: a sentence; then nothing has been written.
    package func run(
        _ surroundings: Surroundings, _ machine: Machine, _ random: any RandomSource
    ) throws -> Outcome {
        let (interface, path) = try place(surroundings)
        let used = ConfigurationDirectory(surroundings).used()
        var notes: [String] = []
        let addresses = try self.addresses(machine, used.networks, &notes, random)
        let port = try self.port(used.ports, random)
        let endpoint = try self.endpoint(machine, port, &notes)
        let servers = dns ?? machine.nameServers
        if servers.isEmpty, forwarding != .off {
            notes.append(
                "no name server for peers was found, so they keep their own ones, which the tunnel may cut them off from; "
                    + "--dns ADDRESS gives them one")
        }
        var file = ConfigurationFile()
        if obfuscation != .plain { file.interface.obfuscation = NewDisguise.values(obfuscation, random) }
        file.interface.addresses = addresses
        file.interface.listenPort = port
        file.interface.privateKey = Base64Key.newPrivateKey(random)
        let text = FileText.server(file, endpoint: endpoint, dns: servers, forwarding: forwarding)
        try makeDirectory(of: path)
        do throws(SystemError) {
            try WholeFile.create(path, with: text)
        } catch {
            if error.code == EEXIST { throw Self.exists(path) }
            throw error
        }
        return Outcome(
            interface: interface, path: path, addresses: addresses, port: port, endpoint: endpoint, notes: notes)
    }

    private func place(_ surroundings: Surroundings) throws(QuickError) -> (interface: String, path: String) {
        let path =
            ConfigurationFile.isInterfaceName(target) ? ConfigurationDirectory(surroundings).file(target) : target
        let file = path.split(separator: "/").last.map(String.init) ?? ""
        let interface = String(file.dropLast(5))
        guard file.hasSuffix(".conf"), ConfigurationFile.isInterfaceName(interface) else {
            throw QuickError("\(ConfigurationFile.FindingError.badName(path: path))")
        }
        guard access(path, F_OK) != 0 else { throw Self.exists(path) }
        return (interface, path)
    }

    private static func exists(_ path: String) -> QuickError {
        QuickError(
            "\(path) exists already, and stays as it is; add peers to it with 'nightjar new peer NAME', or give the new "
                + "server another interface, as in 'nightjar new server wg1'")
    }

    private func makeDirectory(of path: String) throws(SystemError) {
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return }
        let directory = String(path[..<slash])
        guard access(directory, F_OK) != 0 else { return }
        guard mkdir(directory, 0o700) == 0 else {
            throw SystemError(
                errno, "create \(directory)", advice: errno == EACCES ? "run as root" : nil)
        }
    }
}

// MARK: - Choices

extension NewServer {
    private func addresses(
        _ machine: Machine, _ others: [Prefix], _ notes: inout [String], _ random: any RandomSource
    ) throws(QuickError) -> [InterfaceAddress] {
        let taken = machine.networks + others
        guard subnets.isEmpty else {
            return try subnets.map { address throws(QuickError) in
                try chosen(address, taken, &notes)
            }
        }
        guard let v4 = FreeNetwork.ipv4(notIn: taken, random) else {
            throw QuickError("every private IPv4 network is in use here; name one with --subnet, as in 10.8.0.0/24")
        }
        guard machine.hasIPv6 else {
            notes.append("IPv6 is switched off on this machine, so the tunnel has IPv4 only")
            return [v4]
        }
        return [v4] + (FreeNetwork.ipv6(notIn: taken, random).map { [$0] } ?? [])
    }

    /// The server's address in a network that somebody has named: the first one, unless it is given.
    private func chosen(
        _ address: InterfaceAddress, _ taken: [Prefix], _ notes: inout [String]
    ) throws(QuickError) -> InterfaceAddress {
        guard let network = address.network, network.length <= address.address.bitCount - 2 else {
            throw QuickError("\(address) has no room for a server and a peer; give a larger network, as in 10.8.0.0/24")
        }
        if let other = taken.first(where: { $0.overlaps(network) }) {
            notes.append("\(network) overlaps \(other), which this machine has a route or a configuration for")
        }
        guard network.address == address.address else { return address }
        guard let first = try AddressPool(server: [address], taken: []).next().first,
            let own = InterfaceAddress(first.address, length: address.length)
        else { return address }
        return own
    }

    private func port(_ used: Set<UInt16>, _ random: any RandomSource) throws(QuickError) -> UInt16 {
        if let port {
            guard port != 0, Machine.isFree(port: port) else {
                throw QuickError(
                    "UDP port \(port) is used by another program, or can't be had; choose another one with --port, or find "
                        + "that program with: ss -lunp sport = :\(port)")
            }
            return port
        }
        // Some hundred free ones, of those that systems don't give to programs by chance.
        let drawn = (0..<200).map { _ in UInt16(10_000 + random.below(22_000)) }
        // The usual port tells what a disguise hides.
        let usual: [UInt16] = obfuscation == .plain ? [51820] : []
        for port in usual + drawn where !used.contains(port) && Machine.isFree(port: port) { return port }
        throw QuickError("no free UDP port was found; name one with --port")
    }

    private func endpoint(
        _ machine: Machine, _ port: UInt16, _ notes: inout [String]
    ) throws(QuickError) -> EndpointName {
        if let endpoint {
            guard let name = EndpointName(endpoint, defaultPort: port) else {
                throw QuickError(
                    "\(quoted(endpoint)) is neither a name nor an address, with or without a port; --endpoint takes "
                        + "what peers reach this machine by, as in vpn.example.org")
            }
            return name
        }
        guard let address = machine.address else {
            throw QuickError(
                "this machine has no default route, so say where peers reach it: --endpoint NAME or --endpoint ADDRESS")
        }
        if address.isPrivate {
            notes.append(
                "\(address) is a private address: peers elsewhere reach it only by way of a router that passes UDP port "
                    + "\(port) on to it. In that case change ClientEndpoint in the file to the router's name or address"
            )
        }
        return EndpointName(Endpoint(address, port: port))
    }
}
