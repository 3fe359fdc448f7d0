import Control
package import Wire

/// What `up` has noted of an interface, for those who only look.
package struct UpRecord: Equatable, Sendable {
    /// Whether it was brought up wholly, and nobody has begun to take it down.
    package var isUp: Bool
    /// The configuration file.
    package var file: String
    /// The index that the interface had.
    package var interfaceIndex: UInt32?
    /// Whether it is in the network namespace of the calling thread.
    package var isHere = true
    /// The name servers that it brought into use and that are in use no more.
    package var lostNameServers: [IPAddress] = []

    package init(isUp: Bool, file: String, interfaceIndex: UInt32?) {
        self.isUp = isUp
        self.file = file
        self.interfaceIndex = interfaceIndex
    }

    /// Nil when `up` has noted nothing.
    ///
    /// - Throws: ``QuickError`` when it can't be read.
    package static func read(_ interface: String, _ surroundings: Surroundings) throws(QuickError) -> UpRecord? {
        guard let journal = try JournalStore(directory: surroundings.directory).load(interface) else { return nil }
        var record = UpRecord(
            isUp: journal.phase == .isUp, file: journal.file, interfaceIndex: journal.interfaceIndex)
        record.isHere = journal.namespace == Journal.currentNamespace
        if record.isHere, let dns = journal.dns { record.lostNameServers = lost(dns, surroundings) }
        return record
    }

    /// The interfaces of this network namespace that `up` has noted something of, in alphabetical order.
    package static func interfaces(_ surroundings: Surroundings) -> [String] {
        JournalStore(directory: surroundings.directory).others(than: "").map(\.interface).sorted()
    }

    private static func lost(_ record: DNSRecord, _ surroundings: Surroundings) -> [IPAddress] {
        guard let way = record.ways.first else { return [] }
        let system = DNSSystem(environment: surroundings.childEnvironment)
        if case .resolvconf = way {
            // What it is told arrives in this file, unless a server on this machine hands questions on.
            let text = (try? FileBytes.read(system.resolvConf, limit: ResolvConf.longest)) ?? []
            let present = ResolvConf(text).nameservers
            guard !present.isEmpty, !present.contains(where: \.isLoopback) else { return [] }
            return record.setting.servers.filter { !present.contains($0) }
        }
        guard let present = try? DNS(system).current(record).servers else { return [] }
        return record.setting.servers.filter { !present.contains($0) }
    }
}
