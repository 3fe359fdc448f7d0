extension Checks {
    /// Those about the machine and configurations.
    package static let ofHost: [any Check] = []
}
