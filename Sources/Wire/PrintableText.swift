/// Text from somebody else, a file or another program, fit for a terminal and one line: what would move the cursor, end the line or
/// turn the direction of writing is replaced.
///
/// - Parameter longest: characters that are kept.
package func printable(_ text: String, longest: Int) -> String {
    if text.utf8.count <= longest, text.utf8.allSatisfy({ (0x20...0x7e).contains($0) }) { return text }
    var scalars = String.UnicodeScalarView()
    for scalar in text.unicodeScalars.prefix(longest) {
        switch scalar.properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator, .surrogate: scalars.append("\u{fffd}")
        // The joiner is part of many emoji.
        case .format where scalar != "\u{200d}": scalars.append("\u{fffd}")
        default: scalars.append(scalar)
        }
    }
    return String(scalars)
}
