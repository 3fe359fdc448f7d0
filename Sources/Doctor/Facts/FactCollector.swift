import Control
import LinuxNet
import Quick
import Status
import Wire

/// Gathers what there is to know, and tries out what can only be known that way.
struct FactCollector {
    let surroundings: Surroundings

    init(_ surroundings: Surroundings) {
        self.surroundings = surroundings
    }

    func collect(_ argument: String?) throws -> Facts {
        throw QuickError("not yet")
    }
}
