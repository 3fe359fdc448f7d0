/// Changes to a file's text. What a change isn't about stays byte by byte as it is.
extension ConfigurationText {
    /// With a section at the end.
    ///
    /// - Parameter section: its lines without their ends.
    package func adding(_ section: [String]) -> [UInt8] {
        let bytes = layout.bytes
        var text: [UInt8] = []
        if bytes.last.map({ $0 != newline }) ?? false { text += lineEnd }
        if let last = layout.lines.last, last.kind != .blank { text += lineEnd }
        for line in section { text += Array(line.utf8) + lineEnd }
        return splice([(bytes.count..<bytes.count, text)])
    }

    /// Without a peer, its own comments, and the gap before or after it.
    package func removing(_ peer: Peer) -> [UInt8] {
        var range = layout.sections[peer.place].lines
        let isBlank = { (number: Int) in layout.lines.indices.contains(number) && layout.lines[number].kind == .blank }
        if range.upperBound == layout.lines.count {
            if isBlank(range.lowerBound - 1) { range = (range.lowerBound - 1)..<range.upperBound }
        } else if isBlank(range.upperBound), range.lowerBound == 0 || isBlank(range.lowerBound - 1) {
            range = range.lowerBound..<(range.upperBound + 1)
        }
        return splice([(byteRange(range), [])])
    }

    /// With a peer called otherwise. The marks of other tools keep their names, since they find their peers by them.
    package func renaming(_ peer: Peer, to name: String) -> [UInt8] {
        let section = layout.sections[peer.place]
        var edits: [(Range<Int>, [UInt8])] = []
        for number in section.lines where layout.lines[number].kind == .comment {
            guard let (_, former) = PeerNameComment.value(in: layout.content(layout.lines[number])) else { continue }
            edits.append((former.startIndex..<former.endIndex, Array(name.utf8)))
        }
        if edits.isEmpty {
            let place = layout.lines[section.heading].range.upperBound
            let mark = section.isDisabled ? ConfigurationLayout.disabledMark : []
            edits.append((place..<place, mark + Array(CommentKey.name.line(name).utf8) + lineEnd))
        }
        return splice(edits)
    }

    /// With comment keys of a peer that have other values; one with nil goes. New ones come after its name.
    package func setting(_ values: [(key: CommentKey, value: String?)], of peer: Peer) -> [UInt8] {
        let section = layout.sections[peer.place]
        var edits: [(Range<Int>, [UInt8])] = []
        var missing = values
        for number in section.lines where layout.lines[number].kind == .comment {
            let line = layout.lines[number]
            guard let (key, former) = CommentKey.pair(in: layout.content(line)),
                let wanted = values.first(where: { $0.key == key })
            else { continue }
            // Of several lines with a key the first one counts.
            let isFirst = missing.contains { $0.key == key }
            missing.removeAll { $0.key == key }
            if let value = wanted.value, isFirst {
                edits.append((former.startIndex..<former.endIndex, Array(value.utf8)))
            } else {
                edits.append((line.range, []))
            }
        }
        let mark = section.isDisabled ? ConfigurationLayout.disabledMark : []
        let added = missing.flatMap { key, value in value.map { mark + Array(key.line($0).utf8) + lineEnd } ?? [] }
        if !added.isEmpty {
            let place = layout.lines[lineOfName(section) ?? section.heading].range
            let isEnded = layout.bytes[place].last == newline
            let edit = (place.upperBound..<place.upperBound, isEnded ? added : lineEnd + added.dropLast(lineEnd.count))
            edits.insert(edit, at: edits.firstIndex { $0.0.lowerBound >= place.upperBound } ?? edits.count)
        }
        return splice(edits)
    }

    /// The comment below a section's heading that names it.
    private func lineOfName(_ section: ConfigurationLayout.Section) -> Int? {
        section.lines.last { number in
            number > section.heading && layout.lines[number].kind == .comment
                && PeerNameComment.value(in: layout.content(layout.lines[number])) != nil
        }
    }

    /// With a peer switched off: stock tools see comments in its place.
    package func disabling(_ peer: Peer) -> [UInt8] {
        let section = layout.sections[peer.place]
        let edits = (section.heading..<section.lines.upperBound).compactMap { number -> (Range<Int>, [UInt8])? in
            let line = layout.lines[number]
            guard line.kind != .blank, !line.isDisabled else { return nil }
            // The byte order mark of a file's first line stays in front.
            let start = number == 0 ? line.content.lowerBound : line.range.lowerBound
            return (start..<start, ConfigurationLayout.disabledMark)
        }
        return splice(edits)
    }

    /// With a peer switched on again, as it was.
    package func enabling(_ peer: Peer) -> [UInt8] {
        let edits = layout.sections[peer.place].lines.compactMap { number -> (Range<Int>, [UInt8])? in
            let line = layout.lines[number]
            guard line.isDisabled else { return nil }
            let mark = Array(ConfigurationLayout.disabledMark.dropLast())
            var start = line.range.lowerBound
            while !layout.bytes[start...].starts(with: mark) { start += 1 }
            var end = start + mark.count
            if end < layout.bytes.count, layout.bytes[end] == UInt8(ascii: " ") { end += 1 }
            return (start..<end, [])
        }
        return splice(edits)
    }

    private func byteRange(_ lines: Range<Int>) -> Range<Int> {
        guard let first = lines.first, let last = lines.last else { return 0..<0 }
        return layout.lines[first].range.lowerBound..<layout.lines[last].range.upperBound
    }

    /// As the file's first line ends.
    private var lineEnd: [UInt8] {
        guard let first = layout.lines.first else { return [newline] }
        return layout.bytes[first.range].suffix(2).elementsEqual([UInt8(ascii: "\r"), newline])
            ? [UInt8(ascii: "\r"), newline] : [newline]
    }

    /// - Parameter edits: in the order of their places, which don't overlap.
    private func splice(_ edits: [(range: Range<Int>, bytes: [UInt8])]) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(layout.bytes.count + edits.reduce(0) { $0 + $1.bytes.count })
        var done = 0
        for edit in edits {
            text += layout.bytes[done..<edit.range.lowerBound]
            text += edit.bytes
            done = edit.range.upperBound
        }
        return text + layout.bytes[done...]
    }
}

private let newline = UInt8(ascii: "\n")
