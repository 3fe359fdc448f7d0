/// A configuration file's lines and sections as they are written: what every change to a file begins with that is to leave
/// other lines byte by byte as they are. It can't fail, whatever the bytes.
///
/// A peer that is switched off is a section whose lines begin with `#[disabled] `, as PiVPN writes it; stock tools see
/// comments.
package struct ConfigurationLayout {
    package struct Line {
        package enum Kind: Equatable {
            case blank
            case comment
            /// A section's name; nil for one that there isn't.
            case heading(ConfigurationKey.Section?)
            case value
        }

        package let kind: Kind
        /// Whether it is a line of a peer that is switched off. What it says is told as if it weren't.
        package let isDisabled: Bool
        /// From its first byte to after its end.
        package let range: Range<Int>
        /// What it says, without white space around it and the mark of a peer that is switched off.
        package let content: Range<Int>
    }

    package struct Section {
        package let kind: ConfigurationKey.Section?
        package let isDisabled: Bool
        /// From the comments that belong to it to its last value and the comments that follow right after.
        package fileprivate(set) var lines: Range<Int>
        /// The line of its name.
        package let heading: Int
    }

    package static let disabledMark = Array("#[disabled] ".utf8)

    package let bytes: [UInt8]
    package private(set) var lines: [Line] = []
    package private(set) var sections: [Section] = []

    package init(_ bytes: [UInt8]) {
        self.bytes = bytes
        findLines()
        findSections()
    }

    package func content(_ line: Line) -> ArraySlice<UInt8> { bytes[line.content] }

    /// The value of a comment key in the sections `[Interface]`; the last one counts.
    package func interfaceComment(_ key: CommentKey) -> (value: String, line: Int)? {
        var found: (String, Int)?
        for (index, section) in sections.enumerated() where section.kind == .interface && !section.isDisabled {
            let end = index + 1 < sections.count ? sections[index + 1].lines.lowerBound : lines.count
            for number in section.heading..<max(section.heading, end) {
                guard let value = comment(key, number) else { continue }
                found = (value, number + 1)
            }
        }
        return found
    }

    /// The value of a comment key in a section.
    package func comment(_ key: CommentKey, in section: Section) -> String? {
        for number in section.lines {
            if let value = comment(key, number) { return value }
        }
        return nil
    }

    private func comment(_ key: CommentKey, _ number: Int) -> String? {
        guard lines[number].kind == .comment else { return nil }
        return key.value(in: content(lines[number])).map { String(decoding: $0, as: UTF8.self) }
    }
}

// MARK: - Lines

extension ConfigurationLayout {
    private mutating func findLines() {
        lines.reserveCapacity(bytes.count / 24)
        var start = 0
        bytes.withUnsafeBufferPointer { buffer in
            while start < buffer.count {
                var end = start
                while end < buffer.count, buffer[end] != UInt8(ascii: "\n") { end += 1 }
                // An editor's byte order mark belongs to no line.
                let isMarked = start == 0 && buffer.starts(with: [0xef, 0xbb, 0xbf])
                lines.append(Self.line(buffer, start, isMarked ? 3 : start, end))
                start = end + 1
            }
        }
    }

    private static func line(
        _ buffer: UnsafeBufferPointer<UInt8>, _ start: Int, _ textStart: Int, _ end: Int
    ) -> Line {
        var (from, to) = (textStart, end)
        while from < to, isSpace(buffer[from]) { from += 1 }
        let mark = disabledMark.count - 1
        let isDisabled = to - from >= mark && disabledMark.dropLast().elementsEqual(buffer[from..<(from + mark)])
        if isDisabled { from += mark }
        while from < to, isSpace(buffer[from]) { from += 1 }
        while to > from, isSpace(buffer[to - 1]) { to -= 1 }
        let kind: Line.Kind
        if from == to {
            kind = .blank
        } else if buffer[from] == UInt8(ascii: "#") {
            kind = .comment
        } else if buffer[from] == UInt8(ascii: "[") {
            kind = .heading(section(buffer[from..<to]))
        } else {
            kind = .value
        }
        return Line(
            kind: kind, isDisabled: isDisabled, range: start..<min(end + 1, buffer.count), content: from..<to)
    }

    private static func section(_ text: Slice<UnsafeBufferPointer<UInt8>>) -> ConfigurationKey.Section? {
        let name = text.prefix { $0 != UInt8(ascii: "#") }.filter { !isSpace($0) }.map {
            (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0
        }
        return ConfigurationKey.Section.allCases.first { name.elementsEqual($0.rawValue.lowercased().utf8) }
    }
}

// MARK: - Sections

extension ConfigurationLayout {
    private mutating func findSections() {
        for (number, line) in lines.enumerated() {
            guard case .heading(let kind) = line.kind else { continue }
            let start = firstLine(ofSectionAt: number)
            endLastSection(before: start)
            sections.append(
                Section(kind: kind, isDisabled: line.isDisabled, lines: start..<(number + 1), heading: number))
        }
        endLastSection(before: lines.count)
    }

    /// The comments right above a name belong to its section, if nothing else is above them: a comment that follows values
    /// without a gap is about these. What other tools have marked the section with belongs to it in any case.
    private func firstLine(ofSectionAt heading: Int) -> Int {
        var first = heading
        while first > 0, lines[first - 1].kind == .comment, !lines[first - 1].isDisabled || lines[heading].isDisabled,
            !PeerNameComment.isEnd(content(lines[first - 1]))
        {
            first -= 1
        }
        if first == 0 || lines[first - 1].kind == .blank { return first }
        return (first..<heading).first { PeerNameComment.mark(in: content(lines[$0])) != nil } ?? heading
    }

    private mutating func endLastSection(before limit: Int) {
        guard let section = sections.last else { return }
        let last = (section.heading..<limit).last {
            lines[$0].kind == .value && lines[$0].isDisabled == section.isDisabled
        }
        var end = (last ?? section.heading) + 1
        while end < limit, lines[end].kind == .comment { end += 1 }
        sections[sections.count - 1].lines = section.lines.lowerBound..<end
    }
}
