import Synchronization

/// How many connections there are.
final class ConnectionCount: Sendable {
    private let count = Atomic<Int>(0)

    /// Counts one more; false when there are `limit` already.
    func enter(limit: Int) -> Bool {
        guard count.add(1, ordering: .relaxed).newValue <= limit else {
            leave()
            return false
        }
        return true
    }

    func leave() {
        count.subtract(1, ordering: .relaxed)
    }
}
