import Control
package import Quick
import Wire

/// The directory of configuration files, and which of them a command means that names none.
package struct ConfigurationDirectory {
    package let path: String

    package init(_ surroundings: Surroundings) {
        path = surroundings.configurationDirectory
    }

    /// The interfaces that have a file, in alphabetical order.
    package var interfaces: [String] {
        CompletionFiles.names(in: path).filter { $0.hasSuffix(".conf") }.map { String($0.dropLast(5)) }
            .filter(ConfigurationFile.isInterfaceName).sorted()
    }

    /// The interface that is meant when none is named: the only one, or the only one that ``NewServer`` has made.
    package func only() throws(QuickError) -> String {
        let all = interfaces
        if all.count == 1 { return all[0] }
        guard !all.isEmpty else {
            throw QuickError("there is no configuration in \(path); 'nightjar new server' makes one")
        }
        let servers = all.filter { layout($0)?.interfaceComment(.clientEndpoint) != nil }
        if servers.count == 1 { return servers[0] }
        throw QuickError(
            "\(path) has the configurations \(all.joined(separator: ", ")); say which one, with --interface NAME")
    }

    /// The networks and ports of all files, also of those whose interface isn't up now.
    func used() -> (networks: [Prefix], ports: Set<UInt16>) {
        var networks: [Prefix] = []
        var ports: Set<UInt16> = []
        for interface in interfaces {
            guard let text = try? FileBytes.read(file(interface)),
                let settings = try? ConfigurationFile(parsing: text, name: interface, dialect: .quick).interface
            else { continue }
            networks += settings.addresses.compactMap(\.network)
            if let port = settings.listenPort { ports.insert(port) }
        }
        return (networks, ports)
    }

    func file(_ interface: String) -> String { "\(path)/\(interface).conf" }

    private func layout(_ interface: String) -> ConfigurationLayout? {
        (try? FileBytes.read(file(interface))).map { ConfigurationLayout($0) }
    }
}
