import Foundation
import Synchronization

#if THREAD_SANITIZER
    import struct Tunnel.Mutex
#endif

/// The logs of a test's daemons, shown when the test fails.
final class LogBook: Sendable {
    @TaskLocal static var current: LogBook?
    static let heading = "the daemons' logs:"

    private let children = Mutex<[(title: String, child: Child)]>([])

    func add(_ title: String, _ child: Child) {
        children.withLock { $0.append((title, child)) }
    }

    /// The last lines of every log.
    func tail(lines: Int = 25) -> String {
        children.withLock { children in
            children.reduce(into: Self.heading) { summary, entry in
                let (title, child) = entry
                // wireguard-go begins with a box of advice.
                let text = child.output + child.errors
                let all = text.split(separator: "\n").filter { !"│┌└".contains($0.first ?? " ") }
                let end = child.status().map { "ended with \($0)" } ?? "running"
                summary += "\n--- \(title), \(end)\n" + all.suffix(lines).joined(separator: "\n")
            }
        }
    }
}
