import Wire

extension String {
    /// The text fit for a terminal, whoever wrote it, at most as long as a name.
    package var printable: String { Wire.printable(self, longest: 64) }

    /// The same for a sentence or a path.
    package var printableLine: String { Wire.printable(self, longest: 1024) }
}
