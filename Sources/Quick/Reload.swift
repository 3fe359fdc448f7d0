import Control
import Glibc
import LinuxNet
import Tunnel
import Wire

/// Makes a running interface as its changed file says. Peers that haven't changed keep their sessions.
///
/// All changes take effect, or none: when one fails, those before it are taken back. Commands of the file don't run, as
/// nobody could tell which of them are due. What others have added to the interface stays.
struct Reload {
    private let surroundings: Surroundings

    init(_ surroundings: Surroundings) {
        self.surroundings = surroundings
    }

    private var console: Console { surroundings.console }

    func run(_ argument: String) throws {
        let source = try QuickFile(argument, surroundings)
        let tool = try Up.check(source, surroundings)
        try checkUp(source, try JournalStore(directory: surroundings.directory).load(source.interface))
        let endpoints = try Up.resolve(source.configuration, known: [:], surroundings)

        let transition = try Transition(source.interface, file: source.path, surroundings)
        guard let journal = try transition.store.load(source.interface) else { throw isNotUp(source) }
        try checkUp(source, journal)
        transition.journal = journal
        try transition.holdSignals()
        var plan = try ReloadPlan(source, endpoints, tool, transition)
        let former = journal
        do {
            try plan.perform(transition)
        } catch {
            let failures = plan.takeBack(transition)
            for failure in failures { console.note("not taken back: \(failure)") }
            transition.journal = former
            if failures.isEmpty { try? transition.store.save(former) }
            throw error
        }
        let settings = source.configuration.interface
        if !(settings.preUp + settings.postUp + settings.preDown + settings.postDown).isEmpty {
            console.note("\(source.interface): PreUp, PostUp, PreDown and PostDown don't run for a reload")
        }
    }

    private func checkUp(_ source: QuickFile, _ journal: Journal?) throws {
        guard let journal, journal.phase == .isUp, journal.namespace == Journal.currentNamespace,
            if_nametoindex(source.interface) == journal.interfaceIndex
        else { throw isNotUp(source) }
    }

    private func isNotUp(_ source: QuickFile) -> QuickError {
        let isThere = if_nametoindex(source.interface) != 0
        return QuickError(
            isThere
                ? "\(source.interface) was brought up by another program, whose doing reload can't tell from others'; "
                    + "change its peers with: wg syncconf \(source.interface) <(wg-quick strip \(source.interface))"
                : "\(source.interface) isn't up; bring it up with: nightjar up \(source.interface)")
    }
}
