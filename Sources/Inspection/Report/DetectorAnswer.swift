/// What another program says of the same capture.
package struct DetectorAnswer: Codable, Equatable, Sendable {
    /// Its name, and version where it tells one.
    package let program: String
    /// UDP flows that it calls WireGuard; nil where it failed.
    package let recognised: Int?
    /// A sentence.
    package let answer: String

    package init(program: String, recognised: Int?, answer: String) {
        self.program = program
        self.recognised = recognised
        self.answer = answer
    }
}
