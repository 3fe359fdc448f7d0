extension StringProtocol {
    /// A name from a file that anybody may have written, fit for a terminal and a log: control and invisible characters are replaced,
    /// and what is more than 64 characters or 256 bytes is cut off.
    package var printableName: String {
        var result = String.UnicodeScalarView()
        var bytes = 0
        for scalar in unicodeScalars.prefix(64) {
            let shown: Unicode.Scalar
            switch scalar.properties.generalCategory {
            case .control, .lineSeparator, .paragraphSeparator: shown = "\u{fffd}"
            // The joiner holds the parts of an emoji together.
            case .format where scalar != "\u{200d}": shown = "\u{fffd}"
            default: shown = scalar
            }
            bytes += UTF8.width(shown)
            guard bytes <= 256 else { break }
            result.append(shown)
        }
        return String(result)
    }
}
