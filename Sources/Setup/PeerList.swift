package import Control
import FoundationEssentials
package import Quick
import Tunnel
import Wire

/// The peers of a file, for people and for programs.
package struct PeerList {
    private let text: ConfigurationText
    private let interface: String
    private let now: Int64
    private let reports: [PublicKey: PeerReport]

    /// - Parameters:
    ///   - report: what the interface's daemon says, if it is up.
    ///   - now: Unix time in seconds.
    package init(_ text: ConfigurationText, interface: String, report: DeviceReport? = nil, now: Int64) {
        self.text = text
        self.interface = interface
        self.now = now
        reports = Dictionary((report?.peers ?? []).map { ($0.publicKey, $0) }) { $1 }
    }

    /// A table; each line fits a terminal of 80 columns unless a name or the addresses are long.
    package var table: String {
        guard !text.peers.isEmpty else { return "\(interface) has no peers; 'nightjar new peer NAME' makes one.\n" }
        var rows = text.peers.map { peer in
            [
                peer.name.map { printable($0, longest: PeerName.longest) } ?? "(no name)", state(of: peer),
                peer.section?.publicKey.short ?? "(unreadable)", limits(of: peer),
                peer.section?.prefixes.map { $0.length == $0.address.bitCount ? "\($0.address)" : "\($0)" }
                    .joined(separator: ", ") ?? "",
            ]
        }
        rows.insert(["NAME", "STATE", "KEY", "LIMITS", "ADDRESSES"], at: 0)
        // Most servers have none.
        if rows.dropFirst().allSatisfy({ $0[3].isEmpty }) {
            for place in rows.indices { rows[place].remove(at: 3) }
        }
        let widths = rows[0].indices.map { column in min(36, rows.map { $0[column].count }.max() ?? 0) }
        return rows.map { row in
            let cells = row.dropLast().enumerated().map { column, cell in
                cell + String(repeating: " ", count: max(0, widths[column] - cell.count))
            }
            return (cells + row.suffix(1)).joined(separator: "  ") + "\n"
        }.joined()
    }

    private func state(of peer: ConfigurationText.Peer) -> String {
        guard peer.isEnabled else { return "off" }
        return switch suspension(of: peer) {
        case .expired: "expired"
        case .overQuota: "used up"
        case nil: "on"
        }
    }

    /// As the daemon says; of a date anybody can tell.
    private func suspension(of peer: ConfigurationText.Peer) -> PeerReport.Suspension? {
        if let report = report(of: peer) { return report.suspension }
        return text.annotation(of: peer).expires.map { $0 <= now } ?? false ? .expired : nil
    }

    private func report(of peer: ConfigurationText.Peer) -> PeerReport? {
        peer.isEnabled ? peer.section.flatMap { reports[$0.publicKey] } : nil
    }

    /// `until 2026-12-31, 3.1 GiB of 50 GiB`
    private func limits(of peer: ConfigurationText.Peer) -> String {
        let annotation = text.annotation(of: peer)
        let quota = annotation.quota.map { quota in
            let whole = ByteQuantity(bytes: quota)
            return report(of: peer)?.quotaUsed.map { whole.share($0) } ?? whole.description
        }
        return [annotation.expires.map { "until \(Expiry(time: $0).description)" }, quota].compactMap { $0 }.joined(
            separator: ", ")
    }

    /// An array of objects with `name` (or null), `enabled`, `publicKey` (or null), `allowedIPs`, `keepsKey`, `expires` (RFC 3339, from
    /// when on it isn't served, or null), `quota` (bytes or null), `quotaUsed` (bytes, or null where nobody knows), and `suspended`
    /// (null, `expired` or `over-quota`).
    package var json: String {
        struct Entry: Encodable {
            let name: String?
            let enabled: Bool
            let publicKey: String?
            let allowedIPs: [String]
            let keepsKey: Bool
            let expires: String?
            let quota: UInt64?
            let quotaUsed: UInt64?
            let suspended: String?

            private enum CodingKeys: CodingKey {
                case name, enabled, publicKey, allowedIPs, keepsKey, expires, quota, quotaUsed, suspended
            }

            func encode(to encoder: any Encoder) throws {
                var container = encoder.container(keyedBy: CodingKeys.self)
                try container.encode(name, forKey: .name)
                try container.encode(enabled, forKey: .enabled)
                try container.encode(publicKey, forKey: .publicKey)
                try container.encode(allowedIPs, forKey: .allowedIPs)
                try container.encode(keepsKey, forKey: .keepsKey)
                try container.encode(expires, forKey: .expires)
                try container.encode(quota, forKey: .quota)
                try container.encode(quotaUsed, forKey: .quotaUsed)
                try container.encode(suspended, forKey: .suspended)
            }
        }
        let entries = text.peers.map { peer in
            let annotation = text.annotation(of: peer)
            return Entry(
                name: peer.name, enabled: peer.isEnabled, publicKey: peer.section?.publicKey.base64,
                allowedIPs: peer.section?.prefixes.map { "\($0)" } ?? [],
                keepsKey: text.comment(.clientPrivateKey, of: peer) != nil,
                expires: annotation.expires.map { UTCTime($0).standardText }, quota: annotation.quota,
                quotaUsed: report(of: peer)?.quotaUsed,
                suspended: peer.isEnabled ? suspension(of: peer)?.rawValue : nil)
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
