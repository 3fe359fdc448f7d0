package import Wire

/// The text of a resolv.conf (resolv.conf(5)).
package struct ResolvConf: Equatable, Sendable {
    package let text: [UInt8]

    /// Larger files aren't configurations of a resolver.
    package static let longest = 64 << 10

    package init(_ text: [UInt8]) {
        self.text = text
    }

    package var nameservers: [IPAddress] {
        directives.compactMap { $0.keyword == "nameserver" ? $0.values.first.flatMap { IPAddress($0) } : nil }
    }

    /// Of the last `search` or `domain` line, which is the one that counts.
    package var searchDomains: [String] {
        directives.last { $0.keyword == "search" || $0.keyword == "domain" }?.values.map { String($0) } ?? []
    }

    /// The lines without the ends that part them.
    package var lines: [ArraySlice<UInt8>] {
        var lines = text.split(separator: newline, omittingEmptySubsequences: false)
        if lines.last?.isEmpty == true { lines.removeLast() }
        return lines
    }

    /// The lines that say something, in words.
    package var directives: [(keyword: Substring, values: ArraySlice<Substring>)] {
        lines.compactMap { line in
            let words = String(decoding: line, as: UTF8.self).split { $0 == " " || $0 == "\t" || $0 == "\r" }
            guard let keyword = words.first, !keyword.hasPrefix("#"), !keyword.hasPrefix(";") else { return nil }
            return (keyword, words.dropFirst())
        }
    }
}

private let newline = UInt8(ascii: "\n")
