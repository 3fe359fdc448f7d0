import Control

/// A peer that the watcher shows.
struct WatchRow: Sendable {
    let peer: PeerView
    /// The place of its interface.
    let interface: Int
    /// Its label as it counts for the order.
    let sortingName: String

    /// All peers of an overview.
    static func rows(_ overview: Overview) -> [WatchRow] {
        overview.interfaces.enumerated().flatMap { place, interface in
            interface.peers.map { WatchRow(peer: $0, interface: place, sortingName: $0.snapshot.label.lowercased()) }
        }
    }
}

/// One picture of the watcher: a function of what is and what was chosen.
struct WatchScreen {
    /// With rows that there are.
    let state: WatchState
    /// How many peers there is room for.
    let page: Int
    private let overview: Overview
    private let rows: [WatchRow]
    private let size: (columns: Int, rows: Int)
    private let time: String
    /// What is said of the interfaces.
    private let head: [StyledLine]

    /// - Parameters:
    ///   - rows: in the order that was chosen.
    ///   - time: what the clock says.
    init(_ overview: Overview, rows: [WatchRow], state: WatchState, size: (columns: Int, rows: Int), time: String) {
        head = Self.head(overview, size)
        // The bar above, the columns' titles and the keys take a line each.
        page = max(1, size.rows - head.count - 3)
        var state = state
        state.limit(rows: rows.count, page: page)
        self.state = state
        self.overview = overview
        self.rows = rows
        self.size = size
        self.time = time
    }

    /// As many as the screen has, none longer than it is wide.
    var lines: [StyledLine] {
        let shown = Array(rows.dropFirst(state.first).prefix(page))
        var lines = Array(([bar] + head + table(shown)).prefix(max(0, size.rows - 1)))
        while lines.count < size.rows - 1 { lines.append(StyledLine()) }
        return (lines + [keys]).map { $0.cut(to: size.columns) }
    }

    private static func head(_ overview: Overview, _ size: (columns: Int, rows: Int)) -> [StyledLine] {
        let most = max(1, size.rows / 3)
        var titles = overview.interfaces.map { interface in
            var line = InterfaceText.title(interface)
            if let rate = interface.rate, rate != TransferRate() { line.add("; \(rate.text)") }
            return line
        }
        titles += overview.failures.map(InterfaceText.title)
        if titles.isEmpty { titles = [StyledLine("no WireGuard interface is up")] }
        var lines = Array(titles.prefix(most))
        if titles.count > most { lines.append(StyledLine("and \(titles.count - most) more interfaces", .dim)) }
        for interface in overview.interfaces where lines.count < most {
            let drops = InterfaceText.drops(interface)
            guard !drops.isEmpty else { continue }
            let start = overview.interfaces.count == 1 ? "" : "\(interface.name) "
            lines.append(StyledLine("\(start)dropped: \(drops.joined(separator: ", "))"))
        }
        return lines + [StyledLine()]
    }

    private var bar: StyledLine {
        let connected = rows.count { $0.peer.health.word == .healthy }
        var start = " nightjar status: \(connected) of \(rows.count) peers connected"
        if rows.count > page { start += ", \(state.first + 1)-\(min(rows.count, state.first + page)) shown" }
        if state.isPaused { start += ", paused" }
        let end = "\(time) "
        return StyledLine(start.padded(to: size.columns - end.columns) + end).bar(.inverse, width: size.columns)
    }

    private func table(_ shown: [WatchRow]) -> [StyledLine] {
        guard !shown.isEmpty else { return [] }
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

    /// The keys, what matters most in front.
    private var keys: StyledLine {
        let pause = state.isPaused ? "[p] go on" : "[p]ause"
        return StyledLine("[q]uit  \(pause)  sort: [n]ame h[e]alth [h]andshake [i]n [o]ut [r]eceived [s]ent")
            .bar(.inverse, width: size.columns)
    }
}
