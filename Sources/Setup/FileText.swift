import Control
import Quick
import Wire

/// The lines that new configurations are made of.
enum FileText {
    static func server(
        _ file: ConfigurationFile, endpoint: EndpointName, dns: [IPAddress], forwarding: Forwarding
    ) -> [UInt8] {
        var lines = sections(file).interface
        var comments = [CommentKey.clientEndpoint.line("\(endpoint)")]
        if !dns.isEmpty {
            comments.append(CommentKey.clientDNS.line(dns.map { "\($0)" }.joined(separator: ", ")))
        }
        comments.append(CommentKey.forwarding.line(forwarding.rawValue))
        lines.insert(contentsOf: comments, at: 1)
        return Array(lines.map { $0 + "\n" }.joined().utf8)
    }

    /// The section of a peer in a server's file.
    static func peer(_ section: PeerSection, comments: [String]) -> [String] {
        var file = ConfigurationFile()
        file.peers = [section]
        var lines = sections(file).peer
        lines.insert(contentsOf: comments, at: 1)
        return lines
    }

    private static func sections(_ file: ConfigurationFile) -> (interface: [String], peer: [String]) {
        let lines = String(decoding: file.printed(.quick), as: UTF8.self)
            .split(separator: "\n", omittingEmptySubsequences: true).map(String.init)
        let heading = ConfigurationKey.Section.peer.rawValue
        let peer = lines.firstIndex(of: heading) ?? lines.endIndex
        return (Array(lines[..<peer]), Array(lines[peer...]))
    }
}
