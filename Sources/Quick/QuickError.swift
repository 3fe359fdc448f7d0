/// Why `up`, `down`, `save`, `strip` or `reload` doesn't do its job, and the program's exit code.
package struct QuickError: Error, Equatable, CustomStringConvertible {
    /// One sentence for a person: what happened, where, what to do.
    package let description: String
    /// The exit code; that of a failed hook is its own.
    package let status: Int32

    package init(_ description: String, status: Int32 = 1) {
        self.description = description
        self.status = status
    }
}
