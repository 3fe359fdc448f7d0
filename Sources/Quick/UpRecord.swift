/// What `up` has noted of an interface, for those who only look.
package struct UpRecord: Equatable, Sendable {
    /// Whether it was brought up wholly, and nobody has begun to take it down.
    package var isUp: Bool
    /// The configuration file.
    package var file: String
    /// The index that the interface had.
    package var interfaceIndex: UInt32?
    /// Whether it is in the network namespace of the calling thread.
    package var isHere: Bool
    /// Whether its name servers were written to resolv.conf, or told systemd-resolved: what can be seen later.
    package var nameServersAreVisible: Bool

    package init(
        isUp: Bool, file: String, interfaceIndex: UInt32?, isHere: Bool = true, nameServersAreVisible: Bool = false
    ) {
        self.isUp = isUp
        self.file = file
        self.interfaceIndex = interfaceIndex
        self.isHere = isHere
        self.nameServersAreVisible = nameServersAreVisible
    }

    /// Nil when `up` has noted nothing.
    ///
    /// - Throws: ``QuickError`` when it can't be read.
    package static func read(_ interface: String, _ surroundings: Surroundings) throws(QuickError) -> UpRecord? {
        guard let journal = try JournalStore(directory: surroundings.directory).load(interface) else { return nil }
        var isVisible = false
        for way in journal.dns?.ways.prefix(1) ?? [] {
            if case .resolvconf = way { isVisible = false } else { isVisible = true }
        }
        return UpRecord(
            isUp: journal.phase == .isUp, file: journal.file, interfaceIndex: journal.interfaceIndex,
            isHere: journal.namespace == Journal.currentNamespace, nameServersAreVisible: isVisible)
    }
}
