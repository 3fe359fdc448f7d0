import Wire

/// What a configuration says of a peer beyond the protocol: how people call it, and how long it may be used.
package struct PeerAnnotation: Equatable, Sendable {
    /// Empty: it has none.
    package var name = ""
    /// Unix time in seconds from which on it isn't served; nil: always.
    package var expires: Int64?
    /// UDP payload bytes of both directions together that it may use; nil: any number.
    package var quota: UInt64?

    package init() {}

    /// The name, fit for a terminal and one line.
    package var printableName: String { printable(name, longest: Self.longestName) }

    /// Characters.
    private static let longestName = 64
}
