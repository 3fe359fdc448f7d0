import Control

/// What the watcher's keys have chosen.
struct WatchState: Equatable, Sendable {
    /// What peers are sorted by; the key that chooses it is the first character.
    enum Order: Unicode.Scalar, CaseIterable, Sendable {
        case name = "n"
        case health = "e"
        case handshake = "h"
        case receivedRate = "i"
        case sentRate = "o"
        case received = "r"
        case sent = "s"
    }

    enum Effect: Equatable, Sendable {
        case none
        case quit
        /// The screen has to be drawn anew.
        case redraw
        /// The interfaces have to be looked at anew.
        case refresh
    }

    private(set) var order = Order.name
    /// Whether what is usually in front comes last.
    private(set) var isReversed = false
    private(set) var isPaused = false
    /// The first row that is shown.
    private(set) var first = 0

    /// - Parameters:
    ///   - rows: how many there are.
    ///   - page: how many of them the screen has room for.
    mutating func press(_ key: Key, rows: Int, page: Int) -> Effect {
        switch key {
        case .up: first -= 1
        case .down: first += 1
        case .pageUp: first -= page
        case .pageDown: first += page
        case .home: first = 0
        case .end: first = rows
        case .character("q"), .character("Q"): return .quit
        case .character("p"), .character(" "):
            isPaused.toggle()
            return isPaused ? .redraw : .refresh
        case .character(let character):
            guard let order = Order(rawValue: character) else { return .none }
            isReversed = order == self.order ? !isReversed : false
            self.order = order
            first = 0
        }
        limit(rows: rows, page: page)
        return .redraw
    }

    /// Keeps the rows that are shown among those that there are.
    mutating func limit(rows: Int, page: Int) {
        first = max(0, min(first, rows - page))
    }
}

extension WatchState.Order {
    var column: PeerColumn {
        switch self {
        case .name: .peer
        case .health: .health
        case .handshake: .handshake
        case .receivedRate: .receivedRate
        case .sentRate: .sentRate
        case .received: .received
        case .sent: .sent
        }
    }

    /// The peers in order, equal ones by their names.
    func sorted(_ rows: [WatchRow], isReversed: Bool) -> [WatchRow] {
        if self == .name {
            return rows.sorted { isReversed ? $1.sortingName < $0.sortingName : $0.sortingName < $1.sortingName }
        }
        return rows.map { ($0, rank($0.peer)) }.sorted { left, right in
            if left.1 != right.1 { return isReversed ? right.1 < left.1 : left.1 < right.1 }
            return left.0.sortingName < right.0.sortingName
        }.map(\.0)
    }

    /// The lower it is the further in front.
    private func rank(_ peer: PeerView) -> UInt64 {
        switch self {
        case .name: 0
        case .health: UInt64(peer.health.word.urgency)
        case .handshake: peer.snapshot.handshake?.milliseconds ?? .max
        case .receivedRate: .max - (peer.rate?.received ?? 0)
        case .sentRate: .max - (peer.rate?.sent ?? 0)
        case .received: .max - peer.received
        case .sent: .max - peer.sent
        }
    }
}

extension Health.Word {
    /// The lower it is the sooner somebody should look.
    fileprivate var urgency: Int {
        switch self {
        case .broken, .down: 0
        case .refused: 1
        case .silent: 2
        case .missing: 3
        case .expired, .overQuota: 4
        case .waiting: 5
        case .idle: 6
        case .healthy: 7
        case .off: 8
        }
    }
}
