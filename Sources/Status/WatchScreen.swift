import Control

/// A peer that the watcher shows.
struct WatchRow: Sendable {
    let peer: PeerView
    /// The place of its interface.
    let interface: Int
    let label: String

    /// All peers of an overview.
    static func rows(_ overview: Overview) -> [WatchRow] {
        overview.interfaces.enumerated().flatMap { place, interface in
            interface.peers.map { WatchRow(peer: $0, interface: place, label: $0.snapshot.label) }
        }
    }
}

/// One picture of the watcher: a function of what is and what was chosen.
struct WatchScreen {
    let overview: Overview
    /// In their order.
    let rows: [WatchRow]
    let state: WatchState
    let size: (columns: Int, rows: Int)
    /// What the clock says.
    let time: String

    /// How many peers there is room for.
    var page: Int { max(1, size.rows - head.count - 2) }

    var lines: [StyledLine] {
        let head = head
        let room = max(0, size.rows - head.count - 2)
        let shown = Array(rows.dropFirst(state.first).prefix(room))
        var lines = head + table(shown)
        while lines.count < size.rows - 1 { lines.append(StyledLine()) }
        lines = Array(lines.prefix(max(0, size.rows - 1)))
        lines.append(footer(shown.count))
        return lines.map { $0.cut(to: size.columns) }
    }

    /// What stands above the peers.
    private var head: [StyledLine] {
        var lines = [bar]
        let most = max(1, size.rows / 3)
        var titles = overview.interfaces.map { interface in
            var line = InterfaceText.title(interface)
            if let rate = interface.rate {
                line.add("; in \(Amount.text(rate.received))/s, out \(Amount.text(rate.sent))/s")
            }
            return line
        }
        titles += overview.failures.map(InterfaceText.title)
        if titles.isEmpty { titles = [StyledLine("no WireGuard interface is up")] }
        lines += titles.prefix(most)
        if titles.count > most { lines.append(StyledLine("and \(titles.count - most) more interfaces", .dim)) }
        for interface in overview.interfaces where lines.count < most + 1 {
            guard let drops = InterfaceText.drops(interface) else { continue }
            lines.append(StyledLine(overview.interfaces.count == 1 ? drops : "\(interface.name) \(drops)"))
        }
        return lines + [StyledLine()]
    }

    private var bar: StyledLine {
        let connected = rows.count { $0.peer.health.word == .healthy }
        let start = " nightjar status: \(connected) of \(rows.count) peers connected\(state.isPaused ? ", paused" : "")"
        let end = "\(time) "
        return StyledLine(start.padded(to: size.columns - end.columns) + end).bar(.inverse, width: size.columns)
    }

    private func table(_ shown: [WatchRow]) -> [StyledLine] {
        var columns: [PeerColumn] = [
            .peer, .health, .handshake, .receivedRate, .sentRate, .received, .sent, .endpoint, .allowedIPs,
        ]
        if overview.interfaces.count > 1 { columns.insert(.interface, at: 0) }
        let cells = shown.map { row in
            columns.map { $0.cell(row.peer, of: overview.interfaces[row.interface]) }
        }
        let widths = columns.indices.map { place in cells.reduce(0) { max($0, $1[place].text.columns) } }
        let marked = columns.firstIndex(of: state.order.column)
        let titled = columns.enumerated().map { place, column in
            var title = column.column
            // Without colours nothing else tells which it is.
            if place == marked { title.title += state.isReversed ? "↑" : "↓" }
            return title
        }
        let table = TextTable(titled, widths: widths, indent: 0, width: size.columns)
        return [table.heading(.dim, marked: marked)] + cells.map(table.line)
    }

    /// The keys, as many as there is room for.
    private func footer(_ shown: Int) -> StyledLine {
        let sorting = ["n name", "s health", "h handshake", "i in/s", "o out/s", "r received", "t sent"]
        let others = ["space \(state.isPaused ? "go on" : "pause")", "q quit"]
        let place = shown < rows.count ? "\(state.first + 1)-\(state.first + shown) of \(rows.count), arrows" : nil
        let ends = ([place].compactMap(\.self) + others).joined(separator: "  ")
        var start = " sort: " + sorting.joined(separator: "  ")
        if start.columns + 2 + ends.columns > size.columns {
            start = " sort: " + sorting.map { $0.prefix(1) }.joined(separator: " ")
        }
        return StyledLine("\(start)  \(ends)").bar(.inverse, width: size.columns)
    }
}
