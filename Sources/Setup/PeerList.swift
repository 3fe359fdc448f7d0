package import Control
import Foundation
package import Quick
import Wire

/// The peers of a file, for people and for programs.
package struct PeerList {
    private let text: ConfigurationText
    private let interface: String

    package init(_ text: ConfigurationText, interface: String) {
        self.text = text
        self.interface = interface
    }

    /// A table; each line fits a terminal of 80 columns unless a name or the addresses are long.
    package var table: String {
        guard !text.peers.isEmpty else { return "\(interface) has no peers; 'nightjar new peer NAME' makes one.\n" }
        let rows = text.peers.map { peer in
            [
                peer.name?.printable ?? "(no name)", peer.isEnabled ? "on" : "off",
                peer.section?.publicKey.short ?? "(unreadable)",
                peer.section?.prefixes.map { $0.length == $0.address.bitCount ? "\($0.address)" : "\($0)" }
                    .joined(separator: ", ") ?? "",
            ]
        }
        let all = [["NAME", "STATE", "KEY", "ADDRESSES"]] + rows
        let widths = (0..<3).map { column in min(32, all.map { $0[column].count }.max() ?? 0) }
        return all.map { row in
            let cells = row.dropLast().enumerated().map { column, cell in
                cell + String(repeating: " ", count: max(0, widths[column] - cell.count))
            }
            return (cells + [row[3]]).joined(separator: "  ") + "\n"
        }.joined()
    }

    /// An array of objects with `name` (or null), `enabled`, `publicKey` (or null), `allowedIPs` and `keepsKey`.
    package var json: String {
        struct Entry: Encodable {
            let name: String?
            let enabled: Bool
            let publicKey: String?
            let allowedIPs: [String]
            let keepsKey: Bool

            private enum CodingKeys: CodingKey { case name, enabled, publicKey, allowedIPs, keepsKey }

            func encode(to encoder: any Encoder) throws {
                var container = encoder.container(keyedBy: CodingKeys.self)
                try container.encode(name, forKey: .name)
                try container.encode(enabled, forKey: .enabled)
                try container.encode(publicKey, forKey: .publicKey)
                try container.encode(allowedIPs, forKey: .allowedIPs)
                try container.encode(keepsKey, forKey: .keepsKey)
            }
        }
        let entries = text.peers.map { peer in
            Entry(
                name: peer.name, enabled: peer.isEnabled, publicKey: peer.section?.publicKey.base64,
                allowedIPs: peer.section?.prefixes.map { "\($0)" } ?? [],
                keepsKey: text.comment(.clientPrivateKey, of: peer) != nil)
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let data = (try? encoder.encode(entries)) ?? Data()
        return String(decoding: data, as: UTF8.self) + "\n"
    }
}

/// The file of a peer whose key was kept, as it is now.
package enum KeptClientFile {
    /// - Throws: a sentence, also when the key wasn't kept.
    package static func text(_ argument: String, _ text: ConfigurationText, path: String) throws(QuickError) -> [UInt8]
    {
        let peer = try text.peer(argument, file: path)
        guard let kept = text.comment(.clientPrivateKey, of: peer) else {
            throw QuickError(
                "the key of \(quoted(peer.name ?? argument)) was not kept, so its file can't be made again: keys are kept only if "
                    + "the peer was made with --keep-key. Remove it and make it anew")
        }
        let place = "\(path):\(text.line(of: peer))"
        guard let key = Base64Key.read(kept), let section = peer.section else {
            throw QuickError("\(place): ClientPrivateKey of this peer is no key, or its lines can't be read")
        }
        let server = try ServerView(text, path: path)
        let allowed = try text.comment(.clientAllowedIPs, of: peer).map { list throws(QuickError) in
            try ServerView.prefixes(list, "\(place): ClientAllowedIPs")
        }
        let dns = try text.comment(.clientDNS, of: peer).map { list throws(QuickError) in
            try ServerView.addresses(list, "\(place): ClientDNS")
        }
        let allowedIPs = allowed ?? server.usualAllowedIPs
        let client = ClientFile(
            privateKey: Secret32(key), presharedKey: section.presharedKey,
            addresses: section.prefixes.filter { $0.length == $0.address.bitCount },
            nameServers: dns
                ?? server.nameServers.filter { address in
                    allowedIPs.contains { Prefix(address, length: address.bitCount).map($0.holds) ?? false }
                },
            allowedIPs: allowedIPs, endpoint: try server.endpoint(text.comment(.clientEndpoint, of: peer)),
            serverKey: server.publicKey)
        return client.text(
            NewDisguise.otherSide(section.obfuscation, of: text.configuration.interface.obfuscation))
    }
}
