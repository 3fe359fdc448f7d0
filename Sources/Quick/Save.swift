import Control
import Glibc
import LinuxNet
import Tunnel
import Wire

/// Writes an interface's present configuration into its file. Quick §save.
///
/// The same keys as `wg-quick` get the same values. What it would lose stays: comments, the order of lines, search
/// domains, and names of endpoints as long as they lead where the endpoint is.
struct Save {
    private let surroundings: Surroundings

    init(_ surroundings: Surroundings) {
        self.surroundings = surroundings
    }

    func run(_ argument: String) throws {
        try save(try QuickFile(argument, surroundings))
    }

    func save(_ source: QuickFile) throws {
        var netlink = try Netlink()
        guard let device = try? WireGuardDevices.open(source.interface, in: surroundings.devicePlaces),
            let link = try netlink.link(named: source.interface)
        else { throw QuickError("`\(source.interface)' is not a WireGuard interface") }
        surroundings.console.echo("wg showconf \(source.interface)")
        let status = try device.status()
        let journal = try? JournalStore(directory: surroundings.directory).load(source.interface)

        let former = source.configuration.interface
        var settings = ConfigurationFile(status).interface
        settings.addresses = Self.ordered(
            try netlink.addresses(ofInterface: link.index).map(\.address), like: former.addresses)
        settings.mtu = former.mtu == nil ? nil : link.mtu
        if settings.firewallMark == nil, former.firewallMark == 0 { settings.firewallMark = 0 }
        (settings.dns, settings.searchDomains) = nameServers(former, journal)
        var file = SavedFile(source.text)
        settings.obfuscation.keepForm(of: former.obfuscation)
        let keys: [ConfigurationKey] = [.address, .dns, .mtu, .listenPort, .firewallMark, .privateKey]
        file.update(keys + ConfigurationKey.disguises, to: settings, from: former)
        file.update(peers: peers(status, source.configuration, journal))
        do throws(SystemError) {
            try WholeFile.replace(source.path, with: file.text, mode: 0o600, isDurable: true)
        } catch {
            throw QuickError("\(source.interface): the configuration is not saved: \(error)")
        }
    }

    /// The device's peers, with the names that the file has for their endpoints where these still lead there.
    private func peers(
        _ status: DeviceStatus, _ configuration: ConfigurationFile, _ journal: Journal?
    ) -> [PeerSection] {
        var names: [PublicKey: EndpointName] = [:]
        for peer in configuration.peers {
            if let endpoint = peer.endpoint { names[peer.publicKey] = endpoint }
        }
        return zip(ConfigurationFile(status).peers, status.peers).map { section, peer in
            var section = section
            if let name = names[peer.publicKey], name.numeric == nil, let endpoint = peer.endpoint,
                Self.leads(name, to: endpoint, known: journal?.endpoints["\(name)"])
            {
                section.endpoint = name
            }
            return section
        }
    }

    /// Whether a name leads to an endpoint: it did when the tunnel came up, or it does now.
    private static func leads(_ name: EndpointName, to endpoint: Endpoint, known: String?) -> Bool {
        guard name.port == endpoint.port else { return false }
        if known == "\(endpoint.address)" { return true }
        return (try? name.lookUp())?.address == endpoint.address
    }

    /// In the file's order as far as it has them. Link-local addresses that it doesn't have are the kernel's own.
    private static func ordered(
        _ addresses: [InterfaceAddress], like former: [InterfaceAddress]
    ) -> [InterfaceAddress] {
        let kept = former.filter { addresses.contains($0) }
        return kept
            + addresses.filter { address in
                if case .v6(let v6) = address.address, v6.isLinkLocal { return false }
                return !kept.contains(address)
            }
    }

    private func nameServers(_ former: InterfaceSection, _ journal: Journal?) -> ([IPAddress], [String]) {
        let dns = DNS(DNSSystem(environment: surroundings.childEnvironment))
        guard let record = journal?.dns, let current = try? dns.current(record), !current.servers.isEmpty else {
            return (former.dns, former.searchDomains)
        }
        return (current.servers, current.searchDomains)
    }
}
