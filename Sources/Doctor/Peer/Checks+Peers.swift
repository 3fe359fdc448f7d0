extension Checks {
    /// Those about what peers do.
    package static let ofPeers: [any Check] = []
}
