extension Prefix {
    package func holds(_ other: IPAddress) -> Bool {
        other.isIPv6 == address.isIPv6 && Prefix(other, length: length) == self
    }

    /// Whether every address of `other` is in this prefix.
    package func holds(_ other: Prefix) -> Bool { other.length >= length && holds(other.address) }

    package func overlaps(_ other: Prefix) -> Bool { holds(other) || other.holds(self) }
}
