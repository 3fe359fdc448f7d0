import ArgumentParser
import Control

extension CompletionKind {
    /// Interfaces that are there.
    static var interface: CompletionKind {
        .custom { _, _, _ in (try? WireGuardDevices.names()) ?? [] }
    }

    /// The arguments of a command that `wg` has as well. The first word is the program.
    static var wg: CompletionKind {
        .custom { words, index, prefix in
            guard index > 0, index <= words.count else { return [] }
            return WgCommand.candidates(after: Array(words[1..<index]), prefix: prefix)
        }
    }
}
