import ArgumentParser
import Control
import Glibc
import Status

struct ShowStatus: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract:
            "Show interfaces and their peers: who is connected, how much flows, what is dropped, and how it goes in one word.",
        discussion: """
            The words: healthy (connected), idle (nothing to say), waiting (never connected yet), silent (doesn't answer), \
            refused (handshakes fail), expired and over-quota (its limits), off (switched off in the file), missing (in the file only), \
            down and broken (the interface). 

            --watch takes keys: n, e, h, i, o, r and s sort by name, health, handshake, what flows in and out, and what was received \
            and sent, and the other way round when pressed again; arrows scroll, p pauses, q quits. \
            Colours are left out if NO_COLOR is set or WG_COLOR_MODE is never.
            """)

    @Flag(name: .shortAndLong, help: "Show it again every second or so, like top.")
    var watch = false

    @Flag(help: "Print a JSON document, for programs.")
    var json = false

    @Argument(help: "An interface's name; all interfaces without it.", completion: .interface)
    var interface: String?

    func validate() throws {
        if watch && json { throw ValidationError("--watch is for people and --json for programs: give one of them") }
    }

    func run() throws {
        attempt {
            let command = StatusCommand(interface: interface, surroundings(), StandardConsole())
            if json { return try command.showJSON() }
            guard watch else { return try command.show() }
            guard let signal = try command.watch() else { return }
            Glibc.exit(128 + signal)
        }
    }
}
