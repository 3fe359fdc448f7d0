import Control
import Tunnel
import Wire

/// What is said of a peer in one line.
enum PeerColumn: CaseIterable, Sendable {
    case interface
    case peer
    case health
    case handshake
    case receivedRate
    case sentRate
    case received
    case sent
    case endpoint
    case allowedIPs

    var column: TextTable.Column {
        switch self {
        case .interface: TextTable.Column(title: "IF", rank: 9)
        case .peer: TextTable.Column(title: "PEER", least: 10, most: 32)
        case .health: TextTable.Column(title: "HEALTH", usual: 7)
        case .handshake: TextTable.Column(title: "HANDSHAKE", usual: 10, rank: 8)
        case .receivedRate: TextTable.Column(title: "IN/s", isNumber: true, least: 8, usual: 8, rank: 7)
        case .sentRate: TextTable.Column(title: "OUT/s", isNumber: true, least: 8, usual: 8, rank: 7)
        case .received: TextTable.Column(title: "RECEIVED", isNumber: true, least: 8, usual: 8, rank: 5)
        case .sent: TextTable.Column(title: "SENT", isNumber: true, least: 8, usual: 8, rank: 5)
        case .endpoint: TextTable.Column(title: "ENDPOINT", least: 15, usual: 20, rank: 4)
        case .allowedIPs: TextTable.Column(title: "ACCEPTS FROM", least: 12, rank: 3)
        }
    }

    func cell(_ peer: PeerView, of interface: InterfaceView) -> TextTable.Cell {
        switch self {
        case .interface: TextTable.Cell(interface.name)
        case .peer: TextTable.Cell(peer.snapshot.label)
        case .health: TextTable.Cell(peer.health.word.rawValue, peer.health.word.style)
        case .handshake:
            TextTable.Cell(peer.snapshot.handshake?.briefly ?? (peer.snapshot.status == nil ? "" : "never"))
        case .receivedRate: Self.rate(peer.rate?.received)
        case .sentRate: Self.rate(peer.rate?.sent)
        case .received: Self.amount(peer, peer.received)
        case .sent: Self.amount(peer, peer.sent)
        case .endpoint: TextTable.Cell(peer.snapshot.status?.endpoint.map { EndpointName($0).description } ?? "")
        case .allowedIPs:
            TextTable.Cell(
                (peer.snapshot.status?.allowedIPs ?? peer.snapshot.entry?.section?.prefixes ?? []).map(\.brief)
                    .joined(separator: ", "))
        }
    }

    private static func rate(_ bytes: UInt64?) -> TextTable.Cell {
        guard let bytes else { return TextTable.Cell("") }
        return bytes == 0 ? TextTable.Cell("-", .dim) : TextTable.Cell(Amount.text(bytes))
    }

    private static func amount(_ peer: PeerView, _ bytes: UInt64) -> TextTable.Cell {
        guard peer.snapshot.status != nil else { return TextTable.Cell("") }
        return bytes == 0 ? TextTable.Cell("-", .dim) : TextTable.Cell(Amount.text(bytes))
    }
}

extension Health.Word {
    var style: TextStyle {
        switch self {
        case .healthy: .green
        case .idle: .plain
        case .waiting, .missing, .expired, .overQuota: .yellow
        case .silent, .refused, .down, .broken: .red
        case .off: .dim
        }
    }
}
