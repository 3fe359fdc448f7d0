import LinuxNet
import Synchronization

/// What a thread of its own finds out while the caller does something else. With ten thousand peers the file, the state and the report
/// take tens of milliseconds each.
package final class Background<Value: Sendable> {
    private let result: Box
    private let thread: NativeThread?

    // The value is written by one thread, and read by another after the first has ended.
    private final class Box: Sendable {
        let value = Mutex<Value?>(nil)
    }

    /// Begins with `body`, or does all of it at once where no thread can be had.
    package init(_ name: String, _ body: @escaping @Sendable () -> Value) {
        let result = Box()
        self.result = result
        let work: @Sendable () -> Void = {
            let value = body()
            result.value.withLock { $0 = value }
        }
        thread = try? NativeThread(name: name, work)
        if thread == nil { work() }
    }

    /// What was found out, once that is done. To be asked once.
    package func value() -> Value? {
        thread?.join()
        return result.value.withLock { $0.take() }
    }
}
