import Control
import Glibc
import LinuxNet
import NoisePrimitives
import Quick
import Status
import Tunnel
import Wire

/// Gathers what there is to know, and tries out what can only be known that way.
struct FactCollector {
    let surroundings: Surroundings

    init(_ surroundings: Surroundings) {
        self.surroundings = surroundings
    }

    /// - Throws: a sentence when there is nothing to examine.
    func collect(_ argument: String?) throws -> Facts {
        guard geteuid() == 0 else {
            throw QuickError("this needs root: sudo nightjar doctor\(argument.map { " \($0)" } ?? "")", status: 2)
        }
        var netlink = try Netlink()
        let places = surroundings.devicePlaces
        let running = try WireGuardDevices.names(in: places)
        let files = try subjects(argument, running: running)

        let before = PacketCounters.read(interfaces: files.map(\.name))
        var host = HostFacts()
        host.links = try netlink.links()
        host.addresses = try netlink.addresses()
        host.routes = try netlink.routes(isIPv6: false) + netlink.routes(isIPv6: true)
        var facts = Facts(host: host, interfaces: [])
        facts.interfaces = files.map { examine($0.name, $0.file, host) }
        HostCollector(surroundings: surroundings).fill(&facts, running: running, &netlink)
        let current = facts.host
        for position in facts.interfaces.indices where facts.interfaces[position].snapshot != nil {
            facts.interfaces[position].probes = PeerProbes.take(facts.interfaces[position], current, surroundings)
            guard !facts.interfaces[position].probes.peers.isEmpty else { continue }
            // What has become of the calls is in the daemon's report.
            if let after = try? InterfaceSnapshot.take(facts.interfaces[position].name, surroundings) {
                facts.interfaces[position].snapshot = after
            }
        }
        PacketCounters.compare(before, &facts)
        return facts
    }

    private struct Subject {
        var name: String
        var file: FileFacts?
    }

    /// What is to be examined.
    private func subjects(_ argument: String?, running: [String]) throws -> [Subject] {
        if let argument {
            do throws(ConfigurationFile.FindingError) {
                let location = try locate(argument)
                return [Subject(name: location.interface, file: FileFacts(reading: location))]
            } catch {
                guard ConfigurationFile.isInterfaceName(argument),
                    running.contains(argument) || if_nametoindex(argument) != 0
                else { throw QuickError("\(error), and there is no interface of this name", status: 2) }
                return [Subject(name: argument)]
            }
        }
        var names = Set(running).union(UpRecord.interfaces(surroundings)).sorted()
        if names.isEmpty {
            names = CompletionFiles.names(in: surroundings.configurationDirectory).filter { $0.hasSuffix(".conf") }
                .map { String($0.dropLast(5)) }.filter(ConfigurationFile.isInterfaceName).sorted()
        }
        guard !names.isEmpty else {
            throw QuickError(
                "there is no WireGuard interface, and no configuration in \(surroundings.configurationDirectory); "
                    + "'nightjar new server' makes one", status: 2)
        }
        return names.map { name in
            Subject(name: name, file: (try? locate(name)).map { FileFacts(reading: $0) })
        }
    }

    /// The file of an interface: for one that was brought up from elsewhere, the one that it was brought up from.
    private func locate(_ argument: String) throws(ConfigurationFile.FindingError) -> ConfigurationFile.Location {
        if ConfigurationFile.isInterfaceName(argument),
            let record = try? UpRecord.read(argument, surroundings), record.isHere,
            let location = try? ConfigurationFile.find(argument: record.file)
        {
            return location
        }
        return try ConfigurationFile.find(argument: argument, directory: surroundings.configurationDirectory)
    }

    private func examine(_ name: String, _ file: FileFacts?, _ host: HostFacts) -> InterfaceFacts {
        var facts = InterfaceFacts(name)
        facts.file = file
        facts.link = host.link(named: name)
        if let index = facts.link?.index {
            facts.addresses = host.addresses.filter { $0.interface == index }.map(\.address)
        }
        do {
            facts.record = try UpRecord.read(name, surroundings)
        } catch {
            facts.blindSpots.append("\(error)")
        }
        guard facts.link != nil else { return facts }
        do {
            facts.snapshot = try InterfaceSnapshot.take(name, surroundings)
        } catch let error as SystemError where error.code == ENODEV {
        } catch {
            facts.blindSpots.append("\(name) doesn't say how it is: \(error)")
        }
        return facts
    }
}

extension FileFacts {
    /// Reads a file, which may be none that can be read.
    init(reading location: ConfigurationFile.Location) {
        do {
            let bytes = try FileBytes.read(location.path)
            self.init(path: location.path, text: try ConfigurationText(bytes, name: location.path))
        } catch {
            self.init(path: location.path, text: nil, problem: "\(error)")
        }
        isReadableByOthers = location.warning != nil
    }
}
