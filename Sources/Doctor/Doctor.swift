import Control
import LinuxNet
package import Quick
import Status

/// `nightjar doctor`: looks at interfaces and says why they don't work.
package struct Doctor {
    private let surroundings: Surroundings

    package init(_ surroundings: Surroundings) {
        self.surroundings = surroundings
    }

    /// Examines one interface; without a name those that are up, and if there is none, those that have a file.
    ///
    /// - Parameter argument: an interface's name, or the path of a file.
    /// - Throws: a sentence when there is nothing to examine.
    package func examine(_ argument: String?) throws -> Diagnosis {
        Diagnosis(try FactCollector(surroundings).collect(argument))
    }
}
