import Control

/// Interfaces and their peers on one screen, for people.
package struct StatusText {
    /// Columns of the terminal; nil for what isn't one.
    private let width: Int?

    package init(width: Int?) {
        self.width = width
    }

    /// Peers that an interface has at most where each is told about in several lines.
    static let mostInDetail = 20

    package func lines(_ overview: Overview) -> [StyledLine] {
        var lines: [StyledLine] = []
        for interface in overview.interfaces {
            if !lines.isEmpty { lines.append(StyledLine()) }
            lines += InterfaceText(interface: interface, width: width).lines
            if !interface.peers.isEmpty { lines += [StyledLine()] + peers(interface) }
        }
        for failure in overview.failures {
            if !lines.isEmpty { lines.append(StyledLine()) }
            lines.append(InterfaceText.title(failure))
        }
        return lines
    }

    private func peers(_ interface: InterfaceView) -> [StyledLine] {
        let isDetailed = interface.peers.count <= Self.mostInDetail
        var columns: [PeerColumn] = [.peer, .health, .handshake]
        if interface.rate != nil { columns += [.receivedRate, .sentRate] }
        columns += [.received, .sent]
        if !isDetailed { columns += [.endpoint, .allowedIPs] }
        let rows = interface.peers.map { peer in columns.map { $0.cell(peer, of: interface) } }
        let widths = columns.indices.map { place in rows.reduce(0) { max($0, $1[place].text.columns) } }
        let table = TextTable(columns.map(\.column), widths: widths, indent: 2, width: width)
        var lines = [table.heading(.dim)]
        for (peer, row) in zip(interface.peers, rows) {
            lines.append(table.line(row))
            if isDetailed { lines += PeerText(peer: peer, interface: interface, width: width).lines }
        }
        return lines
    }

    /// The lines as a terminal or a file takes them.
    package static func bytes(_ lines: [StyledLine], isColoured: Bool) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(lines.count * 100)
        for line in lines {
            line.append(to: &bytes, isColoured: isColoured)
            bytes.append(UInt8(ascii: "\n"))
        }
        return bytes
    }
}
