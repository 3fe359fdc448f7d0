import Control
import Tunnel
import Wire

/// What is said of a peer below its line.
struct PeerText {
    let peer: PeerView
    let interface: InterfaceView
    /// Columns of the terminal; nil: any number.
    let width: Int?

    private static let indent = 4

    var lines: [StyledLine] {
        var lines: [StyledLine] = []
        if peer.health.word != .healthy {
            let style = peer.health.word.isTrouble ? peer.health.word.style : .plain
            lines += StyledLine.wrapped(peer.health.reason, indent: Self.indent, width: width, style)
        }
        for text in [path, networks, limits, foreign].compactMap(\.self) {
            lines += StyledLine.wrapped(text, indent: Self.indent, width: width)
        }
        return lines
    }

    private var path: String? {
        guard let status = peer.snapshot.status else { return nil }
        var parts: [String] = []
        let name = peer.snapshot.endpointName?.printable
        if let endpoint = status.endpoint {
            parts.append("endpoint \(EndpointName(endpoint))" + (name.map { " (\($0))" } ?? ""))
        } else if let name {
            parts.append("endpoint \(name), whose address isn't known")
        }
        if status.persistentKeepalive > 0 {
            let most = status.persistentKeepaliveMaximum.map { " to \($0)" } ?? ""
            parts.append("keepalive every \(status.persistentKeepalive)\(most) s")
        }
        if status.dialect != interface.usualDialect { parts.append("obfuscation \(status.dialect.rawValue)") }
        return parts.isEmpty ? nil : parts.joined(separator: ", ")
    }

    /// What its allowed IPs mean on the way out, where it takes a route as well, and on the way in.
    private var networks: String? {
        guard let accepted = peer.snapshot.status?.allowedIPs else { return nil }
        guard !accepted.isEmpty else { return "routes to nothing and accepts from nothing, as it has no allowed IPs" }
        let list = Self.list(accepted)
        guard let routes = interface.routes else { return "accepts from \(list)" }
        let routed = routes.routed(accepted)
        if routed == accepted { return "routes to and accepts from \(list)" }
        let target = routed.isEmpty ? "nothing, for lack of a route into \(interface.name)" : Self.list(routed)
        return "routes to \(target); accepts from \(list)"
    }

    private var limits: String? {
        let annotation = interface.snapshot.annotation(of: peer.snapshot)
        let used = peer.snapshot.report?.quotaUsed
        var parts: [String] = []
        if let expires = annotation.expires { parts.append("may be used until \(Expiry(time: expires).description)") }
        if let quota = annotation.quota {
            let whole = Amount.text(quota)
            parts.append(used.map { "has used \(Amount.text($0)) of \(whole)" } ?? "may use \(whole)")
        }
        return parts.isEmpty ? nil : parts.joined(separator: ", ")
    }

    private var foreign: String? {
        guard let report = peer.snapshot.report, report.foreignSources > 0 else { return nil }
        let last = report.foreignSource.map { ", the last one \($0)" } ?? ""
        return "\(report.foreignSources) packets from addresses that aren't accepted from it\(last)"
    }

    private static func list(_ prefixes: [Prefix]) -> String { prefixes.map(\.brief).joined(separator: ", ") }
}
