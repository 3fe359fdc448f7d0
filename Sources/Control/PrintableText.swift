extension String {
    /// The text fit for a terminal, a log or a label, whoever wrote it: one line of at most 64 characters (Unicode scalars) without
    /// anything that moves a cursor or hides.
    package var printable: String { printable(longest: 64) }

    /// The same for a sentence or a path.
    package var printableLine: String { printable(longest: 1024) }

    private func printable(longest: Int) -> String {
        if utf8.count <= longest, utf8.allSatisfy({ (0x20...0x7e).contains($0) }) { return self }
        return String(
            String.UnicodeScalarView(
                unicodeScalars.prefix(longest).map { scalar in
                    switch scalar.properties.generalCategory {
                    case .control, .lineSeparator, .paragraphSeparator: "\u{fffd}"
                    // One of them holds the parts of an emoji together.
                    case .format where scalar != "\u{200d}": "\u{fffd}"
                    default: scalar
                    }
                }))
    }
}
