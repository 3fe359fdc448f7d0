/// What the configuration server needs of an event loop. Everything happens on the thread that runs the loop.
package protocol ReadinessLoop: AnyObject {
    /// Calls `handler` whenever `descriptor` is readable or writable, as asked for, and goes on doing so while it stays
    /// that way. A hang-up or an error counts as both. Watching a descriptor again replaces the former request.
    func watch(_ descriptor: Int32, readable: Bool, writable: Bool, handler: @escaping (Readiness) -> Void)

    /// Ends what ``watch(_:readable:writable:handler:)`` began, if it did. The descriptor is still open.
    func unwatch(_ descriptor: Int32)
}

/// What a descriptor can do at this moment without waiting.
package struct Readiness: Equatable, Sendable {
    package var readable: Bool
    package var writable: Bool

    package init(readable: Bool, writable: Bool) {
        self.readable = readable
        self.writable = writable
    }
}
