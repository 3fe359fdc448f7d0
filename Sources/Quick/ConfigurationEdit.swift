package import Control
import Glibc
import LinuxNet
package import Tunnel
package import Wire

/// A configuration file while one program changes its peers: nobody else of this kind does meanwhile, and what an editor
/// changes is noticed.
package final class ConfigurationEdit {
    /// What a change to the file means for the interface.
    package enum Effect {
        case none
        case adds(PeerSection, PeerAnnotation)
        case removes(PeerSection)
        /// What is said of a peer beyond the protocol is another.
        case annotates(PublicKey, PeerAnnotation)
    }

    /// Where a change has arrived.
    package enum Reach: Equatable, Sendable {
        /// The file alone, as the interface isn't up.
        case file
        case interface
        /// The interface but for its routes, which whoever has brought it up has to change.
        case interfaceWithoutRoutes
        /// The interface but for the peer's limits, which what serves it doesn't know.
        case interfaceWithoutLimits
    }

    package let interface: String
    package let path: String
    package let text: ConfigurationText
    private let surroundings: Surroundings
    private let file: LockedFile

    /// - Parameter argument: an interface's name or a file.
    package init(_ argument: String, _ surroundings: Surroundings) throws {
        let location = try QuickFile.locate(argument, surroundings)
        interface = location.interface
        path = location.path
        self.surroundings = surroundings
        file = try LockedFile(location.path)
        text = try ConfigurationText(file.bytes, name: location.path)
    }

    /// Reads a file that isn't to be changed.
    package static func read(
        _ argument: String, _ surroundings: Surroundings
    ) throws -> (location: ConfigurationFile.Location, text: ConfigurationText) {
        let location = try locate(argument, surroundings)
        return (location, try ConfigurationText(try FileBytes.read(location.path), name: location.path))
    }

    /// Finds a file by an interface's name, or by its own.
    package static func locate(
        _ argument: String, _ surroundings: Surroundings
    ) throws -> ConfigurationFile.Location {
        try QuickFile.locate(argument, surroundings)
    }

    /// Puts a new text in the file's place, as a whole, and changes the interface alike if it is up from this file. Other
    /// peers keep their sessions. When the interface refuses, the file is as it was.
    ///
    /// - Throws: also when the file isn't what it was when it was read.
    package func commit(_ bytes: [UInt8], _ effect: Effect) throws -> Reach {
        // What was put together is looked at once as any other file, before it takes the place of one that was right.
        _ = try ConfigurationFile(parsing: bytes, name: path, dialect: .quick)
        let state = try runningState()
        defer { withExtendedLifetime(state) {} }
        try file.replace(with: bytes)
        guard let state else { return .file }
        do {
            return try apply(effect, state)
        } catch {
            do {
                try file.restore()
            } catch let second {
                throw QuickError("\(path) is changed, but \(interface) isn't: \(error). \(second)")
            }
            throw QuickError("\(interface) refuses the change, so \(path) is as it was: \(error)")
        }
    }
}

// MARK: - The interface

extension ConfigurationEdit {
    /// An interface that is up from the file, and its lock.
    private final class RunningState {
        let journal: Journal?
        var lock: InterfaceLock?

        init(journal: Journal?, lock: InterfaceLock?) {
            self.journal = journal
            self.lock = lock
        }
    }

    /// Nil when there is nothing but the file. While this lives nobody brings the interface up or down.
    private func runningState() throws -> RunningState? {
        guard geteuid() == 0 else { return nil }
        let store = JournalStore(directory: surroundings.directory)
        let lock = try InterfaceLock(interface, in: store)
        let journal = try store.load(interface)
        guard if_nametoindex(interface) != 0,
            (try? WireGuardDevices.open(interface, in: surroundings.devicePlaces)) != nil
        else { return nil }
        if let journal {
            guard journal.file == path, journal.namespace == Journal.currentNamespace else { return nil }
            guard journal.phase == .isUp, journal.interfaceIndex == if_nametoindex(interface) else {
                throw QuickError(
                    "\(interface) is up only half-way; nothing is changed. Take it down first: nightjar down \(interface)"
                )
            }
        } else {
            guard path == "\(surroundings.configurationDirectory)/\(interface).conf" else { return nil }
        }
        return RunningState(journal: journal, lock: lock)
    }

    private func apply(_ effect: Effect, _ state: RunningState) throws -> Reach {
        let section: PeerSection
        var change = DeviceChange()
        switch effect {
        case .none:
            return .interface
        case .annotates(let key, let annotation):
            let device = try WireGuardDevices.open(interface, in: surroundings.devicePlaces)
            return reach(device.annotate([(key, annotation)]), annotation)
        case .adds(let peer, _):
            section = peer
            var file = ConfigurationFile()
            file.peers = [peer]
            change = try file.addition { name throws(EndpointNameError) in try name.lookUp() }
        case .removes(let peer):
            section = peer
            var removal = PeerChange(peer.publicKey)
            removal.removes = true
            change.peers = [removal]
        }
        let needsRoutes = try needsRoutes(section, effect)
        if needsRoutes, state.journal != nil {
            state.lock = nil
            try Reload(surroundings).run(path)
            return .interface
        }
        let device = try WireGuardDevices.open(interface, in: surroundings.devicePlaces)
        try device.apply(change)
        if case .adds(let peer, let annotation) = effect {
            let isTaken = device.annotate([(peer.publicKey, annotation)])
            if reach(isTaken, annotation) != .interface { return .interfaceWithoutLimits }
        }
        return needsRoutes ? .interfaceWithoutRoutes : .interface
    }

    /// A name that isn't taken is missed by nobody.
    private func reach(_ isTaken: Bool, _ annotation: PeerAnnotation) -> Reach {
        isTaken || !annotation.isLimited ? .interface : .interfaceWithoutLimits
    }

    /// Whether a peer's networks are more than what the interface's addresses lead to anyway.
    private func needsRoutes(_ peer: PeerSection, _ effect: Effect) throws -> Bool {
        guard text.configuration.interface.table != .off else { return false }
        let networks = PrefixSet(
            text.configuration.interface.addresses.compactMap(\.network).filter { $0.length < $0.address.bitCount })
        return !peer.prefixes.allSatisfy { networks.coversOrHolds($0) }
    }
}
