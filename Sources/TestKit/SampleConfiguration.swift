/// A configuration file and what has to become of it.
package struct SampleConfiguration: Sendable, CustomStringConvertible {
    package enum Outcome: Sendable, Equatable {
        /// Taken, and printed like this.
        case printed(String)
        /// Refused with this sentence, which follows the file's name and a colon.
        case refused(String)
    }

    package let title: String
    package let text: String
    /// Whether it is a file for `wg-quick`, or else one for `wg`.
    package let isQuick: Bool
    package let outcome: Outcome
    /// Whether Debian's `wg` does otherwise, on purpose.
    package let differsFromStock: Bool

    package var description: String { title }

    package var isTaken: Bool {
        if case .printed = outcome { true } else { false }
    }

    /// A private key, its public key, and two other public keys; texts write them as `$K`, `$P`, `$A` and `$B`.
    package static let privateKey = "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk="
    package static let publicKey = "HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw="
    package static let firstPeer = "TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0="
    package static let secondPeer = "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg="

    private static let keys = ["$K": privateKey, "$P": publicKey, "$A": firstPeer, "$B": secondPeer]

    private static func filledIn(_ text: String) -> String {
        keys.reduce(text) { text, key in
            text.split(separator: key.key, omittingEmptySubsequences: false).joined(separator: key.value)
        }
    }

    fileprivate init(_ title: String, _ text: String, isQuick: Bool, _ outcome: Outcome, differs: Bool) {
        self.title = title
        self.text = Self.filledIn(text)
        self.isQuick = isQuick
        self.outcome =
            switch outcome {
            case .printed(let text): .printed(Self.filledIn(text))
            case .refused(let text): .refused(Self.filledIn(text))
            }
        differsFromStock = differs
    }
}

/// A file for `wg` that is taken.
func good(_ title: String, _ text: String, _ printed: String, differs: Bool = false) -> SampleConfiguration {
    SampleConfiguration(title, text, isQuick: false, .printed(printed), differs: differs)
}

/// A file for `wg` that is refused.
func bad(_ title: String, _ text: String, _ sentence: String, differs: Bool = false) -> SampleConfiguration {
    SampleConfiguration(title, text, isQuick: false, .refused(sentence), differs: differs)
}

/// A file for `wg-quick` that is taken.
func goodQuick(_ title: String, _ text: String, _ printed: String) -> SampleConfiguration {
    SampleConfiguration(title, text, isQuick: true, .printed(printed), differs: false)
}

/// A file for `wg-quick` that is refused.
func badQuick(_ title: String, _ text: String, _ sentence: String) -> SampleConfiguration {
    SampleConfiguration(title, text, isQuick: true, .refused(sentence), differs: false)
}
