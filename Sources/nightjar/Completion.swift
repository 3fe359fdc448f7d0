import ArgumentParser
import Control
import Quick
import Setup

extension CompletionKind {
    /// Interfaces that are there.
    static var interface: CompletionKind {
        .custom { _, _, _ in (try? WireGuardDevices.names(in: ToolFamily.nightjar.devicePlaces)) ?? [] }
    }

    /// The arguments of a command that `wg` has as well. The first word is the program.
    static var wg: CompletionKind {
        .custom { words, index, prefix in
            guard index > 0, index <= words.count else { return [] }
            return WgCommand.candidates(
                after: Array(words[1..<index]), prefix: prefix, in: ToolFamily.nightjar.devicePlaces)
        }
    }

    /// The peers of the server that is meant when none is named.
    static var peer: CompletionKind {
        .custom { _, _, _ in PeerName.candidates(surroundings()) }
    }

    /// The target of a command that brings interfaces up or down.
    static var quick: CompletionKind {
        .custom { words, _, prefix in
            guard let task = words.dropFirst().first.flatMap({ QuickTask(rawValue: $0) }) else { return [] }
            return task.candidates(prefix: prefix)
        }
    }
}
