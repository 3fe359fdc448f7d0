package import Control
import Glibc
import LinuxNet
package import Quick

/// `nightjar status`.
package struct StatusCommand {
    /// Nil for all interfaces.
    package var interface: String?
    private let surroundings: Surroundings
    private let console: any CommandConsole

    package init(interface: String?, _ surroundings: Surroundings, _ console: any CommandConsole) {
        self.interface = interface
        self.surroundings = surroundings
        self.console = console
    }

    /// Prints a screen for people.
    package func show() throws {
        let overview = try look(routes: .upTo(StatusText.mostInDetail))
        guard !overview.interfaces.isEmpty || !overview.failures.isEmpty else {
            return try console.write(Array((nothing + "\n").utf8))
        }
        let width = console.isTerminal ? Terminal.size(of: STDOUT_FILENO)?.columns : nil
        try console.write(StatusText.bytes(StatusText(width: width).lines(overview), isColoured: isColoured))
    }

    /// Prints a document for programs.
    package func showJSON() throws {
        try console.write(StatusJSON.text(try look(routes: .all)))
    }

    /// Shows the same again and again.
    ///
    /// - Returns: the signal that has ended it, if one has.
    package func watch() throws -> Int32? {
        guard console.isTerminal, surroundings.environment["TERM"] != "dumb" else {
            throw QuickError(
                "--watch draws on a terminal, and the output isn't one; programs take 'nightjar status --json'")
        }
        // What goes wrong at once is said in a sentence.
        if let interface {
            _ = try open(interface)
        } else {
            _ = try WireGuardDevices.names(in: surroundings.devicePlaces)
        }
        return try Watch(interface: interface, surroundings, isColoured: isColoured).run()
    }
}

extension StatusCommand {
    /// Peers up to which a second look follows, for rates: more take as long to look at as people like to wait.
    private static let mostForRates = 500
    /// Between the two, in microseconds.
    private static let pause: UInt32 = 200_000

    private func look(routes: Overview.Routes) throws -> Overview {
        let names = try interface.map { [$0] } ?? WireGuardDevices.names(in: surroundings.devicePlaces)
        if let interface { _ = try open(interface) }
        let files = ConfigurationCache()
        func take(since earlier: Overview?) throws -> Overview {
            let overview = Overview.take(names, since: earlier, routes: routes, surroundings, files: files)
            if interface != nil, let failure = overview.failures.first {
                throw QuickError("\(failure.name): \(failure.reason)")
            }
            return overview
        }
        let first = try take(since: nil)
        guard first.peerCount > 0, first.peerCount <= Self.mostForRates else { return first }
        usleep(Self.pause)
        return try take(since: first)
    }

    private func open(_ interface: String) throws -> any DeviceAccess {
        do {
            return try WireGuardDevices.open(interface, in: surroundings.devicePlaces)
        } catch {
            guard error.code == ENODEV else { throw error }
            let file = "\(surroundings.configurationDirectory)/\(interface).conf"
            let advice =
                ConfigurationFile.isInterfaceName(interface) && access(file, F_OK) == 0
                ? "'nightjar up \(interface)' brings it up" : "'nightjar status' shows all that there are"
            throw QuickError("there is no WireGuard interface \(quoted(interface)) now; \(advice)")
        }
    }

    private var nothing: String {
        let files = CompletionFiles.names(in: surroundings.configurationDirectory).filter { $0.hasSuffix(".conf") }
            .map { String($0.dropLast(5)) }.filter(ConfigurationFile.isInterfaceName).sorted()
        guard let first = files.first else {
            return "No WireGuard interface is up. 'nightjar new server' writes a configuration to begin with."
        }
        return
            "No WireGuard interface is up. 'nightjar up \(first)' brings up \(surroundings.configurationDirectory)/\(first).conf."
    }

    private var isColoured: Bool {
        let environment = surroundings.environment
        switch environment["WG_COLOR_MODE"] {
        case "always": return true
        case "never": return false
        default: break
        }
        return console.isTerminal && environment["NO_COLOR"].map(\.isEmpty) ?? true && environment["TERM"] != "dumb"
    }
}
