package import Tunnel
package import Wire

/// What a file says of its peers beyond the protocol, those aside that are switched off.
package struct PeerAnnotations: Sendable {
    /// Of those of which it says something, in the file's order.
    package private(set) var peers: [(key: PublicKey, annotation: PeerAnnotation)] = []
    /// Sentences about values that can't be read, and so count for nothing.
    package private(set) var warnings: [String] = []

    /// - Parameter name: how warnings name the file.
    package init(_ layout: ConfigurationLayout, _ configuration: ConfigurationFile, name: String) {
        var sections = configuration.peers.makeIterator()
        for section in layout.sections where section.kind == .peer && !section.isDisabled {
            guard let peer = sections.next() else { return }
            let annotation = layout.annotation(of: section) { key, value, line in
                warnings.append(Self.warning(key, value, "\(name):\(line)"))
            }
            if annotation != PeerAnnotation() { peers.append((peer.publicKey, annotation)) }
        }
    }

    package var areLimited: Bool { peers.contains { $0.annotation.isLimited } }

    private static func warning(_ key: CommentKey, _ value: String, _ place: String) -> String {
        let (expected, consequence) =
            switch key {
            case .quota: (ByteQuantity.expectation, "so this peer has no quota")
            case .quotaSince: (Expiry.expectation, "so the quota counts from when it is known")
            default: (Expiry.expectation, "so this peer does not expire")
            }
        return
            "\(place): the comment \"\(key.rawValue)\" has the value \(quoted(value)), which is not \(expected), \(consequence)"
    }
}

extension ConfigurationLayout {
    /// How people call the peer of a section, as it is written; nil when nothing says it.
    func name(of section: Section) -> String? {
        var best: (rank: Int, name: String)?
        for number in section.lines where lines[number].kind == .comment {
            let comment = content(lines[number])
            if let (rank, name) = PeerNameComment.value(in: comment) {
                if rank < best?.rank ?? .max { best = (rank, String(decoding: name, as: UTF8.self)) }
            } else if best == nil, let name = PeerNameComment.mark(in: comment) {
                best = (.max, name)
            }
        }
        return best?.name
    }

    /// Characters of a name that is handed on.
    private static let longestName = 64

    /// What a section's comments say of its peer; of several with a key the first one counts.
    ///
    /// - Parameter complain: called for a value that can't be read, with its line from 1.
    func annotation(
        of section: Section, complain: (_ key: CommentKey, _ value: String, _ line: Int) -> Void
    ) -> PeerAnnotation {
        var annotation = PeerAnnotation()
        annotation.name = name(of: section).map { printable($0, longest: Self.longestName) } ?? ""
        var seen: Set<CommentKey> = []
        for number in section.lines where lines[number].kind == .comment {
            guard let (key, value) = CommentKey.pair(in: content(lines[number])), seen.insert(key).inserted else {
                continue
            }
            let text = String(decoding: value, as: UTF8.self)
            let isReadable: Bool
            switch key {
            case .expires:
                annotation.expires = Expiry(text)?.time
                isReadable = annotation.expires != nil
            case .quota:
                annotation.quota = ByteQuantity(text)?.bytes
                isReadable = annotation.quota != nil
            case .quotaSince:
                annotation.quotaSince = UTCTime(text)?.seconds
                isReadable = annotation.quotaSince != nil
            default:
                isReadable = true
            }
            if !isReadable { complain(key, text, number + 1) }
        }
        return annotation
    }
}
