import Control
import LinuxNet
import Tunnel
import Wire

/// A configuration file's text with the values that an interface has now. Lines whose meaning hasn't changed stay as
/// they are, comments included. Quick §save.
struct SavedFile {
    private typealias Line = [UInt8]

    /// A section, with the comments directly above its header.
    private struct Block {
        enum Kind {
            case interface
            case peer
            /// A peer that is switched off, which the device doesn't have and the file keeps.
            case disabledPeer
            /// What stands before the first section.
            case preamble
        }

        var kind: Kind
        var heading: [Line] = []
        var lines: [Line] = []

        var text: [UInt8] { Array((heading + lines).joined(separator: [newline])) + [newline] }
    }

    private var blocks: [Block] = [Block(kind: .preamble)]

    init(_ text: [UInt8]) {
        var lines = text.split(separator: newline, omittingEmptySubsequences: false).map { Array($0) }
        if lines.last?.isEmpty == true { lines.removeLast() }
        for line in lines {
            let layout = ConfigurationLayout(line).lines.first
            guard let layout, case .heading(let section) = layout.kind else {
                blocks[blocks.count - 1].lines.append(line)
                continue
            }
            let isDisabled = layout.isDisabled
            var block = Block(kind: isDisabled ? .disabledPeer : section == .peer ? .peer : .interface)
            while let last = blocks[blocks.count - 1].lines.last, Self.isComment(last),
                isDisabled || !last.starts(with: ConfigurationLayout.disabledMark)
            {
                block.heading.insert(last, at: 0)
                blocks[blocks.count - 1].lines.removeLast()
            }
            block.heading.append(line)
            blocks.append(block)
        }
    }

    var text: [UInt8] {
        blocks.filter { !$0.heading.isEmpty || !$0.lines.isEmpty }.flatMap(\.text)
    }

    // MARK: - The interface

    /// Puts these values of the interface in place. Those that `settings` doesn't have are removed, for the keys given.
    mutating func update(_ keys: [ConfigurationKey], to settings: InterfaceSection, from former: InterfaceSection) {
        var wanted = ConfigurationFile()
        wanted.interface = settings
        var present = ConfigurationFile()
        present.interface = former
        let (new, old) = (Self.values(wanted), Self.values(present))
        let places = blocks.indices.filter { blocks[$0].kind == .interface }
        for key in keys where new[key] != old[key] {
            set(key, new[key] ?? [], in: places)
        }
    }

    // MARK: - The peers

    /// Puts these peers in place: sections of others go, those of new ones come last.
    ///
    /// - Parameter peers: in the device's order, with endpoints as names where they are to be kept.
    mutating func update(peers: [PeerSection]) {
        var wanted = Dictionary(peers.map { ($0.publicKey, $0) }) { $1 }
        var kept: [Block] = []
        for block in blocks {
            guard block.kind == .peer else {
                kept.append(block)
                continue
            }
            guard let former = Self.peer(block), var peer = wanted.removeValue(forKey: former.publicKey) else {
                continue
            }
            peer.keepForm(of: former)
            var changed = block
            Self.update(&changed, to: peer, from: former)
            kept.append(changed)
        }
        blocks = kept
        for peer in peers where wanted[peer.publicKey] != nil {
            if blocks.last?.lines.last?.isEmpty != true, blocks.last?.kind != .preamble {
                blocks[blocks.count - 1].lines.append([])
            }
            let lines = Self.lines(peer)
            blocks.append(Block(kind: .peer, heading: [Array("[Peer]".utf8)], lines: lines.map(\.line)))
        }
    }

    private static func peer(_ block: Block) -> PeerSection? {
        try? ConfigurationFile(parsing: block.text, name: "", dialect: .quick, isWhole: false).peers.first
    }

    private static func update(_ block: inout Block, to peer: PeerSection, from former: PeerSection) {
        let new = Dictionary(grouping: lines(peer), by: \.key).mapValues { $0.map(\.line) }
        let old = Dictionary(grouping: lines(former), by: \.key).mapValues { $0.map(\.line) }
        for key in ConfigurationKey.allCases where key.sections.contains(.peer) && new[key] != old[key] {
            place(key, new[key] ?? [], in: &block)
        }
    }

    // MARK: - Lines

    private mutating func set(_ key: ConfigurationKey, _ lines: [Line], in places: [Int]) {
        var lines = lines
        for place in places where blocks[place].lines.contains(where: { Self.key($0) == key }) {
            Self.place(key, lines, in: &blocks[place])
            lines = []
        }
        guard !lines.isEmpty, let first = places.first else { return }
        Self.place(key, lines, in: &blocks[first])
    }

    /// Replaces the first line of a key by `lines` and removes the others; without one, puts them after the last value.
    private static func place(_ key: ConfigurationKey, _ lines: [Line], in block: inout Block) {
        let former = block.lines
        var place = former.firstIndex { self.key($0) == key }
        if place == nil {
            let last = former.lastIndex { self.key($0) != nil }
            place = last.map { $0 + 1 } ?? 0
        }
        let before = former[..<(place ?? 0)]
        let after = former[(place ?? 0)...].filter { self.key($0) != key }
        block.lines = before + lines + after
    }

    /// The key of a line; nil for comments, headers and empty lines.
    private static func key(_ line: Line) -> ConfigurationKey? {
        let meaning = meaning(line)
        guard let equals = meaning.firstIndex(of: UInt8(ascii: "=")) else { return nil }
        let name = String(decoding: meaning[..<equals], as: UTF8.self)
        return ConfigurationKey.allCases.first { $0.name.lowercased() == name }
    }

    /// A line without its comment and white space, in lower case.
    private static func meaning(_ line: Line) -> [UInt8] {
        line.prefix { $0 != UInt8(ascii: "#") }.filter { $0 != 0x20 && !(0x09...0x0d).contains($0) }.map {
            (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0
        }
    }

    private static func isComment(_ line: Line) -> Bool {
        line.first { $0 != 0x20 && !(0x09...0x0d).contains($0) } == UInt8(ascii: "#")
    }

    /// The printed lines of a configuration by their keys.
    private static func values(_ configuration: ConfigurationFile) -> [ConfigurationKey: [Line]] {
        Dictionary(grouping: lines(configuration), by: \.key).mapValues { $0.map(\.line) }
    }

    private static func lines(_ peer: PeerSection) -> [(key: ConfigurationKey, line: Line)] {
        var configuration = ConfigurationFile()
        configuration.peers = [peer]
        return lines(configuration)
    }

    private static func lines(_ configuration: ConfigurationFile) -> [(key: ConfigurationKey, line: Line)] {
        configuration.printed(.quick).split(separator: newline).compactMap { line in
            key(Array(line)).map { ($0, Array(line)) }
        }
    }
}

extension PeerSection {
    /// Takes over how `former` writes what means the same.
    fileprivate mutating func keepForm(of former: PeerSection) {
        if !former.changesAllowedIPs, Set(former.prefixes) == Set(prefixes) { allowedIPs = former.allowedIPs }
        if presharedKey == nil, former.presharedKey?.isZero == true { presharedKey = former.presharedKey }
        if persistentKeepalive == nil, former.persistentKeepalive == 0 { persistentKeepalive = 0 }
        obfuscation.keepForm(of: former.obfuscation)
        if endpoint?.numeric != nil, endpoint?.numeric == former.endpoint?.numeric { endpoint = former.endpoint }
    }
}

private let newline = UInt8(ascii: "\n")
