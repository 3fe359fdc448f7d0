package import Tunnel
import Wire

/// A configuration file as people keep it: what it says, and its peers as they are written, with their names and those that
/// are switched off.
package struct ConfigurationText {
    package struct Peer {
        /// As the file has it; nil when it has none.
        package let name: String?
        package let isEnabled: Bool
        /// Nil when a peer that is switched off has lines that can't be read.
        package let section: PeerSection?
        /// What its section is in the layout.
        package let place: Int
    }

    package let layout: ConfigurationLayout
    /// What the file says to those who don't read comments.
    package let configuration: ConfigurationFile
    /// In the file's order.
    package private(set) var peers: [Peer] = []

    /// - Parameter name: how errors name the file.
    package init(_ bytes: [UInt8], name: String) throws(ConfigurationError) {
        layout = ConfigurationLayout(bytes)
        for (place, section) in layout.sections.enumerated() where section.kind == .peer && section.isDisabled {
            try Self.checkDisabled(place, layout, name)
        }
        configuration = try ConfigurationFile(parsing: bytes, name: name, dialect: .quick)
        var enabled = configuration.peers.makeIterator()
        for (place, section) in layout.sections.enumerated() where section.kind == .peer {
            let called = layout.name(of: section)
            let isEnabled = !section.isDisabled
            let content = isEnabled ? enabled.next() : read(section)
            peers.append(Peer(name: called, isEnabled: isEnabled, section: content, place: place))
        }
    }

    /// The value of a comment key of a peer.
    package func comment(_ key: CommentKey, of peer: Peer) -> String? {
        layout.comment(key, in: layout.sections[peer.place])
    }

    /// What the file says of a peer beyond the protocol, as far as it can be read.
    package func annotation(of peer: Peer) -> PeerAnnotation {
        layout.annotation(of: layout.sections[peer.place], complain: { _, _, _ in })
    }

    /// The line that a peer's section begins with, from 1.
    package func line(of peer: Peer) -> Int { layout.sections[peer.place].heading + 1 }

    /// The section of a peer that is switched off.
    private func read(_ section: ConfigurationLayout.Section) -> PeerSection? {
        var text: [UInt8] = []
        for line in layout.lines[section.heading..<section.lines.upperBound] where line.kind != .comment {
            text += layout.content(line)
            text.append(UInt8(ascii: "\n"))
        }
        defer { text.wipe() }
        return try? ConfigurationFile(parsing: text, name: "", dialect: .quick, isWhole: false).peers.first
    }

    /// A value that isn't switched off among those that are belongs to the section above, and nobody meant that.
    private static func checkDisabled(
        _ place: Int, _ layout: ConfigurationLayout, _ name: String
    ) throws(ConfigurationError) {
        let start = layout.sections[place].heading
        let end = place + 1 < layout.sections.count ? layout.sections[place + 1].heading : layout.lines.count
        for number in start..<end where layout.lines[number].kind == .value && !layout.lines[number].isDisabled {
            throw ConfigurationError(
                file: name, line: number + 1, found: "a value right after a peer that is switched off",
                expected: "\"#[disabled] \" in front of it as well, or in front of none of that peer's lines")
        }
    }
}
