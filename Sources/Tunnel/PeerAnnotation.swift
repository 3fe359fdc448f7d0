import Wire

/// What a configuration says of a peer beyond the protocol: how people call it, and how long it may be used.
package struct PeerAnnotation: Equatable, Sendable {
    /// Empty: it has none.
    package var name = ""
    /// Unix time in seconds from which on it isn't served; nil: always.
    package var expires: Int64?
    /// UDP payload bytes of both directions together that it may use; nil: any number.
    package var quota: UInt64?
    /// When ``quota`` was granted, as Unix time in seconds: what passed before another value came doesn't count. Nil: it counts
    /// from when it is known.
    package var quotaSince: Int64?

    package init() {}

    /// Whether it ever ends.
    package var isLimited: Bool { expires != nil || quota != nil }

    /// The name, fit for a terminal and one line.
    package var printableName: String { printable(name, longest: Self.longestName) }

    /// Characters.
    private static let longestName = 64
}
