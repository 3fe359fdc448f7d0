/// What Nightjar keeps in comments of a configuration file, as `# NAME = VALUE`, so that stock tools still read the file.
///
/// A key in front of which there is one `#` counts, one with two is somebody's note.
package enum CommentKey: String, CaseIterable, Sendable {
    /// Of a peer: what people call it.
    case name = "Name"
    /// Of a peer: until when it may be used, as ``Expiry``; how far a renewal moves that on, as ``Term``.
    case expires = "Expires"
    case term = "Term"
    /// Of a peer: how much it may transfer, as ``ByteQuantity``, and since when that counts, as ``UTCTime``.
    case quota = "Quota"
    case quotaSince = "QuotaSince"
    /// Of a peer whose key was kept: what else its own file says.
    case clientPrivateKey = "ClientPrivateKey"
    case clientAllowedIPs = "ClientAllowedIPs"

    /// Of the interface, for new peers; of a peer whose key was kept, what it has instead.
    case clientEndpoint = "ClientEndpoint"
    case clientDNS = "ClientDNS"

    /// Of the interface: whether what peers send is passed on.
    case forwarding = "Forwarding"
    /// Of the interface: where its daemon answers questions for metrics.
    case metricsListen = "MetricsListen"

    /// The line, without its end.
    package func line(_ value: String) -> String { "# \(rawValue) = \(value)" }

    /// The value of a comment that says this key.
    ///
    /// - Parameter comment: without white space around it.
    func value(in comment: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard let pair = CommentPair(comment), pair.key == rawValue.lowercased() else { return nil }
        return pair.value
    }

    /// The key of a comment that says one, and its value.
    static func pair(in comment: ArraySlice<UInt8>) -> (key: CommentKey, value: ArraySlice<UInt8>)? {
        guard let pair = CommentPair(comment), let key = byName[pair.key] else { return nil }
        return (key, pair.value)
    }

    private static let byName = Dictionary(uniqueKeysWithValues: allCases.map { ($0.rawValue.lowercased(), $0) })
}

/// Whether an interface passes packets on between its peers and other networks.
package enum Forwarding: String, Hashable, Sendable {
    case off
    /// With the addresses they have, to which others need a route.
    case on
    /// Under this machine's own address, when they leave by another interface.
    case nat
}

/// A comment that looks like a key and its value.
private struct CommentPair {
    /// In small letters.
    let key: String
    let value: ArraySlice<UInt8>

    init?(_ comment: ArraySlice<UInt8>) {
        let text = comment.dropFirst()
        guard comment.first == UInt8(ascii: "#"), text.first != UInt8(ascii: "#"),
            let equals = text.firstIndex(of: UInt8(ascii: "="))
        else { return nil }
        let name = trimmed(text[..<equals])
        guard (1...32).contains(name.count) else { return nil }
        key = String(decoding: name, as: UTF8.self).lowercased()
        value = trimmed(text[text.index(after: equals)...])
    }
}

/// How this and other tools write a peer's name into a comment.
enum PeerNameComment {
    /// The forms whose value is what stands after the equals sign: ours, and that of prometheus_wireguard_exporter, which
    /// dashboards go by.
    private static let keys = [CommentKey.name.rawValue.lowercased(), "friendly_name"]

    /// A name that is the value of a key; such a comment is rewritten when the peer gets another name.
    static func value(in comment: ArraySlice<UInt8>) -> (rank: Int, name: ArraySlice<UInt8>)? {
        guard let pair = CommentPair(comment), let rank = keys.firstIndex(of: pair.key), !pair.value.isEmpty else {
            return nil
        }
        return (rank, pair.value)
    }

    /// A name in the marks of other tools, which they find their peers by, so that these stay as they are.
    static func mark(in comment: ArraySlice<UInt8>) -> String? {
        for (start, end) in marks where comment.starts(with: start) {
            let rest = comment.dropFirst(start.count)
            let name: ArraySlice<UInt8>? = end.isEmpty ? rest : rest.prefix(before: end)
            if let name = name.map({ trimmed($0) }), !name.isEmpty { return String(decoding: name, as: UTF8.self) }
        }
        return nil
    }

    /// Whether the comment closes what another tool's mark has opened.
    static func isEnd(_ comment: ArraySlice<UInt8>) -> Bool {
        ends.contains { comment.starts(with: $0) }
    }

    /// What stands before and after the name: PiVPN; the scripts "wireguard-install" of Nyr and of angristan; wg-easy,
    /// which has an identifier behind it; wireguard-ui.
    private static let marks = [
        ("### begin ", " ###"), ("# BEGIN_PEER ", ""), ("### Client ", ""), ("# Client: ", " ("), ("# Name:", ""),
    ].map { (Array($0.utf8), Array($1.utf8)) }
    private static let ends = ["### end ", "# END_PEER "].map { Array($0.utf8) }
}

extension ArraySlice<UInt8> {
    /// What stands before the last occurrence of `text`; nil without one.
    fileprivate func prefix(before text: [UInt8]) -> Self? {
        guard count >= text.count else { return nil }
        for start in (startIndex...(endIndex - text.count)).reversed() where self[start...].starts(with: text) {
            return self[..<start]
        }
        return nil
    }
}
