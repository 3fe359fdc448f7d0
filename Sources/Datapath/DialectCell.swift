import Obfuscation
import Synchronization

/// Where the receiving lanes find what a device speaks; nothing while all of it looks like WireGuard's own.
final class DialectCell: Sendable {
    /// Goes up with every change.
    let version = Atomic<UInt64>(0)
    private let table = Mutex<DialectTable?>(nil)

    var current: DialectTable? { table.withLock { $0 } }

    func replace(with new: DialectTable?) {
        table.withLock { $0 = new }
        version.wrappingAdd(1, ordering: .releasing)
    }
}
