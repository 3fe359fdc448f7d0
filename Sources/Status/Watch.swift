import Control
import Glibc
package import LinuxNet
package import Quick

/// `nightjar status --watch`: the same screen again and again, until somebody quits.
package final class Watch {
    /// The least time between two looks; where a look takes long it is more, so that watching takes a twenty-fifth of a core at most.
    private static let pause: UInt64 = 1_000_000_000
    private static let shareOfTime: UInt64 = 25

    private let interface: String?
    private let surroundings: Surroundings
    private let isColoured: Bool
    private let files = ConfigurationCache()
    private let loop: EventLoop
    private let signals: Signals
    private var terminal: Terminal?

    private var overview = Overview()
    private var rows: [WatchRow] = []
    private var state = WatchState()
    private var page = 1
    private var nextLook: UInt64 = 0
    private var endingSignal: Int32?

    /// - Parameter interface: nil for all that there are at any time.
    package init(interface: String?, _ surroundings: Surroundings, isColoured: Bool) throws(SystemError) {
        self.interface = interface
        self.surroundings = surroundings
        self.isColoured = isColoured
        signals = try Signals([SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, SIGTSTP, SIGCONT])
        loop = try EventLoop()
    }

    /// Runs until somebody quits; the terminal is then as it was.
    ///
    /// - Returns: the signal that has ended it, if one has.
    package func run() throws(SystemError) -> Int32? {
        try loop.add(signals.fileDescriptor) { [unowned self] _ in takeSignals() }
        let terminal = Terminal()
        self.terminal = terminal
        defer { self.terminal = nil }
        look()
        if let keyboard = terminal.keyboard { try loop.add(keyboard) { [unowned self] _ in takeKeys() } }
        try loop.run(deadline: { state.isPaused ? nil : nextLook }, expired: { if !state.isPaused { look() } })
        return endingSignal
    }

    private func look() {
        let start = Clock.bootTime()
        let names = interface.map { [$0] } ?? (try? WireGuardDevices.names(in: surroundings.devicePlaces)) ?? []
        overview = Overview.take(names, since: overview, routes: .none, surroundings, files: files)
        rows = WatchRow.rows(overview)
        sort()
        draw()
        let end = Clock.bootTime()
        nextLook = end + max(Self.pause, (end - start) * Self.shareOfTime)
    }

    private func sort() {
        rows = state.order.sorted(rows, isReversed: state.isReversed)
    }

    private func draw() {
        guard let terminal else { return }
        let screen = WatchScreen(overview, rows: rows, state: state, size: terminal.size, time: Self.time)
        state = screen.state
        page = screen.page
        terminal.draw(screen.lines, isColoured: isColoured)
    }

    private func takeKeys() {
        guard let terminal, let bytes = terminal.read() else { return loop.stop() }
        for key in Key.keys(in: bytes) {
            let before = state.order
            let wasReversed = state.isReversed
            switch state.press(key, rows: rows.count, page: page) {
            case .none: break
            case .quit: return loop.stop()
            case .refresh: nextLook = 0
            case .redraw:
                if before != state.order || wasReversed != state.isReversed { sort() }
                draw()
            }
        }
    }

    private func takeSignals() {
        while let signal = signals.next() {
            switch signal {
            case SIGWINCH: draw()
            case SIGTSTP: terminal?.suspend()
            case SIGCONT:
                terminal?.take()
                draw()
            default:
                endingSignal = signal
                loop.stop()
            }
        }
    }

    /// The time of day here.
    private static var time: String {
        var now = Glibc.time(nil)
        var parts = tm()
        guard localtime_r(&now, &parts) != nil else { return "" }
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))"
    }
}
